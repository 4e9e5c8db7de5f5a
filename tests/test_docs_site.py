"""The documentation names everything that is public, and builds without a warning."""

import re
import shutil
import subprocess
import sys
from importlib import import_module

import pytest

from conftest import ROOT

DOCS = ROOT / "docs"
PACKAGES = ("tidegate", "tidegate.layers", "tidegate.models", "tidegate.sequences")
PACKAGES += ("tidegate.functional", "tidegate.training")


@pytest.fixture(scope="module")
def shown():
    """What the pages of docs/api show: names of objects and of whole modules."""
    text = "".join(page.read_text("utf-8") for page in (DOCS / "api").glob("*.md"))
    return set(re.findall(r"^::: ([\w.]+)$", text, re.MULTILINE))


@pytest.mark.parametrize("package", PACKAGES)
def test_the_reference_has_every_public_name(package, shown):
    for name in import_module(package).__all__:
        value = getattr(import_module(package), name)
        homes = {f"{package}.{name}", f"tidegate.{name}", getattr(value, "__module__", None)}
        homes |= {home.rpartition(".")[0] for home in homes if home}  # a module shows what is in it
        is_module = not hasattr(value, "__module__")
        assert is_module or homes & shown, f"{package}.{name}"


def test_every_name_that_the_reference_shows_exists(shown):
    for name in shown:
        parent, _, last = name.rpartition(".")
        try:
            try:
                import_module(name)
            except ModuleNotFoundError:
                assert hasattr(import_module(parent), last), name
        except ImportError as error:  # an adapter whose extra is not installed
            no_backend = error.name in ("tensorflow", "jax")  # of a Keras that is installed
            assert no_backend or "pip install" in str(error), name


def test_every_environment_variable_has_its_line():
    files = [*(ROOT / "python").rglob("*.py"), *(ROOT / "src").rglob("*.[ch]pp")]
    files += [*(ROOT / "tests").glob("*.py"), ROOT / ".ci" / "run"]
    text = "".join(file.read_text("utf-8") for file in files if file.name != "test_docs_site.py")
    used = set(
        re.findall(r"\b(TIDEGATE_(?:ISA|TEST_\w+|CI_\w+|PARITY_\w+)|OMP_NUM_THREADS)\b", text)
    )
    listed = set(re.findall(r"`([A-Z_]{4,})", (DOCS / "environment.md").read_text("utf-8")))
    assert used <= listed
    assert {name for name in listed if name.startswith("TIDEGATE_")} <= used


def test_the_site_builds_without_a_warning(tmp_path):
    pytest.importorskip("mkdocstrings", reason="mkdocstrings is not installed: no site")
    pytest.importorskip("material", reason="mkdocs-material is not installed: no site")
    for name in ("docs", "python"):
        shutil.copytree(
            ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("*.so", "__py*")
        )
    shutil.copy(ROOT / "mkdocs.yml", tmp_path)
    command = [sys.executable, "-W", "ignore", "-m", "mkdocs", "build", "--strict", "--quiet"]
    built = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    page = (tmp_path / "build" / "site" / "api" / "layers.html").read_text("utf-8")
    assert "recurrent_initializer" in page
