"""Choose the compiled core: the highest ISA level that is installed and that this CPU runs.

Exactly one core is imported into a process. `TIDEGATE_ISA` forces a level. A level that is absent
from the installation is skipped; a level that fails to import is an error, never hidden.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from tidegate._version import __version__

# Best first; "base" is the only level of an architecture without levels.
LEVELS = ("v4", "v3", "v2", "base")

_REINSTALL = "run `pip install --force-reinstall .` in a clone of tidegate"


def is_built(level: str) -> bool:
    """Tell whether the installation has the module of this level."""
    return find_spec(f"tidegate._core_{level}") is not None


def supported_levels() -> tuple[str, ...]:
    """Return the levels that this CPU and operating system run, lowest first."""
    try:
        cpu = import_module("tidegate._cpu")
    except ModuleNotFoundError as error:
        if error.name != "tidegate._cpu":
            raise
        raise ImportError(
            f"tidegate: {os.path.dirname(os.path.abspath(__file__))} has no compiled part for this "
            "Python; run `pip install .` in a clone of tidegate, and start Python outside its "
            "python/ folder.",
            name="tidegate._cpu",
        ) from None
    return tuple(cpu.supported_levels())


def choose_level(
    supported: Sequence[str], built: Sequence[str], environment: Mapping[str, str]
) -> str:
    """Return the level to load.

    Parameters
    ----------
    supported, built : sequence of str
        Levels that the CPU runs, and levels that are installed.
    environment : mapping
        Where `TIDEGATE_ISA` may be set; empty means unset.

    Raises
    ------
    ImportError
        `TIDEGATE_ISA` names a level that is unknown, not run by the CPU or not installed; or
        nothing that is installed runs here.
    """
    available = [level for level in LEVELS if level in supported and level in built]
    listed = ", ".join(f'"{level}"' for level in available) or "none"
    wanted = environment.get("TIDEGATE_ISA", "")
    if not wanted:
        if available:
            return available[0]
        raise ImportError(
            f"tidegate: this CPU runs ISA levels {list(supported)}, the installation has "
            f"{list(built)}: none in common; {_REINSTALL} on this machine (x86-64 needs SSE4.2)."
        )
    fix = f"available: {listed}. Unset TIDEGATE_ISA to choose automatically."
    if wanted not in LEVELS:
        raise ImportError(f'tidegate: TIDEGATE_ISA="{wanted}" is not an ISA level; {fix}')
    if wanted not in supported:
        raise ImportError(f'tidegate: TIDEGATE_ISA="{wanted}" is not supported by this CPU; {fix}')
    if wanted not in built:
        raise ImportError(f'tidegate: TIDEGATE_ISA="{wanted}" is not in this installation; {fix}')
    return wanted


def load_core(level: str, importer: Callable[[str], Any] = import_module) -> Any:
    """Import the core of one level; an installed core that fails to import is an error."""
    try:
        module = importer(f"tidegate._core_{level}")
    except ImportError as error:
        raise ImportError(
            f"tidegate: the core of ISA level {level} is installed but does not import ({error}); "
            f"{_REINSTALL}.",
            name=f"tidegate._core_{level}",
        ) from error
    compiled = module.build_config()["version"]
    if compiled != __version__:
        raise ImportError(
            f"tidegate: the core of ISA level {level} is version {compiled}, the Python part is "
            f"{__version__}; {_REINSTALL}."
        )
    return module


supported: tuple[str, ...] = supported_levels()
built: tuple[str, ...] = tuple(level for level in LEVELS if is_built(level))
available: tuple[str, ...] = tuple(level for level in built if level in supported)
isa: str = choose_level(supported, built, os.environ)
if TYPE_CHECKING:
    import tidegate._core  # the stub that stands for every level

    core = tidegate._core
else:
    core = load_core(isa)
