"""The built package: symbols, instruction sets, size, cost of an import, sdist and wheel."""

import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

import tidegate
from conftest import ROOT
from tidegate import _loader

PACKAGE = Path(tidegate.__file__).parent
WHEEL_LIMIT = 4 * 2**20
MODULES = sorted(path.name for path in PACKAGE.glob("*.so"))

needs_elf = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads ELF files")


def output_of(*command, **options):
    return subprocess.run(command, capture_output=True, text=True, check=True, **options).stdout


def needs_tool(name):
    return pytest.mark.skipif(shutil.which(name) is None, reason=f"needs {name} (binutils)")


def test_the_cpu_module_and_the_core_are_installed():
    assert any(name.startswith("_cpu.") for name in MODULES)
    assert any(name.startswith(f"_core_{_loader.isa}.") for name in MODULES)


@needs_elf
@needs_tool("nm")
@pytest.mark.parametrize("module", MODULES)
def test_a_module_exports_only_its_entry_point(module):
    lines = output_of("nm", "-D", "--defined-only", str(PACKAGE / module)).splitlines()
    assert [line.split()[-1] for line in lines] == [f"PyInit_{module.partition('.')[0]}"]


# The registers that code of a level must not touch: AVX begins with v3, AVX-512 with v4.
FORBIDDEN = {"_cpu": r"%[yz]mm", "_core_v2": r"%[yz]mm", "_core_v3": r"%zmm"}


@needs_elf
@needs_tool("objdump")
@pytest.mark.parametrize("module", [m for m in MODULES if m.partition(".")[0] in FORBIDDEN])
def test_no_code_of_a_higher_level_is_linked_in(module):
    code = output_of("objdump", "-d", "--no-show-raw-insn", str(PACKAGE / module))
    assert not re.search(FORBIDDEN[module.partition(".")[0]], code)


def test_the_installed_package_fits_a_small_wheel(tmp_path):
    with zipfile.ZipFile(tmp_path / "all.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for path in PACKAGE.rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                archive.write(path)
    assert (tmp_path / "all.zip").stat().st_size <= WHEEL_LIMIT


def test_import_costs_at_most_60_ms_beyond_numpy(fresh_python):
    code = (
        "import numpy, time\nstart = time.perf_counter()\nimport tidegate\n"
        "print(time.perf_counter() - start)"
    )
    best = min(float(fresh_python(code).stdout) for _ in range(5))
    assert best <= 0.060


def test_import_brings_in_no_optional_package(fresh_python):
    code = "import sys, tidegate; print(*{name.partition('.')[0] for name in sys.modules})"
    optional = {"tqdm", "matplotlib", "pandas", "statsmodels", "safetensors", "torch", "keras"}
    assert not optional & set(fresh_python(code).stdout.split())


def test_import_leaves_denormals_alone(fresh_python):
    # -ffast-math at link time would flush them in the whole process (GCC before 13).
    code = "import numpy as np, tidegate; print(np.float32(1e-45) * np.float32(1) > 0)"
    assert fresh_python(code).stdout.strip() == "True"


def test_lazy_names_are_listed_and_unknown_ones_refused():
    assert set(tidegate.__all__) <= set(dir(tidegate))
    with pytest.raises(AttributeError, match="module 'tidegate' has no attribute 'nonsense'"):
        _ = tidegate.nonsense


@pytest.mark.parametrize("name", tidegate.__all__)
def test_every_public_name_is_importable(name):
    assert getattr(tidegate, name) is not None


@pytest.fixture(scope="module")
def sdist(tmp_path_factory):
    """Build the sdist from a copy of the tree that git does not know."""
    folder = tmp_path_factory.mktemp("sdist")
    unwanted = shutil.ignore_patterns(".git", "build", ".venv*", "__pycache__")
    shutil.copytree(ROOT, folder / "tree", ignore=unwanted)
    env = {**os.environ, "PYTHONWARNINGS": "default"}
    output_of(
        *(sys.executable, "-m", "build", "--sdist", "--outdir", str(folder), "."),
        cwd=folder / "tree",
        env=env,
    )
    return next(folder.glob("*.tar.gz"))


@pytest.mark.slow
def test_sdist_has_the_sources_and_nothing_generated(sdist):
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    for wanted in ("pyproject.toml", "CMakeLists.txt", "LICENSE", "README.md", "src/exports.map"):
        assert wanted in names
    assert "python/tidegate/_loader.py" in names
    assert "tests/test_build.py" in names
    assert not [name for name in names if re.search(r"\.(so|pyc|png|whl)$|^build/|\.git/", name)]


@pytest.mark.slow
def test_wheel_from_the_sdist_is_complete(sdist, tmp_path):
    """One ISA level, serial, warnings are errors; TIDEGATE_TEST_WHEELS=DIR keeps the wheel there.

    What all levels together weigh is measured on the installed package; -O1 compiles sooner.
    """
    wheels = Path(os.environ.get("TIDEGATE_TEST_WHEELS", tmp_path))
    level = _loader.built[-1]
    defines = {"ISA_LEVELS": level, "OPENMP": "OFF", "WERROR": "ON"}
    options = [f"-Ccmake.define.TIDEGATE_{name}={value}" for name, value in defines.items()]
    options.append("-Ccmake.define.CMAKE_CXX_FLAGS_RELEASE=-O1 -DNDEBUG")
    output_of(
        *(sys.executable, "-m", "pip", "wheel", "--no-deps", *options),
        *("-w", str(wheels), str(sdist)),
        env={**os.environ, "PYTHONWARNINGS": "default"},
    )
    (wheel,) = wheels.glob("tidegate-*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    cores = [name for name in names if name.startswith("tidegate/_core_")]
    assert len(cores) == 1 and cores[0].startswith(f"tidegate/_core_{level}.")
    assert "tidegate/py.typed" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    outside = [n for n in names if not n.startswith(("tidegate/", "tidegate-"))]
    assert outside == []
