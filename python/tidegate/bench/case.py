"""One measurement: a cell, a pass over it, its sizes, and its floating-point operations."""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from tidegate.weights import GATES


@dataclass(frozen=True)
class Kind:
    """A cell with the options that distinguish it in the benchmark."""

    cell: str
    peephole: bool = False
    reset_after: bool = True
    activation: str = "tanh"

    @property
    def gates(self) -> int:
        """G."""
        return GATES[self.cell]


KINDS = {
    "lstm": Kind("lstm"),
    "lstm_peephole": Kind("lstm", peephole=True),
    "lstm_relu": Kind("lstm", activation="relu"),
    "gru": Kind("gru"),
    "gru_reset_before": Kind("gru", reset_after=False),
    "rnn": Kind("rnn"),
    "rnn_relu": Kind("rnn", activation="relu"),
}
PASSES = ("inference", "training")


@dataclass(frozen=True)
class Case:
    """One measurement.

    Attributes
    ----------
    kind : str
        A name of KINDS.
    training : bool
        Forward and backward with the gradients of x and of all weights; else inference.
    steps, batch, inputs, hidden : int
        T, B, I, H.
    layers : int
        Stacked; the first reads x.
    bidirectional : bool
        Each layer runs in both directions and concatenates their outputs.
    dtype : str
        "float32" or "float64".
    ragged : bool
        Sequences of `lengths` valid steps, padded to T.
    """

    kind: str
    training: bool
    steps: int
    batch: int
    inputs: int
    hidden: int
    layers: int = 1
    bidirectional: bool = False
    dtype: str = "float32"
    ragged: bool = False

    @property
    def cell(self) -> Kind:
        """The cell and its options."""
        return KINDS[self.kind]

    @property
    def directions(self) -> int:
        """D, 1 or 2."""
        return 2 if self.bidirectional else 1

    @property
    def continues(self) -> bool:
        """Whether it starts from a given state: a single step is one of a stream."""
        return self.steps == 1 and self.layers == 1 and not self.bidirectional

    @property
    def lengths(self) -> tuple[int, ...] | None:
        """Valid steps of each sequence: T/20 to T, evenly spread, in mixed order. None if all T.

        Examples
        --------
        >>> sorted(Case("gru", True, 200, 3, 1, 1, ragged=True).lengths)
        [10, 105, 200]
        """
        if not self.ragged:
            return None
        shortest = -(-self.steps // 20)
        spread = np.linspace(shortest, self.steps, self.batch).round().astype(int)
        return tuple(int(length) for length in np.random.default_rng(0).permutation(spread))

    @property
    def rows_of_steps(self) -> Counter[int]:
        """How many steps have how many sequences."""
        if self.lengths is None:
            return Counter({self.batch: self.steps})
        return Counter(sum(length > t for length in self.lengths) for t in range(self.steps))

    @property
    def itemsize(self) -> int:
        """Bytes of an element."""
        return 8 if self.dtype == "float64" else 4

    @property
    def pass_name(self) -> str:
        """A name of PASSES."""
        return PASSES[self.training]

    def inputs_of(self, layer: int) -> int:
        """Return I of a layer: the width of x, or of the layer below."""
        return self.inputs if layer == 0 else self.directions * self.hidden

    @property
    def flops(self) -> float:
        """Of the matrix products, two per multiply-add; a backward has twice those of a forward."""
        widths = sum(self.inputs_of(layer) + self.hidden for layer in range(self.layers))
        rows = self.directions * self.cell.gates * self.hidden
        sequence = sum(batch * steps for batch, steps in self.rows_of_steps.items())
        forward = 2.0 * sequence * rows * widths
        return 3 * forward if self.training else forward

    @property
    def label(self) -> str:
        """Such as "lstm inference (100, 16, 256, 256)", with what is unusual behind it.

        Examples
        --------
        >>> Case("gru", True, 100, 1, 128, 256, bidirectional=True).label
        'gru training (100, 1, 128, 256) bidirectional'
        """
        sizes = (self.steps, self.batch, self.inputs, self.hidden)
        words = [self.kind, self.pass_name, str(sizes)]
        words += [f"{self.layers} layers"] if self.layers > 1 else []
        words += ["bidirectional"] if self.bidirectional else []
        words += ["lengths"] if self.ragged else []
        words += [self.dtype] if self.dtype != "float32" else []
        return " ".join(words)
