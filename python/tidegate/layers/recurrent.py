"""What LSTM, GRU and SimpleRNN share: sequences in and out of the engine.

Everything is batch first, (B, T, I) to (B, T, H); the time loop is the engine's.
"""

from typing import Any

import numpy as np

from tidegate.functional import RNNGradients, RNNOutput, rnn_backward, rnn_forward
from tidegate.layers import recurrent_states
from tidegate.layers.carried import initial_state
from tidegate.layers.masked_input import zero_where_masked
from tidegate.layers.recurrent_base import RecurrentBase
from tidegate.layers.recurrent_noise import NoisySaved
from tidegate.layers.run_mode import INFERENCE, RunMode
from tidegate.layers.tensor import is_symbolic
from tidegate.layers.types import Array


class RecurrentLayer(RecurrentBase):
    """Base of the recurrent layers; the arguments below are common to all of them.

    Parameters
    ----------
    units : int
        Hidden size, H.
    activation : str, Activation, (str, dict) or None
        Of the candidate and, in an LSTM, of the output; see `tidegate.Activation`.
    use_bias : bool
    kernel_initializer, recurrent_initializer, bias_initializer : str or Initializer
        They see Keras's shapes: (I, G*H), (H, G*H), (G*H,).
    return_sequences : bool
        Output (B, T, H), the hidden state after each step, instead of (B, H), the last.
    return_state : bool
        `layer(x)` returns the output and the final states. Not inside a Sequential.
    go_backwards : bool
        Run from the last step to the first. The output sequence starts with the step that was
        processed first, as in Keras. With a mask, each sequence starts at its last valid step.
    kernel_regularizer, recurrent_regularizer, bias_regularizer : None, "l1", "l2" or Regularizer
        Penalty in the loss, on W, R and the biases.
    kernel_constraint, recurrent_constraint, bias_constraint : None, str or Constraint
        "max_norm", "non_neg", "unit_norm" or an object; applied after each step of training.
    clip : float, optional
        Limit of the pre-activations.
    stateful : bool
        Start each batch with the states that the one before left, row by row, until
        `reset_states()`; in training, gradients end where a batch begins.
    dropout, recurrent_dropout : float
        Share of the inputs, and of what each gate's R sees of h_prev, that is dropped in training:
        one mask for all steps of a batch, one per gate for R, what is kept is scaled up (Gal &
        Ghahramani 2016), all as in Keras, which however has one input mask per gate as well when
        both are set.
    zoneout : float
        Probability of each unit of h to keep its value in a step of training (Krueger et al. 2017);
        else h = p∘h_prev + (1-p)∘h_new. c of an LSTM takes its step.
    weight_drop : float
        Share of R that is dropped in training, one mask per batch, what is kept is scaled up
        (Merity et al. 2018).
    layer_norm : bool
        Normalise W x and R h_prev, each over all gates together, and c on its way out of an LSTM
        (Ba, Kiros & Hinton 2016; the form of haste). Not in a reset-before GRU, with full peepholes
        or with a projection.
    zero_output_for_mask : bool
        At steps that a mask excludes, output 0 instead of the output before; for sequences.
    recompute_every : int, optional
        Steps that training saves at a time: less memory for long sequences, about a third more
        time, the same bits (docs/training.md). Layers of one model that follow each other run
        together where their values are equal.
    name, dtype, input_shape
        See Layer; `input_shape=(T, I)`, where T may be None.

    Notes
    -----
    Parameters: weight_ih (G*H, I), weight_hh (G*H, H), bias_ih (G*H,); see the subclass for more.
    With layer_norm also the gains gamma_ih, gamma_hh (G*H,), of an LSTM gamma_c, beta_c (H,), too;
    gains start at 1, beta_c at 0. With a projection to P (LSTM), h and the output have P in the
    place of H, c keeps H.
    """

    def recurrent_parts(self) -> "tuple[RecurrentLayer, ...]":
        """See Layer."""
        return (self,)

    def reset_states(self) -> None:
        """See Layer."""
        if self.carried is not None:
            self.carried.state = None

    def run(
        self, x: Array, state: tuple[Array, ...] | None = None, mode: RunMode = INFERENCE
    ) -> RNNOutput:
        """Call the engine; y stays in the order of x. Training with noise takes an rng."""
        return self._run_with(x, state, mode)

    def _run_with(
        self, x: Array, state: tuple[Array, ...] | None, mode: RunMode, **options: Any
    ) -> RNNOutput:
        """Run with options of `rnn_forward` that the cell needs."""
        options |= self._mask_options(mode)
        weights, input_mask, weight_mask = self._weights, None, None
        if self.noise.random:
            recurrent = weights.weight_hh
            gates = len(recurrent) // self.units
            drawn = self.noise.draw(x.shape, recurrent.shape, gates, x.dtype, mode)
            input_mask, options["recurrent_scale"], options["state_keep"], weight_mask = drawn
            if weight_mask is not None:
                weights = self._view("value", weight_hh=recurrent * weight_mask)
        out = rnn_forward(
            weights,
            x if input_mask is None else x * input_mask,
            state,
            training=mode.training,
            batch_first=True,
            return_sequences=self.return_sequences,
            go_backwards=self.go_backwards,
            recompute_every=self.recompute_every,
            **options,
        )
        if input_mask is None and weight_mask is None:
            return out
        saved: Any = NoisySaved(out.saved, input_mask, weight_mask)
        return out._replace(saved=saved)

    def _mask_options(self, mode: RunMode) -> dict[str, Any]:
        """Return the mask as options of `rnn_forward`."""
        if mode.mask is None:
            return {}
        return {"mask": mode.mask, "masked_output": mode.masked_output or self.masked_output}

    @property
    def masked_output(self) -> str:
        """What the output is at steps that do not count, in the engine's words."""
        return "zero" if self.zero_output_for_mask else "hold"

    def output_of(self, out: RNNOutput, mask: Array | None = None) -> Array:
        """Return what the layer passes on."""
        if out.y is None:
            # As in Keras: no step that counts, no output, even if there was an initial state.
            return out.state[0] if mask is None else zero_where_masked(out.state[0], mask)
        return out.y[:, ::-1] if self.go_backwards else out.y

    def output_mask(self, x: Any, mask: Any) -> Array | None:
        """Pass the mask on with the sequence, in the order of the outputs."""
        if isinstance(mask, list):  # of [x, states...]
            mask = mask[0]
        if mask is None or not self.return_sequences:
            return None
        steps: Array = mask[:, ::-1] if self.go_backwards else mask
        return steps

    def forward(
        self,
        x: Any,
        *,
        training: bool = False,
        rng: np.random.Generator | None = None,
        mask: Array | None = None,
    ) -> tuple[Array, Any]:
        """Return (B, T, H) or (B, H) and, when training, the engine's `saved`.

        In a Model, x may be [x, states...], and with return_state the states are returned too.
        """
        if self.return_state or isinstance(x, list):
            return recurrent_states.forward(self, x, training, mask)
        carried = self.carried
        start = None if carried is None else carried.start(self.name, len(x))
        out = self.run(x, start, RunMode(training, mask, rng))
        if carried is not None:
            carried.keep(out.state)
        return self.output_of(out, mask), out.saved

    def backward(self, saved: Any, dy: Array, *, need_dx: bool = True) -> Array | None:
        """See Layer."""
        if isinstance(saved, recurrent_states.StatesSaved):
            dx: Array | None = recurrent_states.backward(self, saved, dy, need_dx)
            return dx
        if self.return_sequences and self.go_backwards:
            dy = dy[:, ::-1]
        return self.run_backward(saved, dy, need_dx=need_dx)

    def run_backward(self, saved: Any, dy: Array, *, need_dx: bool) -> Array | None:
        """Call the engine; dy is in the order of x."""
        return self._gradients_of(saved, dy, need_dx=need_dx).x

    def _gradients_of(self, saved: Any, dy: Array, **needed: bool) -> RNNGradients:
        """Return what the engine does, of the input as it was before the noise."""
        input_mask = weight_mask = None
        if isinstance(saved, NoisySaved):
            saved, input_mask, weight_mask = saved
        if self.return_sequences:
            grads = rnn_backward(saved, dy, **needed, out=self._gradients)
        else:
            dstate = (dy,) if len(self.state_names) == 1 else (dy, None)
            grads = rnn_backward(saved, None, dstate, **needed, out=self._gradients)
        dx: Array | None = grads.x
        if dx is not None and input_mask is not None:
            dx *= input_mask
        if weight_mask is not None:
            next(p.grad for p in self.parameters if p.name.endswith("weight_hh"))[...] *= (
                weight_mask
            )
        return grads

    def __call__(
        self, x: Any, initial_state: Any = None, *, lengths: Any = None, mask: Any = None
    ) -> Any:
        """Run the layer on a batch, without training; built on first use.

        Parameters
        ----------
        x : (B, T, I) array, or a list of (T_i, I) arrays
        lengths : (B,) integers, optional
            Valid steps of each sequence, counted from step 0.
        mask : (B, T) bool, optional
            True at the steps that count; the others leave the state as it is. Not both.
        initial_state : list of (B, H) arrays, optional
            [h], for an LSTM [h, c]; zeros, or what a stateful layer carries, if omitted.

        Returns
        -------
        output, or with `return_state` a tuple (output, h) or (output, h, c)
            output is (B, T, H) with `return_sequences`, else (B, H).
        """
        if is_symbolic(x):
            return recurrent_states.use_with_states(
                self, x, initial_state, lengths=lengths, mask=mask
            )
        x, mask = self._prepare_call(x, lengths, mask)
        state = self.prepare_state(type(self).__name__, initial_state, len(x))
        if state is None and self.carried is not None:
            state = self.carried.start(self.name, len(x))
        out = self.run(x, state, RunMode(mask=mask))
        if self.carried is not None:
            self.carried.keep(out.state)
        y = self.output_of(out, mask)
        return (y, *out.state) if self.return_state else y

    def prepare_state(self, where: str, state: Any, batch: int) -> tuple[Array, ...] | None:
        """Check an initial state, a list of (B, H)."""
        shapes = [(batch, size) for size in self.state_sizes]
        return initial_state(where, self.state_names, state, shapes, self.dtype)
