"""LSTM with optional peepholes and projection, gates i f g o (docs/equations/lstm.md)."""

from typing import TYPE_CHECKING, Any

import numpy as np

from tidegate._arrays import check_limit
from tidegate._layer_norm import check_combination
from tidegate.activation import config_of
from tidegate.layers import activations, checks, initializers
from tidegate.layers.base import initializer_config
from tidegate.layers.parameters import Parameter
from tidegate.layers.recurrent import RecurrentLayer
from tidegate.layers.recurrent_options import RecurrentOptions
from tidegate.layers.types import Array, Config

if TYPE_CHECKING:
    from typing_extensions import Unpack
from tidegate.weights import COUPLED

PEEPHOLES = ("diagonal", "full")


class LSTM(RecurrentLayer):
    """Long short-term memory (Hochreiter & Schmidhuber 1997); see RecurrentLayer too.

    Parameters
    ----------
    recurrent_activation : like activation
        Of the gates i, f and o.
    unit_forget_bias : bool
        Start the forget gate's bias at 1 (Jozefowicz et al. 2015).
    peephole : None, "diagonal" or "full"
        Whether the gates see the cell state too, each unit its own or all (Gers & Schmidhuber
        2000).
    peephole_initializer : str or Initializer
        Called for each of the gates i, f, o with shape (H,) or (H, H).
    output_activation : like activation, optional
        Of c on its way out; the same as `activation` if omitted.
    coupled : {"input", "forget"}, optional
        i = 1 - f (TensorFlow's CIFG), gates f g o; or f = 1 - i (ONNX), gates i g o.
    cell_clip, output_clip : float, optional
        Limit of c as it is stored, or only on its way into the output activation.
    projection : int or None
        Width P of the output and of the recurrent state: h = W_hr (o∘tanh(c)) (Sak et al. 2014).
    projection_initializer : str or Initializer
        Called with shape (H, P).

    Notes
    -----
    Parameters: weight_ih (4H, I), weight_hh (4H, H), bias_ih (4H,) and, with peepholes,
    peephole (3, H) or (3, H, H), rows i f o. Where gates are coupled, 3H rows and 2 peepholes.
    With a projection weight_hh is (4H, P), and there is weight_hr (P, H).

    Examples
    --------
    >>> y, h, c = LSTM(4, return_state=True)(np.zeros((2, 5, 3)))
    >>> c.shape
    (2, 4)
    """

    cell = "lstm"
    gates = 4
    state_names = ("h", "c")

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        unit_forget_bias: bool = True,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        *,
        peephole: str | None = None,
        peephole_initializer: Any = "glorot_uniform",
        output_activation: Any = None,
        coupled: str | None = None,
        cell_clip: float | None = None,
        output_clip: float | None = None,
        projection: int | None = None,
        projection_initializer: Any = "glorot_uniform",
        **options: "Unpack[RecurrentOptions]",
    ) -> None:
        super().__init__(
            units,
            activation,
            use_bias,
            kernel_initializer,
            recurrent_initializer,
            bias_initializer,
            return_sequences,
            return_state,
            go_backwards,
            **options,
        )
        self.recurrent_activation = activations.recurrent(
            "LSTM", "recurrent_activation", recurrent_activation
        )
        self.output_activation = None
        if output_activation is not None:
            self.output_activation = activations.recurrent(
                "LSTM", "output_activation", output_activation
            )
        self.coupled: str | None = None
        if coupled is not None:
            self.coupled = checks.choice("LSTM", "coupled", coupled, COUPLED)
            self.gates = 3
        self.cell_clip = check_limit("LSTM", "cell_clip", cell_clip)
        self.output_clip = check_limit("LSTM", "output_clip", output_clip)
        self.unit_forget_bias = checks.boolean("LSTM", "unit_forget_bias", unit_forget_bias)
        self.peephole: str | None = None
        if peephole is not None:
            self.peephole = checks.choice("LSTM", "peephole", peephole, PEEPHOLES)
        self.peephole_initializer = initializers.get(
            "LSTM", "peephole_initializer", peephole_initializer
        )
        self.projection: int | None = None
        if projection is not None:
            self.projection = checks.integer("LSTM", "projection", projection)
        self.projection_initializer = initializers.get(
            "LSTM", "projection_initializer", projection_initializer
        )
        if self.layer_norm:
            check_combination("LSTM", peephole=self.peephole, projects=projection is not None)

    @property
    def output_size(self) -> int:
        """Width of h and of the output."""
        return self.units if self.projection is None else self.projection

    def _cell_parameters(self, inputs: int) -> list[Parameter]:
        parameters = super()._cell_parameters(inputs)
        if self.peephole is not None:
            shape = (self.units,) if self.peephole == "diagonal" else (self.units, self.units)
            gates = "ifo" if self.coupled is None else "ko"
            parameters.append(
                Parameter(
                    "peephole",
                    (len(gates), *shape),
                    self.dtype,
                    lambda rng: np.stack([self.peephole_initializer(shape, rng) for _ in gates]),
                )
            )
        if self.projection is not None:
            projection = (self.units, self.projection)
            parameters.append(
                Parameter(
                    "weight_hr",
                    projection[::-1],
                    self.dtype,
                    lambda rng: self.projection_initializer(projection, rng).T,
                )
            )
        return parameters

    def _draw_bias(self, rng: np.random.Generator) -> Array:
        bias = super()._draw_bias(rng)
        if self.unit_forget_bias and self.coupled is None:
            bias[self.units : 2 * self.units] = 1
        elif self.unit_forget_bias:  # f = σ(a_f), or f = 1 - σ(a_i) = σ(-a_i)
            bias[: self.units] = 1 if self.coupled == "input" else -1
        return bias

    def _options(self) -> dict[str, Any]:
        return super()._options() | {
            "recurrent_activation": self.recurrent_activation,
            "output_activation": self.output_activation,
            "coupled": self.coupled,
            "cell_clip": self.cell_clip,
            "output_clip": self.output_clip,
        }

    def _config(self) -> Config:
        chosen = {
            "coupled": self.coupled,
            "cell_clip": self.cell_clip,
            "output_clip": self.output_clip,
        }
        if self.output_activation is not None:
            chosen["output_activation"] = config_of(self.output_activation)
        chosen = {name: value for name, value in chosen.items() if value is not None}
        return super()._config() | {
            **chosen,
            "recurrent_activation": config_of(self.recurrent_activation),
            "unit_forget_bias": self.unit_forget_bias,
            "peephole": self.peephole,
            "peephole_initializer": initializer_config(self.peephole_initializer),
            "projection": self.projection,
            "projection_initializer": initializer_config(self.projection_initializer),
        }
