"""Type stubs of the compiled modules, made by pybind11-stubgen from what is installed.

    PYTHONPATH=python python tests/stubs.py     writes python/tidegate/_core.pyi and _cpu.pyi

Every ISA level has the same interface, so one stub, of a module called _core, stands for all.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from tidegate import _loader

FOLDER = Path(__file__).resolve().parent.parent / "python" / "tidegate"
NOTE = "# Written by tests/stubs.py; do not edit.\n"


def generated():
    """Return the text of each stub by the name of its file."""
    found = {}
    for name, module in (("_core.pyi", f"_core_{_loader.isa}"), ("_cpu.pyi", "_cpu")):
        with tempfile.TemporaryDirectory() as folder:
            command = (sys.executable, "-W", "ignore", "-m", "pybind11_stubgen")
            subprocess.run(
                [*command, "--exit-code", "-o", folder, f"tidegate.{module}"],
                check=True,
                capture_output=True,
                text=True,
            )
            text = (Path(folder) / "tidegate" / f"{module}.pyi").read_text(encoding="utf-8")
        text = re.sub(rf"for ISA level {_loader.isa}\b", "for one ISA level", text)
        found[name] = NOTE + text
    return found


if __name__ == "__main__":
    for name, text in generated().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
        print(FOLDER / name)
