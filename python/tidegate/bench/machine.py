"""What a report says of the machine and of this copy of tidegate."""

import os
import platform
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

_CPUS = Path("/sys/devices/system/cpu")
_CPUINFO = Path("/proc/cpuinfo")


@dataclass(frozen=True)
class Cache:
    """A level of data caches.

    Attributes
    ----------
    name : str
        Such as "L2".
    size : int
        Bytes of one instance.
    instances : int
        How many of them the process's CPUs have.
    """

    name: str
    size: int
    instances: int

    def per_thread(self, threads: int) -> int:
        """Return the bytes that each of so many threads may call its own."""
        return self.size // -(-threads // self.instances)


def caches(root: Path = _CPUS) -> list[Cache]:
    """Return the data caches by sysfs, nearest first; empty where it does not tell."""
    usable = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else {0}
    found: dict[int, tuple[int, set[str]]] = {}
    for cpu in usable:
        for folder in sorted((root / f"cpu{cpu}" / "cache").glob("index*")):
            entry = {name: _read(folder / name) for name in ("level", "type", "size")}
            size = _bytes(entry["size"])
            if (
                entry["type"] not in ("Data", "Unified")
                or not size
                or not entry["level"].isdecimal()
            ):
                continue
            _, sharers = found.setdefault(int(entry["level"]), (size, set()))
            sharers.add(_read(folder / "shared_cpu_list"))
    return [Cache(f"L{level}", size, len(s)) for level, (size, s) in sorted(found.items())]


def caches_from_curve(read: Mapping[int, float], threads: int) -> list[Cache]:
    """Guess the caches from a curve of bandwidth by working set, where sysfs is silent.

    A level is a plateau: neighbouring sizes within 10 %. The last plateau is memory.
    """
    sizes = sorted(read)
    ends: list[int] = []
    flat = 1
    for size, following in pairwise(sizes):
        if read[following] > 0.9 * read[size]:
            flat += 1
            continue
        if flat > 1:
            ends.append(size)
        flat = 1
    return [Cache(f"L{level}", size, threads) for level, size in enumerate(ends, 1)]


def largest_working_set(levels: list[Cache], threads: int) -> int:
    """Return bytes per thread that are sure to come from memory."""
    last = levels[-1].per_thread(threads) if levels else 16 << 20
    return 4 * max(last, 1 << 20)


def describe() -> dict[str, Any]:
    """Return the machine and the build, for the report."""
    from tidegate.runtime import get_config

    config = get_config()
    return {
        "cpu": cpu_model(),
        "cpus": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "os": platform.platform(),
        "git": git_describe(),
        "tidegate": {key: config[key] for key in config if key not in ("platform", "num_threads")},
    }


def cpu_model(path: Path = _CPUINFO) -> str:
    """Return the name of the CPU."""
    match = re.search(r"^model name\s*:\s*(.+)$", _read(path), re.MULTILINE)
    return match[1] if match else platform.processor() or platform.machine()


def git_describe() -> str | None:
    """Return the commit of the tree that runs, None for an installation."""
    here = Path(__file__).resolve().parent
    try:
        done = subprocess.run(
            ["git", "-C", str(here), "describe", "--always", "--dirty", "--tags"],
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None


def _read(path: Path) -> str:
    """Return the stripped text of a file, "" if it cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def _bytes(text: str) -> int:
    """Return the bytes of "1024K"; 0 for anything else."""
    match = re.fullmatch(r"(\d+)([KMG]?)", text)
    return int(match[1]) << {"": 0, "K": 10, "M": 20, "G": 30}[match[2]] if match else 0
