"""What an engine offers to the benchmark."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from tidegate.bench.case import Case
from tidegate.bench.problem import Arrays, Problem


@dataclass(frozen=True)
class Prepared:
    """A case that is ready to run.

    Attributes
    ----------
    run : callable
        Runs the case once: it has finished when it returns. This is what is timed.
    result : callable
        Runs the case and returns its arrays for the check, in the layout of Problem. Inference:
        "y" (T, B, D*H). Training: "x", the gradient by x, and those of all weights by
        `gradient_name`; a bias that the engine has summed with another may be absent.
    """

    run: Callable[[], Any]
    result: Callable[[], Arrays]


class Engine(ABC):
    """An engine in a process of its own; its package is imported by the constructor."""

    @abstractmethod
    def __init__(self, threads: int) -> None:
        """Import the package and limit it to `threads` threads; flush denormals where possible."""

    @staticmethod
    @abstractmethod
    def refusal(case: Case) -> str | None:
        """Return why the engine has no such case, None if it has. Imports nothing."""

    @abstractmethod
    def prepare(self, problem: Problem) -> Prepared:
        """Build and compile everything that can be done before the first call."""


def fastest(variants: Iterable[Prepared], seconds: float = 0.1) -> Prepared:
    """Return the variant with the best time in a short trial, after a call of each.

    For engines where no single way of writing a case is best at every shape.
    """
    best: tuple[float, Prepared] | None = None
    for variant in variants:
        variant.run()
        start = last = time.perf_counter()
        quickest = float("inf")
        while last - start < seconds:
            begin = last
            variant.run()
            last = time.perf_counter()
            quickest = min(quickest, last - begin)
        if best is None or quickest < best[0]:
            best = quickest, variant
    assert best is not None, "an engine offers at least one variant"
    return best[1]
