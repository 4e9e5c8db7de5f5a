"""One batch: forward, loss, backward, optimiser step. The hot path: everything was checked before.

Where the loss takes logits of the last layer's activation (softmax before a categorical
cross-entropy), the two are joined: more accurate, and no slope is lost where a probability rounds
to 0 or 1. Metrics still see the probabilities.
"""

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tidegate.layers.base import Layer
from tidegate.layers.call import Call
from tidegate.layers.dense import Dense
from tidegate.layers.plan import Plan, cast_to
from tidegate.layers.several import Several
from tidegate.layers.types import Array
from tidegate.training.losses import CrossEntropy

if TYPE_CHECKING:
    from tidegate.training.trainer import Trainer


class NonFiniteLossError(FloatingPointError):
    """The loss of a batch is NaN or inf."""


class Step:
    """Training and evaluation of one batch of a built, compiled model.

    Parameters
    ----------
    model : Trainer
    """

    def __init__(self, model: "Trainer") -> None:
        loss = model.require_compiled("fit")
        self.metrics: list[tuple[Any, bool]] = [(metric, False) for metric in model.plain_metrics]
        self.metrics += [(metric, True) for metric in model.weighted_metrics]
        self._optimizer = model.optimizer
        *below, last = model.calls()
        self._head: Dense | None = None
        self._terms: Any = loss.terms
        self._reduce: Any = loss.reduce
        if isinstance(loss, CrossEntropy) and _joins(last.layer, loss, below):
            self._head, self._terms = last.layer, loss.logit_terms
            self._plan = Plan(below, model.input_count, last.sources[0])
        else:
            self._plan = model.plan
        rules = [rule for layer in model.layers for rule in layer.weight_rules()]
        self._penalties = [rule for rule in rules if rule.regularizer is not None]
        self._constraints = [rule.constrain for rule in rules if rule.constraint is not None]
        self._changed = [layer.weights_changed for layer in model.layers if layer.parameters]

    def train(
        self,
        x: Array | Several,
        y: Array,
        weight: Array | None,
        rng: np.random.Generator | None,
        mask: Any = None,
    ) -> float:
        """Take one step; return the loss of the batch before it.

        Raises
        ------
        NonFiniteLossError
            The loss is NaN or inf; nothing was changed.
        FloatingPointError
            A gradient is; nothing was changed.
        """
        tape: list[Any] = []
        h, mask = self._plan.forward(x, rng=rng, mask=mask, tape=tape)
        return self._learn(tape, h, y, weight, mask)

    def train_piece(
        self,
        x: Array,
        y: Array,
        weight: Array | None,
        rng: np.random.Generator | None,
        mask: Array | None = None,
    ) -> tuple[float, int]:
        """Take one step if a step of the output counts; return the loss and how many count."""
        tape: list[Any] = []
        drawn: Any = None if rng is None else rng.bit_generator.state
        h, mask = self._plan.forward(x, rng=rng, mask=mask, tape=tape)
        count = h.shape[0] * h.shape[1] if mask is None else int(np.count_nonzero(mask))
        if count:
            return self._learn(tape, h, y, weight, mask), count
        if rng is not None:
            rng.bit_generator.state = drawn  # the bits do not depend on how steps are hidden
        return 0.0, 0

    def _learn(
        self, tape: list[Any], h: Array, y: Array, weight: Array | None, mask: Array | None
    ) -> float:
        """Go from the output of a forward pass to the next weights; return the loss."""
        output, rows = self._head_forward(h)
        loss: float
        loss, dy = self._loss(y, output, weight, mask)
        for rule in self._penalties:
            loss += rule.penalty()
        if not math.isfinite(loss):
            raise NonFiniteLossError(f"the loss is {loss}")
        self._backpropagate(tape, dy, h.shape, rows)
        for rule in self._penalties:
            rule.add_gradient()
        self._optimizer.step(self._constraints)
        for changed in self._changed:
            changed()
        if self.metrics:
            self._update_metrics(y, output, weight, mask)
        return loss

    def _loss(self, y: Array, output: Array, weight: Array | None, mask: Array | None) -> Any:
        """Return the loss, of the steps that no mask hides, and its gradient by the output."""
        if mask is None:
            return self._reduce(*self._terms(y, output), weight)
        return self._reduce(*self._terms(y, output), weight, mask)

    def _head_forward(self, h: Array) -> tuple[Array, Array | None]:
        """Return what the loss takes and, if a layer is joined to it, the rows of its input."""
        if self._head is None:
            return h, None
        a, rows = self._head.logits(cast_to(self._head, h))
        return (a if h.ndim == 2 else a.reshape(*h.shape[:-1], a.shape[-1])), rows

    def _backpropagate(
        self, tape: list[Any], dy: Array | None, shape: tuple[int, ...], rows: Array | None
    ) -> None:
        if self._head is not None:
            assert dy is not None
            da = dy.reshape(-1, dy.shape[-1])
            dy = self._head.backward_logits((rows, shape), da, need_dx=self._plan.learns)
        self._plan.backward(tape, dy)

    def evaluate(
        self, x: Array | Several, y: Array, weight: Array | None, mask: Any = None
    ) -> float:
        """Return the loss of a batch, without dropout; update the metrics."""
        h, mask = self._plan.forward(x, mask=mask)
        output, _ = self._head_forward(h)
        loss: float = self._loss(y, output, weight, mask)[0]
        for rule in self._penalties:
            loss += rule.penalty()
        if self.metrics:
            self._update_metrics(y, output, weight, mask)
        return loss

    def _update_metrics(
        self, y: Array, output: Array, weight: Array | None, mask: Array | None
    ) -> None:
        if self._head is not None:
            output = self._head.activation.value(output.copy())
        for metric, weighted in self.metrics:
            if mask is None:
                metric.update(y, output, weight if weighted else None)
            else:
                metric.update(y, output, weight if weighted else None, mask)

    def reset_metrics(self) -> None:
        """Start the metrics anew."""
        for metric, _ in self.metrics:
            metric.reset()

    def results(self) -> dict[str, float]:
        """Return the metrics by name."""
        return {metric.name: metric.result() for metric, _ in self.metrics}


def _joins(last: Layer, loss: CrossEntropy, below: list[Call]) -> bool:
    """Whether the loss can take the logits of this layer instead of its output."""
    shared = any(call.layer is last for call in below)
    fits = type(last) is Dense and last.activation.name == loss.fuses
    return fits and not loss.from_logits and not shared
