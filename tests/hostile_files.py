"""Changed model files: each loads and computes, or gets a clear error, in bounded memory and time.

    PYTHONPATH=python python tests/hostile_files.py 0 2000 FOLDER

Seeds 0 to 1999, with files in FOLDER. The process may take ROOM more bytes of address space than
it has after its first file; a failing seed is printed.
"""

import faulthandler
import resource
import sys
import traceback
from collections import Counter
from pathlib import Path

import numpy as np

import hostile_onnx
import hostile_safetensors
from random_runs import Draw
from tidegate.io import ModelFileError

ROOM = 2**30
LONGEST = 20  # seconds of one file, after which the fault handler shows where it hangs
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
    faulthandler.enable()
    folder = Path(folder)
    goods = {kind: sys.modules[f"hostile_{kind}"].good_files(folder) for kind in kinds}
    for kind in kinds:  # what is imported on first use does not count
        KINDS[kind][1](goods[kind][0])
    bound_memory()
    outcomes, failures = Counter(), 0
    for seed in range(first, first + count):
        kind = kinds[seed % len(kinds)]
        good = goods[kind][seed // len(kinds) % len(goods[kind])]
        (folder / "now").write_text(str(seed), "ascii")
        faulthandler.dump_traceback_later(LONGEST, exit=True)
        try:
            outcomes[kind, one_file(seed, kind, good, folder)] += 1
        except Exception:
            failures += 1
            print(f"seed {seed} ({kind}): {traceback.format_exc(limit=-4)}", file=sys.stderr)
        faulthandler.cancel_dump_traceback_later()
    for (kind, outcome), number in sorted(outcomes.items()):
        print(kind, outcome, number)
    print("files", count, "failures", failures)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]))
