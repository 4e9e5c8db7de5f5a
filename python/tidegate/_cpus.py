"""How many CPUs this process may use: affinity, container quota (cgroup v1 and v2), environment."""

import math
import os
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

_CGROUP_ROOT = Path("/sys/fs/cgroup")
_SELF_CGROUP = Path("/proc/self/cgroup")


def affinity_count() -> int:
    """Return the number of CPUs that the scheduler lets this process run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _read(path: Path) -> str:
    """Return the stripped text of a file, "" if it cannot be read."""
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""


def _ratio(quota: str, period: str) -> float | None:
    """Return quota/period in CPUs, None if there is no limit ("max" or -1) or no sense in it."""
    try:
        quota_us, period_us = int(quota), int(period)
    except ValueError:
        return None
    return quota_us / period_us if quota_us > 0 and period_us > 0 else None


def _with_parents(mount: Path, group: str) -> Iterator[Path]:
    """Yield the folder of a group and of each group around it; the innermost may not be visible."""
    parts = [part for part in PurePosixPath(group).parts if part not in ("/", "..")]
    for count in range(len(parts), -1, -1):
        yield mount.joinpath(*parts[:count])


def _limits(root: Path, membership: str) -> Iterator[float]:
    """Yield every quota, in CPUs, that applies to the groups of /proc/self/cgroup's text."""
    for line in membership.splitlines():
        hierarchy, _, rest = line.partition(":")
        controllers, _, group = rest.partition(":")
        if hierarchy == "0" and not controllers:  # v2: one file "quota period"
            for folder in _with_parents(root, group):
                quota, _, period = _read(folder / "cpu.max").partition(" ")
                limit = _ratio(quota, period)
                if limit is not None:
                    yield limit
        elif "cpu" in controllers.split(","):  # v1: two files, under the name of the controller
            for mount in (root / controllers, root / "cpu"):
                for folder in _with_parents(mount, group):
                    limit = _ratio(
                        _read(folder / "cpu.cfs_quota_us"), _read(folder / "cpu.cfs_period_us")
                    )
                    if limit is not None:
                        yield limit


def quota_count(root: Path = _CGROUP_ROOT, self_cgroup: Path = _SELF_CGROUP) -> int | None:
    """Return the CPUs that the container's quota pays for, rounded up; None without a quota."""
    smallest = min(_limits(root, _read(self_cgroup)), default=None)
    return None if smallest is None else max(1, math.ceil(smallest))


def environment_count(environment: Mapping[str, str]) -> int | None:
    """Return OMP_NUM_THREADS (the first of a list "4,2"); None if unset or not a number >= 1."""
    first = environment.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    return int(first) if first.isdecimal() and int(first) >= 1 else None


def default_num_threads() -> int:
    """Return the smallest of affinity, quota and OMP_NUM_THREADS."""
    counts = (affinity_count(), quota_count(), environment_count(os.environ))
    return min(count for count in counts if count is not None)
