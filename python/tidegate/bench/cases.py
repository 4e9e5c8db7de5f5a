"""What is measured: shapes, cells and passes, and their floating-point operations."""

from typing import NamedTuple

from tidegate.weights import GATES

SUITES = {
    "quick": ((10, 32, 1, 10), (100, 1, 256, 256), (100, 16, 256, 256), (25, 64, 512, 512)),
    "standard": (
        (10, 32, 1, 10),
        (100, 1, 32, 32),
        (100, 1, 64, 128),
        (100, 1, 256, 256),
        (50, 1, 1024, 1024),
        (100, 4, 128, 128),
        (100, 32, 64, 128),
        (100, 16, 256, 256),
        (25, 64, 512, 512),
        (25, 64, 1024, 1024),
        (1000, 8, 16, 64),
    ),
}


class Case(NamedTuple):
    """One measurement: T, B, I, H of a cell, inference or training."""

    cell: str
    training: bool
    steps: int
    batch: int
    inputs: int
    hidden: int

    @property
    def flops(self) -> float:
        """Of the matrix products; training does the forward work three times."""
        g, t, b = GATES[self.cell], self.steps, self.batch
        forward = 2.0 * t * b * g * self.hidden * (self.inputs + self.hidden)
        return 3 * forward if self.training else forward

    @property
    def label(self) -> str:
        """Return "lstm training (100, 16, 256, 256)"."""
        mode = "training" if self.training else "inference"
        return f"{self.cell} {mode} {tuple(self[2:])}"
