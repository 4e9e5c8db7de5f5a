"""The stubs of the compiled modules are those of the modules that are installed."""

import ast
import difflib

import pytest

pytest.importorskip("pybind11_stubgen", reason='pip install "tidegate[dev]"')

import stubs


@pytest.fixture(scope="module")
def fresh():
    return stubs.generated()


@pytest.mark.parametrize("name", ["_core.pyi", "_cpu.pyi"])
def test_a_stub_is_not_stale(fresh, name):
    written = (stubs.FOLDER / name).read_text(encoding="utf-8")
    if ast.dump(ast.parse(written)) != ast.dump(ast.parse(fresh[name])):
        changed = difflib.unified_diff(written.splitlines(), fresh[name].splitlines(), lineterm="")
        pytest.fail("run: PYTHONPATH=python python tests/stubs.py\n" + "\n".join(changed))


def test_the_stubs_hold_what_the_modules_hold(fresh):
    core = ast.parse(fresh["_core.pyi"])
    names = {node.name for node in core.body if isinstance(node, ast.ClassDef | ast.FunctionDef)}
    public = {name for name in dir(stubs._loader.core) if not name.startswith("_")}
    assert names == public
