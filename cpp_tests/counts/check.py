"""Instruction counts of three fixed shapes against counts.json: a regression check without a clock.

    python cpp_tests/counts/check.py [BUILD] [--accept]

BUILD is a configured Release build (default build/dev); its drivers are built first. Each shape of
run_counts.cpp runs single-threaded under callgrind, at v3 and v2 as far as this CPU has them
(valgrind knows no AVX-512). A count depends on the compiler, so counts.json holds them by compiler.

The exit status is 0 when no count rose by more than the tolerance, 1 when one did, and 77 when
nothing could be compared, with the reason. `--accept` writes the counts of this build instead.
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
BASELINE = HERE / "counts.json"
TOLERANCE = 0.03  # another C library copies and allocates a little differently
LEVELS = ("v3", "v2")
SKIPPED = 77

Counts = dict[str, dict[str, int]]  # level -> shape -> instructions


class Skip(Exception):
    """Nothing can be compared; the message says why."""


def output_of(*command: str | Path) -> str:
    """Run a command that must succeed; return what it printed."""
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def drivers_of(build: Path) -> dict[str, Path]:
    """Build the drivers and return those that this CPU runs, by level."""
    if shutil.which("valgrind") is None:
        raise Skip("valgrind is not installed")
    if not (build / "CMakeCache.txt").is_file():
        raise Skip(f"{build} is no build folder; run: cmake --preset dev")
    listed = output_of("cmake", "--build", build, "--target", "help")
    levels = [level for level in LEVELS if f"run_counts_{level}" in listed]
    targets = ["run_if_supported", *(f"run_counts_{level}" for level in levels)]
    subprocess.run(["cmake", "--build", build, "--target", *targets], check=True)
    folder = build / "cpp_tests"
    drivers = {}
    for level in levels:
        driver = folder / f"run_counts_{level}"
        launched = (folder / "run_if_supported", level, driver, "--list")
        if subprocess.run(launched, capture_output=True, check=False).returncode == 0:
            drivers[level] = driver
    if not drivers:
        raise Skip(f"{build} and this CPU share none of the levels {', '.join(LEVELS)}")
    return drivers


def count(driver: Path, shape: str, profile: Path) -> int:
    """Instructions of one counted pass; `profile` is for callgrind_annotate."""
    command = ["valgrind", "--tool=callgrind", "--toggle-collect=counted_pass"]
    command += [f"--callgrind-out-file={profile}", str(driver), shape]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    collected = re.search(r"Collected *: *(\d+)", done.stderr)
    if done.returncode != 0 or collected is None or int(collected[1]) == 0:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr}")
    return int(collected[1])


def count_all(drivers: dict[str, Path]) -> Counts:
    """Count every shape at every level."""
    counts: Counts = {}
    for level, driver in drivers.items():
        shapes = output_of(driver, "--list").split()
        counts[level] = {
            shape: count(driver, shape, driver.with_name(f"{shape}.{level}.callgrind"))
            for shape in shapes
        }
    return counts


def verdict(now: int, before: int | None, tolerance: float = TOLERANCE) -> str:
    """Return "same", "more", "less" or "new"."""
    if before is None:
        return "new"
    allowed = tolerance * before
    return "more" if now - before > allowed else "less" if before - now > allowed else "same"


def table(counts: Counts, baseline: Counts) -> dict[str, list[str]]:
    """Print a line per count; return those of each verdict as "<shape>.<level>"."""
    found: dict[str, list[str]] = {}
    for level, shapes in counts.items():
        for shape, now in shapes.items():
            before = baseline.get(level, {}).get(shape)
            result = verdict(now, before)
            found.setdefault(result, []).append(f"{shape}.{level}")
            change = "" if before is None else f"{100 * (now / before - 1):+.2f} %"
            print(f"{level} {shape:<32} {now:>12,} {change:>10}  {result}")
    return found


def advise(found: dict[str, list[str]], build: Path) -> int:
    """Say what to do about the verdicts; return the exit status."""
    accept = f"python cpp_tests/counts/check.py {build} --accept"
    if more := found.get("more"):
        print(
            f"FAILED: rose by more than {TOLERANCE:.0%}: {', '.join(more)}. Where they are spent:"
        )
        print(f"  callgrind_annotate {build}/cpp_tests/{more[0]}.callgrind")
        print("If it is worth it (more instructions can be faster: measure), accept the counts:")
        print(f"  {accept}\nand say in the commit what they buy.")
        return 1
    if lower := found.get("less", []) + found.get("new", []):
        print(f"Lower or new: {', '.join(lower)}. Keep the gain, commit the counts:\n  {accept}")
    return 0


def main() -> int:
    """Compare, or accept."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", nargs="?", type=Path, default=Path("build/dev"))
    parser.add_argument("--accept", action="store_true", help="write counts.json")
    options = parser.parse_args()
    baselines: dict[str, Counts] = json.loads(BASELINE.read_text())
    try:
        drivers = drivers_of(options.build)
        driver = next(iter(drivers.values()))
        compiler, build_type = output_of(driver, "--build").strip().split("; ")
        if build_type != "Release":
            raise Skip(f"{options.build} is a {build_type} build; expected Release")
        if compiler not in baselines and not options.accept:
            raise Skip(f"no counts for {compiler}, only for {', '.join(baselines)} (see --accept)")
    except Skip as reason:
        print(f"skipped: {reason}")
        return SKIPPED
    print(f"instructions, {compiler}, beside {BASELINE.name} (tolerance {TOLERANCE:.0%})")
    counts = count_all(drivers)
    found = table(counts, baselines.get(compiler, {}))
    if not options.accept:
        return advise(found, options.build)
    baselines.setdefault(compiler, {}).update(counts)
    BASELINE.write_text(json.dumps(baselines, indent=2) + "\n")
    print(f"written to {BASELINE}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
