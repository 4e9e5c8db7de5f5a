"""How the engine runs the two directions of a Bidirectional: in one call, or apart."""

from typing import Any

import numpy as np

from tidegate.functional import BiRNNOutput, birnn_backward, birnn_forward
from tidegate.layers.base import Layer
from tidegate.layers.masked_input import zero_where_masked
from tidegate.layers.recurrent import RecurrentLayer
from tidegate.layers.run_mode import RunMode
from tidegate.layers.types import Array


class BidirectionalRun(Layer):
    """Base of Bidirectional: its two layers over a batch, h→ and h← side by side."""

    forward_layer: RecurrentLayer
    backward_layer: RecurrentLayer

    @property
    def return_sequences(self) -> bool:
        """Whether the output has a time axis."""
        return self.forward_layer.return_sequences

    def recurrent_parts(self) -> tuple[RecurrentLayer, ...]:
        """See Layer."""
        return self.forward_layer, self.backward_layer

    def _run(
        self,
        x: Array,
        state: Any = None,
        *,
        training: bool = False,
        mask: Array | None = None,
        rng: np.random.Generator | None = None,
    ) -> BiRNNOutput:
        """Call the engine for both directions; as in Keras, outputs of masked steps are 0."""
        if state is None:
            state = self._carried_state(len(x))
        masked: dict[str, Any] = {} if mask is None else {"mask": mask, "masked_output": "zero"}
        if self._runs_apart():
            out = self._run_apart(x, state, training, mask, rng)
        else:
            out = birnn_forward(
                self.forward_layer.bound_weights()[0],
                self.backward_layer.bound_weights()[0],
                x,
                state,
                training=training,
                batch_first=True,
                return_sequences=self.return_sequences,
                recompute_every=self.forward_layer.recompute_every,
                **masked,
            )
        if self.forward_layer.carried is not None and self.backward_layer.carried is not None:
            count = len(self.forward_layer.state_names)
            self.forward_layer.carried.keep(out.state[:count])
            self.backward_layer.carried.keep(out.state[count:])
        return out

    def _runs_apart(self) -> bool:
        """Whether one call of the engine cannot have both directions."""
        first, second = self.recurrent_parts()
        return (
            first.runs_apart or second.runs_apart or first.recompute_every != second.recompute_every
        )

    def _run_apart(
        self,
        x: Array,
        state: Any,
        training: bool,
        mask: Array | None,
        rng: np.random.Generator | None,
    ) -> BiRNNOutput:
        """Call the engine for each direction: what they do is not for a call of both."""
        count = len(self.forward_layer.state_names)
        halves = (None, None) if state is None else (state[:count], state[count:])
        first, second = (
            layer.run(x, half, RunMode(training, mask, rng, masked_output="zero"))
            for layer, half in zip(self.recurrent_parts(), halves, strict=True)
        )
        y = None
        if first.y is not None and second.y is not None:
            y = np.concatenate([first.y, second.y], axis=-1)
        saved: Any = (first.saved, second.saved) if training else None
        return BiRNNOutput(y, first.state + second.state, saved)

    def _carried_state(self, rows: int) -> tuple[Array, ...] | None:
        """Return what stateful layers start with; None is zeros."""
        parts: list[Array] = []
        for layer in self.recurrent_parts():
            start = None if layer.carried is None else layer.carried.start(self.name, rows)
            if start is None:
                return None
            parts += start
        return tuple(parts)

    def _both(self, out: BiRNNOutput, mask: Array | None = None) -> Array:
        """Return the outputs of the two directions side by side."""
        if out.y is not None:
            return out.y
        h_at = (0, len(self.forward_layer.state_names))
        y = np.concatenate([out.state[k] for k in h_at], axis=-1)
        return y if mask is None else zero_where_masked(y, mask)

    def _run_backward(self, kept: Any, dy: Array, *, need_dx: bool) -> Array | None:
        """Write the gradients of both layers; dy has those of h→ and h← side by side."""
        units = self.forward_layer.output_size
        if isinstance(kept, tuple):
            return self._backward_apart(kept, dy, need_dx)
        dstate = None
        if not self.return_sequences:
            rest = [[None] * (len(layer.state_names) - 1) for layer in self.recurrent_parts()]
            dstate = (dy[..., :units], *rest[0], dy[..., units:], *rest[1])
        dx: Array | None = birnn_backward(
            kept,
            dy if dstate is None else None,
            dstate,
            need_dx=need_dx,
            out=[layer.bound_weights()[1] for layer in self.recurrent_parts()],
        ).x
        return dx

    def _backward_apart(self, saved: Any, dy: Array, need_dx: bool) -> Array | None:
        units = self.forward_layer.output_size
        first, second = (
            layer.run_backward(kept, part, need_dx=need_dx)
            for layer, kept, part in zip(
                self.recurrent_parts(), saved, (dy[..., :units], dy[..., units:]), strict=True
            )
        )
        return first + second if first is not None and second is not None else None
