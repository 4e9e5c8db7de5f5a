"""The suite *scaling*: one of T, B, I, H and the layers grows, the others stay at a base."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from tidegate.bench.case import Case

KINDS = ("lstm", "gru")


@dataclass(frozen=True)
class Axis:
    """What grows.

    Attributes
    ----------
    name : str
        As in the equations.
    field : str
        Of Case.
    values : tuple of int
        Among them the base's.
    """

    name: str
    field: str
    values: tuple[int, ...]

    def of(self, case: Case) -> int:
        """Return the size of a case."""
        size: int = getattr(case, self.field)
        return size

    def series(self, base: Case) -> list[Case]:
        """Return the cases from a base along this axis, growing.

        Examples
        --------
        >>> layers = Axis("layers", "layers", (1, 2, 4))
        >>> [case.layers for case in layers.series(Case("gru", False, 100, 1, 32, 64))]
        [1, 2, 4]
        """
        return [replace(base, **self._size(value)) for value in self.values]

    def _size(self, value: int) -> dict[str, Any]:
        return {self.field: value}


# (T, B, I, H) with one layer, and what grows from there. T starts above 1: a single step is
# measured as one of a stream, which starts from a given state.
BASES: dict[tuple[int, int, int, int], tuple[Axis, ...]] = {
    (100, 16, 256, 256): (
        Axis("T", "steps", (3, 10, 30, 100, 300, 1000)),
        Axis("B", "batch", (1, 2, 4, 8, 16, 32, 64, 128)),
        Axis("I", "inputs", (1, 16, 64, 256, 1024)),
        Axis("H", "hidden", (16, 32, 64, 128, 256, 512, 1024)),
        Axis("layers", "layers", (1, 2, 4, 8)),
    ),
    (100, 1, 32, 64): (
        Axis("T", "steps", (3, 10, 30, 100, 300, 1000)),
        Axis("B", "batch", (1, 2, 4, 8, 16, 32, 64)),
        Axis("I", "inputs", (1, 8, 32, 128, 512)),
        Axis("H", "hidden", (8, 16, 32, 64, 128, 256, 512)),
        Axis("layers", "layers", (1, 2, 4, 8)),
    ),
}


def cases(training: bool) -> Iterator[Case]:
    """Yield the cases of all series, each base once."""
    for kind in KINDS:
        for sizes, axes in BASES.items():
            base = Case(kind, training, *sizes)
            yield base
            for axis in axes:
                yield from (case for case in axis.series(base) if case != base)
