"""The arrows of the design point one way: read every `#include` and `import` line and check them.

    adapters, training, models -> layers -> functional -> bindings
    bindings -> sequence -> cells, gemm -> math -> base

A folder or module may use itself and what stands in a lower tier, never its neighbours or what is
above. Imports inside functions count; those under `if TYPE_CHECKING` do not run and do not count.
"""

import ast
import re

import pytest

from conftest import ROOT

# Lowest first; entries of one tuple are neighbours.
CPP_TIERS = [("base",), ("math",), ("cells", "gemm", "optimizers"), ("sequence",), ("bindings",)]

# Modules right under tidegate. What stands together in a tuple may use each other: a model saves
# itself through io, which builds models.
PYTHON_TIERS = [
    ("_version", "_accelerated", "_arrays", "_extras", "_files", "_cpus", "reference"),
    ("_loader", "activation", "_weight_shapes", "_layer_norm"),
    ("runtime",),
    ("_thread_limit",),
    ("weights",),
    ("functional",),
    ("sequences",),
    ("layers",),
    ("training",),
    ("models", "io", "_model_format"),
    ("stream",),
    ("forecast",),
    ("torch", "keras", "sklearn", "onnx"),
    ("bench", "demo", "selftest", "tabular", "_info_command", "_convert_command"),
    ("cli",),
    ("__main__", "__init__"),
]
# The package itself (`import tidegate as tg`) offers everything: only programs may use it.
PACKAGE_USERS = {"bench", "demo", "forecast", "cli", "__main__"}
STANDALONE = {"reference"}


def rank_in(tiers, name):
    return next((rank for rank, tier in enumerate(tiers) if name in tier), None)


def cpp_violations(src):
    """Return one line for every #include that points sideways, back or nowhere."""
    found = []
    for path in sorted([*src.rglob("*.hpp"), *src.rglob("*.cpp")]):
        folder = path.relative_to(src).parts[0]
        rank = rank_in(CPP_TIERS, folder)
        for target in re.findall(r'^\s*#\s*include\s*"([^"]+)"', path.read_text(), re.MULTILINE):
            target_rank = rank_in(CPP_TIERS, target.partition("/")[0])
            if rank is None or target_rank is None:
                found.append(f"{path.name}: {folder} -> {target}: folder has no place in CPP_TIERS")
            elif target.partition("/")[0] != folder and target_rank >= rank:
                found.append(f"{path.name}: {folder} -> {target} points back")
    return found


class ImportedModules(ast.NodeVisitor):
    """Collect the absolute names of what one file imports, the `if TYPE_CHECKING` branch apart."""

    def __init__(self, package):
        self.package = package
        self.names = set()

    def visit_If(self, node):
        if "TYPE_CHECKING" in ast.unparse(node.test):
            for statement in node.orelse:
                self.visit(statement)
        else:
            self.generic_visit(node)

    def visit_Import(self, node):
        self.names.update(alias.name for alias in node.names)

    def visit_ImportFrom(self, node):
        base = node.module or ""
        if node.level:
            parts = self.package.split(".")
            base = ".".join([*parts[: len(parts) - node.level + 1], *([base] if base else [])])
        if base == "tidegate":
            self.names.update(f"tidegate.{alias.name}" for alias in node.names)
        else:
            self.names.add(base)


def imports_of(path, package_root):
    """Return the modules right under tidegate that a file imports ("" for the package itself)."""
    folder = path.parent.relative_to(package_root.parent)
    visitor = ImportedModules(".".join(folder.parts))
    visitor.visit(ast.parse(path.read_text(encoding="utf-8")))
    inside = [name.split(".") for name in visitor.names if name.split(".")[0] == "tidegate"]
    return {parts[1] if len(parts) > 1 else "" for parts in inside}


def python_violations(package_root):
    """Return one line for every import that points sideways, back or nowhere."""
    found = []
    for path in sorted(package_root.rglob("*.py")):
        unit = path.relative_to(package_root).parts[0].removesuffix(".py")
        rank = rank_in(PYTHON_TIERS, unit)
        if rank is None:
            found.append(f"{unit} has no place in PYTHON_TIERS")
            continue
        for target in sorted(imports_of(path, package_root) - {unit}):
            target_rank = rank_in(PYTHON_TIERS, target)
            if target == "":
                if unit not in PACKAGE_USERS:
                    found.append(f"{unit} imports the package itself; import the module it needs")
            elif target_rank is None:
                found.append(f"{unit} -> {target}: {target} has no place in PYTHON_TIERS")
            elif target_rank > rank or unit in STANDALONE:
                found.append(f"{unit} -> {target} points back")
    return found


def test_includes_point_down():
    assert list((ROOT / "src").rglob("*.hpp"))
    assert cpp_violations(ROOT / "src") == []


def test_imports_point_down():
    assert list((ROOT / "python" / "tidegate").rglob("*.py"))
    assert python_violations(ROOT / "python" / "tidegate") == []


def test_cpp_tests_mirror_the_sources():
    folders = {path.parent.name for path in (ROOT / "cpp_tests").rglob("test_*.cpp")}
    assert folders - {"support"} <= {name for tier in CPP_TIERS for name in tier}


@pytest.mark.parametrize(
    ("file", "line", "expected"),
    [
        ("math/a.hpp", '#include "sequence/b.hpp"', "math -> sequence/b.hpp points back"),
        ("cells/a.cpp", '  # include "gemm/b.hpp"', "cells -> gemm/b.hpp points back"),
        ("base/a.hpp", '#include "other/b.hpp"', "no place in CPP_TIERS"),
        ("fresh/a.hpp", '#include "base/b.hpp"', "no place in CPP_TIERS"),
    ],
)
def test_a_wrong_include_is_found(tmp_path, file, line, expected):
    (tmp_path / file).parent.mkdir()
    (tmp_path / file).write_text(f"#pragma once\n{line}\n")
    (violation,) = cpp_violations(tmp_path)
    assert expected in violation


@pytest.mark.parametrize(
    ("file", "line", "expected"),
    [
        ("functional.py", "from tidegate.layers import LSTM", "functional -> layers points back"),
        ("functional.py", "from tidegate import layers", "functional -> layers points back"),
        ("functional.py", "def f():\n    from . import models", "functional -> models points back"),
        ("layers/base.py", "from ..training import fit", "layers -> training points back"),
        ("layers/base.py", "import tidegate.models", "layers -> models points back"),
        ("layers/base.py", "import tidegate as tg", "layers imports the package itself"),
        ("reference/lstm.py", "from tidegate._version import x", "reference -> _version points"),
        ("cli.py", "import tidegate.nonsense", "nonsense has no place in PYTHON_TIERS"),
        ("nonsense.py", "", "nonsense has no place in PYTHON_TIERS"),
    ],
)
def test_a_wrong_import_is_found(tmp_path, file, line, expected):
    path = tmp_path / "tidegate" / file
    path.parent.mkdir(parents=True)
    path.write_text(line + "\n")
    (violation,) = python_violations(tmp_path / "tidegate")
    assert expected in violation


def test_a_right_import_is_not_found(tmp_path):
    path = tmp_path / "tidegate" / "layers" / "lstm.py"
    path.parent.mkdir(parents=True)
    path.write_text(
        "import numpy\nfrom typing import TYPE_CHECKING\nfrom tidegate import functional\n"
        "from . import base\nfrom ..weights import CellWeights\n"
        "if TYPE_CHECKING:\n    from tidegate.models import Sequential\n"
    )
    assert python_violations(tmp_path / "tidegate") == []
