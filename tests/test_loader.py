"""Choosing and loading the compiled core: environment, CPU, installation, and every error."""

import shutil
import types
from pathlib import Path

import pytest

import tidegate
from tidegate import _loader
from tidegate._loader import choose_level, load_core

ALL = ("v2", "v3", "v4")


def test_choose_level_takes_the_best_of_cpu_and_installation():
    assert choose_level(ALL, ALL, {}) == "v4"
    assert choose_level(("v2", "v3"), ALL, {}) == "v3"
    assert choose_level(("base",), ("base",), {}) == "base"


def test_choose_level_skips_a_level_absent_from_the_installation():
    assert choose_level(ALL, ("v2", "v3"), {}) == "v3"


def test_choose_level_obeys_the_environment():
    assert choose_level(ALL, ALL, {"TIDEGATE_ISA": "v2"}) == "v2"
    assert choose_level(ALL, ALL, {"TIDEGATE_ISA": ""}) == "v4"


@pytest.mark.parametrize("wanted", ["avx2", "V3", "v5", " v3"])
def test_choose_level_refuses_an_unknown_name(wanted):
    with pytest.raises(ImportError, match='is not an ISA level; available: "v4", "v3", "v2"'):
        choose_level(ALL, ALL, {"TIDEGATE_ISA": wanted})


def test_choose_level_refuses_what_the_cpu_lacks():
    message = (
        'TIDEGATE_ISA="v4" is not supported by this CPU; available: "v3", "v2". '
        "Unset TIDEGATE_ISA to choose automatically."
    )
    with pytest.raises(ImportError, match=message):
        choose_level(("v2", "v3"), ALL, {"TIDEGATE_ISA": "v4"})


def test_choose_level_refuses_what_is_not_installed():
    with pytest.raises(ImportError, match='"v4" is not in this installation; available: "v3"'):
        choose_level(ALL, ("v3",), {"TIDEGATE_ISA": "v4"})


def test_choose_level_names_a_cpu_without_any_installed_level():
    with pytest.raises(ImportError, match=r"this CPU runs ISA levels \[\].*needs SSE4\.2"):
        choose_level((), ALL, {})


def test_load_core_never_hides_a_core_that_fails_to_import():
    def broken(name):
        raise ImportError(f"{name}: undefined symbol: nonsense")

    with pytest.raises(ImportError, match=r"v3 is installed but does not import .*nonsense"):
        load_core("v3", broken)


def test_load_core_refuses_a_core_of_another_version():
    stale = types.SimpleNamespace(build_config=lambda: {"version": "0.0.1"})
    with pytest.raises(ImportError, match=r"is version 0\.0\.1, the Python part is"):
        load_core("v3", lambda name: stale)


def test_exactly_one_core_is_imported(fresh_python):
    done = fresh_python(
        "import sys, tidegate; print([m for m in sys.modules if m.startswith('tidegate._core_')])"
    )
    assert done.stdout.strip() == f"['tidegate._core_{_loader.isa}']", done.stderr


def test_every_available_level_loads_and_says_its_name(run_at_isa):
    out = run_at_isa("import tidegate; print(tidegate.get_config()['isa'])")
    assert out.strip() == run_at_isa.isa
    out = run_at_isa("from tidegate._loader import core; print(core.build_config()['isa'])")
    assert out.strip() == run_at_isa.isa


def test_import_with_an_unknown_level_fails_readably(fresh_python):
    done = fresh_python("import tidegate", env={"TIDEGATE_ISA": "sse9"})
    assert done.returncode == 1
    assert 'ImportError: tidegate: TIDEGATE_ISA="sse9" is not an ISA level' in done.stderr


def copy_of_package(folder, *, without):
    """Copy the installed package, leaving out the files that match a pattern."""
    shutil.copytree(
        Path(tidegate.__file__).parent,
        folder / "tidegate",
        ignore=shutil.ignore_patterns("__pycache__", *without),
    )
    return {"PYTHONPATH": str(folder), "TIDEGATE_ISA": ""}


def test_import_without_the_compiled_part_says_pip_install(fresh_python, tmp_path):
    env = copy_of_package(tmp_path, without=["*.so", "*.pyd"])
    done = fresh_python("import tidegate", env=env, cwd=tmp_path)
    assert done.returncode == 1
    assert "has no compiled part for this Python; run `pip install .`" in done.stderr
    assert done.stderr.count("Traceback") == 1  # no chained tracebacks before the message


def test_import_skips_a_level_absent_from_the_installation(fresh_python, tmp_path):
    if len(_loader.available) < 2:
        pytest.skip("this machine has one level only")
    best, second = _loader.available[:2]
    env = copy_of_package(tmp_path, without=[f"_core_{best}.*"])
    done = fresh_python("import tidegate; print(tidegate.get_config()['isa'])", env=env)
    assert done.stdout.strip() == second, done.stderr


def test_import_fails_on_a_broken_level(fresh_python, tmp_path):
    env = copy_of_package(tmp_path, without=[])
    for module in (tmp_path / "tidegate").glob(f"_core_{_loader.available[0]}.*"):
        module.write_bytes(b"not a shared library")
    done = fresh_python("import tidegate", env=env)
    assert done.returncode == 1
    assert "is installed but does not import" in done.stderr
