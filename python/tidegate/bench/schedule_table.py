"""The schedules of a run as text: choice, best alternative, and their ratio."""

from collections.abc import Iterator, Sequence

from tidegate.bench.case import Case
from tidegate.bench.schedules import TRIAL_PASSES, Alternative, Trial

GOAL = 1.10
FORK_SECONDS = 8e-6
CAPTION = (
    f"times in µs; a schedule is threads, what they divide, steps per chunk; <<< above {GOAL} and "
    "not excused\nby the fork margin: a call may stay on one thread where a second would win less "
    f"than {1e6 * FORK_SECONDS:.0f} µs"
)


def within_goal(choice: Alternative, best: Alternative) -> bool:
    """Return whether a choice is good enough beside the best alternative.

    It may take 1.10 times as long. One exception: a call may stay on one thread on purpose where a
    second would win less than the fork margin of 8 µs, because on a busy machine waiting for that
    second thread costs a time slice.
    """
    stays = choice.threads == 1 and best.threads > 1
    return choice.seconds <= GOAL * best.seconds + (FORK_SECONDS if stays else 0.0)


def by_case(trials: Sequence[Trial]) -> Iterator[tuple[Case, str, list[Trial]]]:
    """Yield each case with "inference" or "training" and the trials that make it up."""
    for case in dict.fromkeys(trial.case for trial in trials):
        found = {trial.pass_name: trial for trial in trials if trial.case == case}
        for name, parts in TRIAL_PASSES.items():
            yield case, name, [found[part] for part in parts]


def table(trials: Sequence[Trial]) -> list[str]:
    """Return a line per case and pass."""
    lines = []
    for case, name, parts in by_case(trials):
        chosen = sum(part.chosen.seconds for part in parts)
        best = sum(part.best.seconds for part in parts)
        label = case.label.replace("inference", name)
        good = all(within_goal(part.chosen, part.best) for part in parts)
        choices = " + ".join(part.chosen.text for part in parts)
        bests = " + ".join(part.best.text for part in parts)
        lines.append(
            f"{label:<38} {choices:<28} {1e6 * chosen:>10.1f}  {bests:<28} {1e6 * best:>10.1f} "
            f"{chosen / best:>6.2f}{'' if good else ' <<<'}"
        )
    return lines


def header() -> str:
    """Return the first line of the table."""
    return f"{'case':<38} {'choice':<28} {'':>10}  {'best alternative':<28} {'':>10}  ratio"
