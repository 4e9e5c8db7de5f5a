"""What LSTM, GRU and SimpleRNN share: parameters for the engine, sequences in and out.

Everything is batch first, (B, T, I) to (B, T, H); the time loop is the engine's.
"""

from typing import Any, ClassVar

import numpy as np

from tidegate._arrays import check_limit
from tidegate.activation import config_of
from tidegate.functional import RNNOutput, rnn_backward, rnn_forward
from tidegate.layers import activations, checks, initializers
from tidegate.layers.base import Layer, initializer_config
from tidegate.layers.carried import CarriedState, initial_state
from tidegate.layers.masked_input import zero_where_masked
from tidegate.layers.parameters import Parameter
from tidegate.layers.recurrent_noise import NoisySaved, RecurrentNoise
from tidegate.layers.tensor import is_symbolic, use
from tidegate.layers.types import Array, Config, Shape
from tidegate.layers.weight_rules import RuleOptions, WeightRule, recurrent_roles
from tidegate.weights import CellWeights


class RecurrentLayer(Layer):
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
    zero_output_for_mask : bool
        At steps that a mask excludes, output 0 instead of the output before; for sequences.
    name, dtype, input_shape
        See Layer; `input_shape=(T, I)`, where T may be None.

    Notes
    -----
    Parameters: weight_ih (G*H, I), weight_hh (G*H, H), bias_ih (G*H,); see the subclass for more.
    """

    expects = "(N, steps, features)"
    cell: ClassVar[str]
    gates: int
    state_names: ClassVar[tuple[str, ...]] = ("h",)

    def __init__(
        self,
        units: int,
        activation: Any,
        use_bias: bool,
        kernel_initializer: Any,
        recurrent_initializer: Any,
        bias_initializer: Any,
        return_sequences: bool,
        return_state: bool,
        go_backwards: bool,
        *,
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        clip: float | None = None,
        stateful: bool = False,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        zoneout: float = 0.0,
        weight_drop: float = 0.0,
        zero_output_for_mask: bool = False,
        name: str | None = None,
        dtype: Any = "float32",
        input_shape: Any = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype, input_shape=input_shape)
        kind = type(self).__name__
        self.units = checks.integer(kind, "units", units)
        self.activation = activations.recurrent(kind, "activation", activation)
        self.clip = check_limit(kind, "clip", clip)
        self.use_bias = checks.boolean(kind, "use_bias", use_bias)
        self.kernel_initializer = initializers.get(kind, "kernel_initializer", kernel_initializer)
        self.recurrent_initializer = initializers.get(
            kind, "recurrent_initializer", recurrent_initializer
        )
        self.bias_initializer = initializers.get(kind, "bias_initializer", bias_initializer)
        self._rule_options = RuleOptions(
            kind,
            {
                "kernel_regularizer": kernel_regularizer,
                "recurrent_regularizer": recurrent_regularizer,
                "bias_regularizer": bias_regularizer,
                "kernel_constraint": kernel_constraint,
                "recurrent_constraint": recurrent_constraint,
                "bias_constraint": bias_constraint,
            },
        )
        self.return_sequences = checks.boolean(kind, "return_sequences", return_sequences)
        self.return_state = checks.boolean(kind, "return_state", return_state)
        self.go_backwards = checks.boolean(kind, "go_backwards", go_backwards)
        self.stateful = checks.boolean(kind, "stateful", stateful)
        self.stepwise = not self.go_backwards
        self.noise = RecurrentNoise(kind, dropout, recurrent_dropout, zoneout, weight_drop)
        self.random = self.noise.random
        # Whether it needs calls of the engine of its own, not of both directions or of a stack.
        self.runs_apart = self.noise.random
        # None: every batch starts from zeros.
        self.carried: CarriedState | None = CarriedState() if stateful else None
        self.zero_output_for_mask = checks.boolean(
            kind, "zero_output_for_mask", zero_output_for_mask
        )

    @property
    def output_size(self) -> int:
        """Width of h and of the output: `units`, unless there is a projection."""
        return self.units

    @property
    def state_sizes(self) -> tuple[int, ...]:
        """Widths of h and, in an LSTM, c."""
        return (self.output_size, self.units)[: len(self.state_names)]

    # -- parameters --------------------------------------------------------------------------------

    def _declare(self, input_shape: Shape) -> tuple[tuple[Parameter, ...], Shape]:
        if len(input_shape) != 2 or input_shape[1] is None:
            raise ValueError(
                f"{self.name}: the input has shape {checks.shape_text(input_shape)}; expected "
                "(N, steps, features) (one feature per step: x[..., None], or input_shape=(T, 1); "
                "after another recurrent layer: return_sequences=True there)."
            )
        output_shape = (self.output_size,)
        return (
            tuple(self._cell_parameters(input_shape[1])),
            (input_shape[0], *output_shape) if self.return_sequences else output_shape,
        )

    def _cell_parameters(self, inputs: int) -> list[Parameter]:
        """Return the parameters, in the engine's shapes; initializers see Keras's."""
        rows = self.gates * self.units
        kernel, recurrent = (inputs, rows), (self.output_size, rows)
        parameters = [
            Parameter(
                "weight_ih",
                kernel[::-1],
                self.dtype,
                lambda rng: self.kernel_initializer(kernel, rng).T,
            ),
            Parameter(
                "weight_hh",
                recurrent[::-1],
                self.dtype,
                lambda rng: self.recurrent_initializer(recurrent, rng).T,
            ),
        ]
        for name in self._bias_names() if self.use_bias else ():
            parameters.append(Parameter(name, (rows,), self.dtype, self._draw_bias))
        return parameters

    def _bias_names(self) -> tuple[str, ...]:
        """Which of the engine's two biases are trained: one suffices where they are only added."""
        return ("bias_ih",)

    def _draw_bias(self, rng: np.random.Generator) -> Array:
        return self.bias_initializer((self.gates * self.units,), rng)

    def _options(self) -> dict[str, Any]:
        """Return the options of CellWeights."""
        return {"activation": self.activation, "clip": self.clip}

    def _engine_parameters(self) -> dict[str, Parameter]:
        """Return the parameters that CellWeights takes, by its names."""
        return {parameter.name.rpartition("/")[2]: parameter for parameter in self.parameters}

    def bind(self) -> None:
        """Show the engine where the parameters are now."""
        self._weights, self._gradients = self._view("value"), self._view("grad")

    def _view(self, which: str, **instead: Array) -> CellWeights:
        """Return the parameters, or other arrays in the place of some, as the engine takes them."""
        arrays = {name: getattr(p, which) for name, p in self._engine_parameters().items()}
        return CellWeights.view(self.cell, **(arrays | instead), **self._options())

    @property
    def cell_weights(self) -> CellWeights:
        """The parameters as the engine takes them."""
        self.require_built(f"{type(self).__name__}.cell_weights")
        return self._weights

    def bound_weights(self) -> tuple[CellWeights, CellWeights]:
        """Return parameters and gradients as the engine takes them, of a built layer."""
        return self._weights, self._gradients

    def weights_changed(self) -> None:
        """Make the engine pack the weights again before it uses them."""
        self._weights.changed()

    def recurrent_parts(self) -> "tuple[RecurrentLayer, ...]":
        """See Layer."""
        return (self,)

    def reset_states(self) -> None:
        """See Layer."""
        if self.carried is not None:
            self.carried.state = None

    def weight_rules(self) -> list[WeightRule]:
        """See Layer; peepholes have none."""
        return self._rule_options.rules(recurrent_roles(self.parameters))

    # -- use ---------------------------------------------------------------------------------------

    def run(
        self,
        x: Array,
        state: tuple[Array, ...] | None = None,
        *,
        training: bool = False,
        mask: Array | None = None,
        rng: np.random.Generator | None = None,
        masked_output: str | None = None,
    ) -> RNNOutput:
        """Call the engine; y stays in the order of x. Training with noise takes an rng."""
        options: dict[str, Any] = {}
        if mask is not None:
            options = {"mask": mask, "masked_output": masked_output or self.masked_output}
        weights, input_mask, weight_mask = self._weights, None, None
        if self.noise.random:
            recurrent = weights.weight_hh
            gates = len(recurrent) // self.units
            drawn = self.noise.draw(x.shape, recurrent.shape, gates, x.dtype, training, rng)
            input_mask, options["recurrent_scale"], options["state_keep"], weight_mask = drawn
            if weight_mask is not None:
                weights = self._view("value", weight_hh=recurrent * weight_mask)
        out = rnn_forward(
            weights,
            x if input_mask is None else x * input_mask,
            state,
            training=training,
            batch_first=True,
            return_sequences=self.return_sequences,
            go_backwards=self.go_backwards,
            **options,
        )
        if input_mask is None and weight_mask is None:
            return out
        saved = NoisySaved(out.saved, input_mask, weight_mask)
        return out._replace(saved=saved)  # type: ignore[arg-type]

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

    def output_mask(self, x: Array, mask: Array | None) -> Array | None:
        """Pass the mask on with the sequence, in the order of the outputs."""
        if mask is None or not self.return_sequences:
            return None
        return mask[:, ::-1] if self.go_backwards else mask

    def forward(
        self,
        x: Array,
        *,
        training: bool = False,
        rng: np.random.Generator | None = None,
        mask: Array | None = None,
    ) -> tuple[Array, Any]:
        """Return (B, T, H) or (B, H) and, when training, the engine's `saved`."""
        carried = self.carried
        start = None if carried is None else carried.start(self.name, len(x))
        out = self.run(x, start, training=training, mask=mask, rng=rng)
        if carried is not None:
            carried.keep(out.state)
        return self.output_of(out, mask), out.saved

    def backward(self, saved: Any, dy: Array, *, need_dx: bool = True) -> Array | None:
        """See Layer."""
        if self.return_sequences and self.go_backwards:
            dy = dy[:, ::-1]
        return self.run_backward(saved, dy, need_dx=need_dx)

    def run_backward(self, saved: Any, dy: Array, *, need_dx: bool) -> Array | None:
        """Call the engine; dy is in the order of x."""
        input_mask = weight_mask = None
        if isinstance(saved, NoisySaved):
            saved, input_mask, weight_mask = saved
        if self.return_sequences:
            grads = rnn_backward(saved, dy, need_dx=need_dx, out=self._gradients)
        else:
            dstate = (dy,) if len(self.state_names) == 1 else (dy, None)
            grads = rnn_backward(saved, None, dstate, need_dx=need_dx, out=self._gradients)
        dx: Array | None = grads.x
        if dx is not None and input_mask is not None:
            dx *= input_mask
        if weight_mask is not None:
            next(p.grad for p in self.parameters if p.name.endswith("weight_hh"))[...] *= (
                weight_mask
            )
        return dx

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
            return use(self, x, initial_state=initial_state, lengths=lengths, mask=mask)
        x, mask = self._prepare_call(x, lengths, mask)
        state = self.prepare_state(type(self).__name__, initial_state, len(x))
        if state is None and self.carried is not None:
            state = self.carried.start(self.name, len(x))
        out = self.run(x, state, mask=mask)
        if self.carried is not None:
            self.carried.keep(out.state)
        y = self.output_of(out, mask)
        return (y, *out.state) if self.return_state else y

    def prepare_state(self, where: str, state: Any, batch: int) -> tuple[Array, ...] | None:
        """Check an initial state, a list of (B, H)."""
        shapes = [(batch, size) for size in self.state_sizes]
        return initial_state(where, self.state_names, state, shapes, self.dtype)

    def _config(self) -> Config:
        return {
            "units": self.units,
            "activation": config_of(self.activation),
            "use_bias": self.use_bias,
            "kernel_initializer": initializer_config(self.kernel_initializer),
            "recurrent_initializer": initializer_config(self.recurrent_initializer),
            "bias_initializer": initializer_config(self.bias_initializer),
            "return_sequences": self.return_sequences,
            "return_state": self.return_state,
            "go_backwards": self.go_backwards,
            **({} if self.clip is None else {"clip": self.clip}),
            **({"stateful": True} if self.stateful else {}),
            **self.noise.config(),
            **self._rule_options.config(),
            "zero_output_for_mask": self.zero_output_for_mask,
        }
