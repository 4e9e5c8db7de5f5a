"""One batch: forward, loss, backward, optimiser step. The hot path: everything was checked before.

Where the loss takes logits of the last layer's activation (softmax before a categorical
cross-entropy), the two are joined: more accurate, and no slope is lost where a probability rounds
to 0 or 1. Metrics still see the probabilities.
"""

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tidegate.layers.base import Layer
from tidegate.layers.dense import Dense
from tidegate.layers.recurrent_run import RecurrentRun, join_recurrent
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
        self.metrics = [(metric, False) for metric in model.plain_metrics]
        self.metrics += [(metric, True) for metric in model.weighted_metrics]
        self._optimizer = model.optimizer
        *body, last = model.layers
        self._head: Dense | None = None
        self._terms, self._reduce = loss.terms, loss.reduce
        if isinstance(loss, CrossEntropy) and _joins(last, loss):
            assert isinstance(last, Dense)
            self._head, self._terms = last, loss.logit_terms
        self._body = join_recurrent(body if self._head is not None else [*body, last])
        # A gradient by the input is needed where a layer below has something to learn.
        learning = [k for k, layer in enumerate(self._body) if layer.parameters]
        first = min(learning, default=len(self._body))
        self._backward = [(layer, k > first) for k, layer in enumerate(self._body)][::-1]
        self._head_needs_dx = bool(learning)
        rules = [rule for layer in model.layers for rule in layer.weight_rules()]
        self._penalties = [rule for rule in rules if rule.regularizer is not None]
        self._constraints = [rule.constrain for rule in rules if rule.constraint is not None]
        self._changed = [layer.weights_changed for layer in model.layers if layer.parameters]

    def train(
        self, x: Array, y: Array, weight: Array | None, rng: np.random.Generator | None
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
        h = x
        for layer in self._body:
            if h.dtype is not layer.dtype:
                h = _cast(h, layer)
            h, saved = layer.forward(h, training=True, rng=rng)
            tape.append(saved)
        output, rows = self._head_forward(h)
        loss, dy = self._reduce(*self._terms(y, output), weight)
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
            self._update_metrics(y, output, weight)
        return loss

    def _head_forward(self, h: Array) -> tuple[Array, Array | None]:
        """Return what the loss takes and, if a layer is joined to it, the rows of its input."""
        if self._head is None:
            return h, None
        a, rows = self._head.logits(_cast(h, self._head))
        return (a if h.ndim == 2 else a.reshape(*h.shape[:-1], a.shape[-1])), rows

    def _backpropagate(
        self, tape: list[Any], dy: Array | None, shape: tuple[int, ...], rows: Array | None
    ) -> None:
        if self._head is not None:
            assert dy is not None
            da = dy.reshape(-1, dy.shape[-1])
            dy = self._head.backward_logits((rows, shape), da, need_dx=self._head_needs_dx)
        for layer, need_dx in self._backward:
            saved = tape.pop()
            if dy is None:
                return
            if dy.dtype is not layer.dtype:
                dy = _cast(dy, layer)
            dy = layer.backward(saved, dy, need_dx=need_dx)

    def evaluate(self, x: Array, y: Array, weight: Array | None) -> float:
        """Return the loss of a batch, without dropout; update the metrics."""
        h = x
        for layer in self._body:
            h = layer.forward(_cast(h, layer))[0]
        output, _ = self._head_forward(h)
        loss = self._reduce(*self._terms(y, output), weight)[0]
        for rule in self._penalties:
            loss += rule.penalty()
        if self.metrics:
            self._update_metrics(y, output, weight)
        return loss

    def _update_metrics(self, y: Array, output: Array, weight: Array | None) -> None:
        if self._head is not None:
            output = self._head.activation.value(output.copy())
        for metric, weighted in self.metrics:
            metric.update(y, output, weight if weighted else None)

    def reset_metrics(self) -> None:
        """Start the metrics anew."""
        for metric, _ in self.metrics:
            metric.reset()

    def results(self) -> dict[str, float]:
        """Return the metrics by name."""
        return {metric.name: metric.result() for metric, _ in self.metrics}


def _cast(array: Array, layer: Layer | RecurrentRun) -> Array:
    """Return a floating array in the dtype of a layer that has parameters."""
    if array.dtype == layer.dtype or not layer.parameters or array.dtype.kind != "f":
        return array
    return array.astype(layer.dtype)


def _joins(last: Layer, loss: CrossEntropy) -> bool:
    """Whether the loss can take the logits of this layer instead of its output."""
    return type(last) is Dense and last.activation.name == loss.fuses and not loss.from_logits
