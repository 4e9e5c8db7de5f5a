"""Every extra that an error or a page names exists, and brings what the code asks for."""

import ast
import re

import pytest

from conftest import ROOT

tomllib = pytest.importorskip("tomllib", reason="Python 3.11 reads pyproject.toml")

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
# The package that holds a module, where the names differ.
PACKAGE_OF = {"sklearn": "scikit-learn", "google": "onnx"}  # onnx brings protobuf


def calls_of_require():
    """Return (file, module, extra) of every `require("module", extra="...")`."""
    for path in sorted((ROOT / "python" / "tidegate").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "require":
                extra = next((k.value for k in node.keywords if k.arg == "extra"), None)
                module = node.args[0] if node.args else None
                if isinstance(extra, ast.Constant):
                    name = module.value if isinstance(module, ast.Constant) else None
                    yield path.name, name, extra.value


def packages_of(extra):
    """Return the packages of an extra, those of the extras that it names included."""
    found = set()
    for requirement in EXTRAS[extra]:
        if inner := re.fullmatch(r"tidegate\[(.*)\]", requirement):
            for name in inner.group(1).split(","):
                found |= packages_of(name.strip())
        else:
            found.add(re.match(r"[\w.-]+", requirement).group().lower())
    return found


CALLS = sorted(set(calls_of_require()), key=str)


@pytest.mark.parametrize(("file", "module", "extra"), CALLS)
def test_the_extra_of_an_error_brings_the_package(file, module, extra):
    assert extra in EXTRAS, f"{file} names tidegate[{extra}]"
    if module is not None and not module.startswith("tidegate"):
        package = module.partition(".")[0]
        assert PACKAGE_OF.get(package, package) in packages_of(extra)


def test_there_are_such_calls():
    assert len(CALLS) >= 10


def test_the_extras_of_the_issue_exist():
    wanted = {"torch", "keras", "sklearn", "onnx", "table", "demo", "bench", "docs", "test", "dev"}
    assert wanted <= set(EXTRAS)


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "docs"])
def test_the_extras_of_the_documentation_exist(page):
    path = ROOT / page
    texts = [path.read_text("utf-8")] if path.is_file() else map(_text, path.rglob("*.md"))
    named = {
        name.strip()
        for text in texts
        for listed in re.findall(r"tidegate\[([\w, ]+)\]|pip install \"?\.\[([\w, ]+)\]", text)
        for name in ",".join(filter(None, listed)).split(",")
    }
    assert named <= set(EXTRAS)


def _text(path):
    return path.read_text("utf-8")
