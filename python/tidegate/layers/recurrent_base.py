"""What LSTM, GRU and SimpleRNN are made of: options, parameters, and the engine's view of them."""

from typing import Any, ClassVar

import numpy as np

from tidegate._arrays import check_limit, check_steps
from tidegate._layer_norm import norm_arrays_of
from tidegate.activation import config_of
from tidegate.layers import activations, checks, initializers
from tidegate.layers.base import Layer, initializer_config
from tidegate.layers.carried import CarriedState
from tidegate.layers.parameters import Parameter
from tidegate.layers.recurrent_noise import RecurrentNoise
from tidegate.layers.signatures import constructor_arguments
from tidegate.layers.types import Array, Config, Shape
from tidegate.layers.weight_rules import RuleOptions, WeightRule, recurrent_roles
from tidegate.weights import CellWeights


class RecurrentBase(Layer):
    """Options and parameters of a recurrent layer; what they mean: RecurrentLayer."""

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
        layer_norm: bool = False,
        zero_output_for_mask: bool = False,
        recompute_every: int | None = None,
        name: str | None = None,
        dtype: Any = "float32",
        input_shape: Any = None,
        **unknown: Any,
    ) -> None:
        if unknown:
            raise TypeError(
                f"{type(self).__name__}: unknown argument {min(unknown)!r}; expected one of "
                f"{', '.join(sorted(constructor_arguments(type(self))))}."
            )
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
        self.layer_norm = checks.boolean(kind, "layer_norm", layer_norm)
        self.noise = RecurrentNoise(kind, dropout, recurrent_dropout, zoneout, weight_drop)
        self.random = self.noise.random
        # Whether it needs calls of the engine of its own, not of both directions or of a stack.
        self.runs_apart = self.noise.random
        # None: every batch starts from zeros.
        self.carried: CarriedState | None = CarriedState() if stateful else None
        self.zero_output_for_mask = checks.boolean(
            kind, "zero_output_for_mask", zero_output_for_mask
        )
        self.recompute_every = check_steps(kind, "recompute_every", recompute_every)

    @property
    def extra_outputs(self) -> str:  # type: ignore[override]  # a plain attribute in Layer
        """See Layer."""
        return "return_state=True" if self.return_state else ""

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
        if self.layer_norm:
            parameters += [self._norm_parameter(name) for name in norm_arrays_of(self.cell)]
        return parameters

    def _norm_parameter(self, name: str) -> Parameter:
        """Return a gain, which starts at 1, or the shift of c, which starts at 0."""
        shape = (self.units if name.endswith("_c") else self.gates * self.units,)
        first = 0 if name.startswith("beta") else 1
        return Parameter(name, shape, self.dtype, lambda _: np.full(shape, first, self.dtype))

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

    def weight_rules(self) -> list[WeightRule]:
        """See Layer; peepholes have none."""
        return self._rule_options.rules(recurrent_roles(self.parameters))

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
            **({"recompute_every": self.recompute_every} if self.recompute_every else {}),
            **({"layer_norm": True} if self.layer_norm else {}),
            **self.noise.config(),
            **self._rule_options.config(),
            "zero_output_for_mask": self.zero_output_for_mask,
        }
