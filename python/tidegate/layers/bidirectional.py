"""Bidirectional (Schuster & Paliwal 1997): one layer forwards, its copy backwards, side by side.

    y_t = [ h→_t , h←_t ]     with return_sequences: both at the same step
    y   = [ h→_T , h←_1 ]     without: each after its last step

The arrows say in which direction h was computed.
"""

import copy
from typing import Any

import numpy as np

from tidegate.functional import BiRNNOutput, birnn_backward, birnn_forward
from tidegate.layers import checks
from tidegate.layers.base import Layer
from tidegate.layers.gru import GRU
from tidegate.layers.lstm import LSTM
from tidegate.layers.parameters import Parameter
from tidegate.layers.recurrent import RecurrentLayer
from tidegate.layers.simple_rnn import SimpleRNN
from tidegate.layers.types import Array, Config, Shape
from tidegate.layers.weight_rules import WeightRule

WRAPPED: dict[str, type[RecurrentLayer]] = {"LSTM": LSTM, "GRU": GRU, "SimpleRNN": SimpleRNN}


class Bidirectional(Layer):
    """Run a recurrent layer in both directions and join the outputs on the last axis.

    Parameters
    ----------
    layer : LSTM, GRU or SimpleRNN
        Not built yet. It becomes `forward_layer`; `backward_layer` is a copy with its own weights.
    merge_mode : "concat"
        How the outputs are joined.
    name, input_shape
        See Layer; the dtype is the layer's.

    Notes
    -----
    Parameters: those of the two layers, as forward/weight_ih, ... and backward/weight_ih, ...

    Examples
    --------
    >>> Bidirectional(GRU(4, return_sequences=True))(np.zeros((2, 5, 3))).shape
    (2, 5, 8)
    """

    expects = RecurrentLayer.expects

    def __init__(
        self,
        layer: RecurrentLayer,
        merge_mode: str = "concat",
        *,
        name: str | None = None,
        dtype: Any = None,
        input_shape: Any = None,
    ) -> None:
        where = "Bidirectional"
        if not isinstance(layer, RecurrentLayer):
            raise TypeError(
                f"{where}: layer is {layer!r}; expected a layer of LSTM, GRU or SimpleRNN."
            )
        if layer.declared or layer.go_backwards:
            state = "built already" if layer.declared else "made with go_backwards=True"
            raise ValueError(
                f"{where}: layer {layer.name!r} is {state}; expected a new forward layer."
            )
        if dtype is not None and checks.float_dtype(where, dtype) != layer.dtype:
            raise ValueError(
                f"{where}: dtype is {dtype!r}; expected {layer.dtype.name!r}, that of the layer."
            )
        super().__init__(
            name=name, dtype=layer.dtype, input_shape=input_shape or layer.declared_input_shape
        )
        self.merge_mode = checks.choice(where, "merge_mode", merge_mode, ("concat",))
        self.forward_layer = layer
        self.backward_layer = copy.copy(layer)
        self.backward_layer.go_backwards = True
        self._layer_name = layer.name
        self.forward_layer.name = f"forward_{layer.name}"
        self.backward_layer.name = f"backward_{self._layer_name}"

    @property
    def return_sequences(self) -> bool:
        """Whether the output has a time axis."""
        return self.forward_layer.return_sequences

    @property
    def return_state(self) -> bool:
        """Whether `layer(x)` returns the final states too."""
        return self.forward_layer.return_state

    def _declare(self, input_shape: Shape) -> tuple[tuple[Parameter, ...], Shape]:
        output_shape: Shape = ()
        parameters: list[Parameter] = []
        for direction in ("forward", "backward"):
            layer: RecurrentLayer = getattr(self, f"{direction}_layer")
            output_shape = layer.declare(input_shape)
            for parameter in layer.parameters:
                parameter.name = f"{direction}/{parameter.name}"
            parameters += layer.parameters
        return tuple(parameters), (*output_shape[:-1], 2 * self.forward_layer.units)

    def _output_shape(self, input_shape: Shape) -> Shape:
        output_shape = self.forward_layer.declare(input_shape)
        self.backward_layer.declare(input_shape)
        return (*output_shape[:-1], 2 * self.forward_layer.units)

    def bind(self) -> None:
        """See Layer."""
        self.forward_layer.bind()
        self.backward_layer.bind()

    def weights_changed(self) -> None:
        """See Layer."""
        self.forward_layer.weights_changed()
        self.backward_layer.weights_changed()

    def weight_rules(self) -> list[WeightRule]:
        """See Layer."""
        return self.forward_layer.weight_rules() + self.backward_layer.weight_rules()

    def forward(
        self, x: Array, *, training: bool = False, rng: np.random.Generator | None = None
    ) -> tuple[Array, Any]:
        """Return (B, T, 2H) or (B, 2H) and, when training, what both directions saved."""
        out = self._run(x, training=training)
        return self._output_of(out), out.saved

    def _run(self, x: Array, state: Any = None, *, training: bool = False) -> BiRNNOutput:
        """Call the engine for both directions."""
        return birnn_forward(
            self.forward_layer.bound_weights()[0],
            self.backward_layer.bound_weights()[0],
            x,
            state,
            training=training,
            batch_first=True,
            return_sequences=self.return_sequences,
        )

    def _output_of(self, out: BiRNNOutput) -> Array:
        """Return what the layer passes on."""
        if out.y is not None:
            return out.y
        h_at = (0, len(self.forward_layer.state_names))
        return np.concatenate([out.state[k] for k in h_at], axis=-1)

    def backward(self, saved: Any, dy: Array, *, need_dx: bool = True) -> Array | None:
        """See Layer."""
        layers = (self.forward_layer, self.backward_layer)
        dstate = None
        if not self.return_sequences:
            rest = [None] * (len(self.forward_layer.state_names) - 1)
            units = self.forward_layer.units
            dstate = (dy[..., :units], *rest, dy[..., units:], *rest)
        dx: Array | None = birnn_backward(
            saved,
            dy if dstate is None else None,
            dstate,
            need_dx=need_dx,
            out=[layer.bound_weights()[1] for layer in layers],
        ).x
        return dx

    def __call__(self, x: Any, initial_state: Any = None) -> Any:
        """Run on a batch, without training; built on first use.

        Parameters
        ----------
        x : (B, T, I) array
        initial_state : list of (B, H) arrays, optional
            The states of the forward layer, then those of the backward layer.

        Returns
        -------
        output, or with `return_state` a tuple (output, forward states ..., backward states ...)
        """
        x = self._prepare_call(x)
        where, layers = "Bidirectional", (self.forward_layer, self.backward_layer)
        state = None
        if initial_state is not None:
            halves = self._halves(initial_state)
            state = [
                array
                for layer, half in zip(layers, halves, strict=True)
                for array in layer.prepare_state(where, half, len(x)) or ()
            ]
        out = self._run(x, state)
        y = self._output_of(out)
        return (y, *out.state) if self.return_state else y

    def _halves(self, state: Any) -> tuple[Any, Any]:
        """Split an initial state into those of the two directions."""
        count = len(self.forward_layer.state_names)
        if not isinstance(state, list | tuple) or len(state) != 2 * count:
            size = len(state) if isinstance(state, list | tuple) else 1
            raise ValueError(
                f"Bidirectional: initial_state has {size} arrays; expected {2 * count}: "
                f"{count} for each direction."
            )
        return state[:count], state[count:]

    def _config(self) -> Config:
        inner = self.forward_layer.get_config() | {"name": self._layer_name}
        layer = {"class": type(self.forward_layer).__name__, "config": inner}
        return {"layer": layer, "merge_mode": self.merge_mode}

    @classmethod
    def from_config(cls, config: Config) -> Layer:
        """See Layer."""
        layer = config.get("layer")
        if (
            not isinstance(layer, dict)
            or set(layer) != {"class", "config"}
            or not isinstance(layer["config"], dict)
        ):
            raise ValueError("Bidirectional: its configuration names no layer.")
        name = checks.choice("Bidirectional", "the class of layer", layer["class"], WRAPPED)
        inner = WRAPPED[name].from_config(layer["config"])
        return super().from_config(config | {"layer": inner})
