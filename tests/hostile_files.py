"""Changed model files: each loads and computes, or gets a clear error, in bounded memory and time.

    PYTHONPATH=python python tests/hostile_files.py 0 2000 FOLDER

Seeds 0 to 1999, with files in FOLDER. The process may take ROOM more bytes of address space than
it has after its first file; a failing seed is printed.
"""

import resource
import sys
from pathlib import Path

import numpy as np

import hostile_onnx
import hostile_safetensors
from hostile_seeds import run_seeds
from random_runs import Draw
from tidegate.io import ModelFileError

ROOM = 2**30
KINDS = {
    "safetensors": (hostile_safetensors.contents, hostile_safetensors.load_and_run),
    "onnx": (hostile_onnx.contents, hostile_onnx.load_and_run),
}


def one_file(seed, kind, good, folder):
    """Load the changed file of a seed; return "refused", "failed" or "ran"."""
    draw = Draw(seed, np.float32)
    changed, load_and_run = KINDS[kind][0], KINDS[kind][1]
    path = folder / f"bad.{kind}"
    path.unlink(missing_ok=True)
    path.write_bytes(changed(draw, good, folder))
    try:
        return load_and_run(path)
    except ModelFileError as error:
        assert str(path) in str(error), f"the message names no file: {error}"
        return "refused"


def bound_memory():
    """Limit the address space to what is in use and ROOM more."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
    limit = pages * resource.getpagesize() + ROOM
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def main(first, count, folder, kinds=tuple(KINDS)):
    folder = Path(folder)
    goods = {kind: sys.modules[f"hostile_{kind}"].good_files(folder) for kind in kinds}
    for kind in kinds:  # what is imported on first use does not count
        KINDS[kind][1](goods[kind][0])
    bound_memory()

    def kind_of(seed):
        return kinds[seed % len(kinds)]

    def trial(seed):
        kind = kind_of(seed)
        good = goods[kind][seed // len(kinds) % len(goods[kind])]
        return kind, one_file(seed, kind, good, folder)

    def label(seed):
        return f"{seed} ({kind_of(seed)})"

    return run_seeds(first, count, trial, noun="files", now=folder / "now", label=label)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]))
