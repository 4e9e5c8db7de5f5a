"""The number of threads, and what this installation is made of.

The setting is one number of this process, kept in the core, which reads it at every call. Nothing
global is touched: no environment variable, no `omp_set_num_threads`.
"""

import operator
import os
import platform
from typing import Any

from tidegate import _loader
from tidegate._version import __version__

MAX_THREADS = 1024


def _reset_in_child() -> None:
    """After fork: one thread."""
    _loader.core.set_num_threads(1)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reset_in_child)


def set_num_threads(n: int) -> None:
    """Set how many threads each call into the core may use, for the whole process.

    Results do not depend on it. A child made by `os.fork` starts with 1 again.

    Parameters
    ----------
    n : int
        1 <= n <= 1024. More than the CPUs of the machine is allowed, but slower.

    Raises
    ------
    TypeError
        `n` is not an integer (bool is not accepted).
    ValueError
        `n` is outside 1..1024.

    Examples
    --------
    >>> import tidegate as tg
    >>> tg.set_num_threads(1)
    >>> tg.get_num_threads()
    1
    """
    kind = type(n).__name__
    if isinstance(n, bool):
        raise TypeError(f"set_num_threads: n is {n!r} of type {kind}; expected an integer >= 1.")
    try:
        count = operator.index(n)
    except TypeError:
        raise TypeError(
            f"set_num_threads: n is {n!r} of type {kind}; expected an integer >= 1."
        ) from None
    if not 1 <= count <= MAX_THREADS:
        raise ValueError(
            f"set_num_threads: n is {count}; expected 1..{MAX_THREADS} "
            "(1 runs everything in the calling thread)."
        )
    _loader.core.set_num_threads(count)


def get_num_threads() -> int:
    """Return how many threads a call into the core may use now.

    Without `set_num_threads` it is the smallest of: CPUs of the process's affinity mask, the
    container's CPU quota (cgroup v1 or v2, rounded up), `OMP_NUM_THREADS`; 1 in a forked child. A
    lower limit that threadpoolctl puts on OpenMP holds as long as it stands.

    Returns
    -------
    int
        At least 1.

    Examples
    --------
    >>> get_num_threads() >= 1
    True
    """
    count: int = _loader.core.num_threads()
    return count


def get_config() -> dict[str, Any]:
    """Return what `show_config` prints.

    Returns
    -------
    dict
        "version", "isa" (the level in use), "isa_available" and "isa_built" (tuples, best first),
        "num_threads", "compiler", "compiler_version", "cxx_standard", "build_type", "assertions",
        "eigen", "openmp" (date of the specification, None in a serial build), "numpy", "python",
        "platform".

    Examples
    --------
    >>> get_config()["isa"] in get_config()["isa_available"]
    True
    """
    import numpy as np

    build = _loader.core.build_config()
    return {
        "version": __version__,
        "isa": _loader.isa,
        "isa_available": _loader.available,
        "isa_built": _loader.built,
        "num_threads": get_num_threads(),
        **{key: build[key] for key in build if key not in ("version", "isa")},
        "numpy": np.__version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
    }


def show_config() -> None:
    """Print ISA level, threads, compiler, Eigen, OpenMP and versions, one per line."""
    config = get_config()
    config["isa_available"] = ", ".join(config["isa_available"])
    config["isa_built"] = ", ".join(config["isa_built"])
    config["openmp"] = config["openmp"] or "none (serial build)"
    for key, value in config.items():
        print(f"{key.replace('_', ' '):<17} {value}")
