"""Bidirectional (Schuster & Paliwal 1997): one layer forwards, its copy backwards, side by side.

    y_t = [ h→_t , h←_t ]     with return_sequences: both at the same step
    y   = [ h→_T , h←_1 ]     without: each after its last step

The arrows say in which direction h was computed.
"""

import copy
from typing import Any

import numpy as np

from tidegate.layers import checks
from tidegate.layers.base import Layer
from tidegate.layers.gru import GRU
from tidegate.layers.lstm import LSTM
from tidegate.layers.parameters import Parameter
from tidegate.layers.recurrent import RecurrentLayer
from tidegate.layers.simple_rnn import SimpleRNN
from tidegate.layers.types import Array, Config, Shape

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

    def forward(
        self, x: Array, *, training: bool = False, rng: np.random.Generator | None = None
    ) -> tuple[Array, Any]:
        """Return (B, T, 2H) or (B, 2H) and, when training, what both directions saved."""
        runs = [
            layer.run(x, training=training) for layer in (self.forward_layer, self.backward_layer)
        ]
        halves = [out.state[0] if out.y is None else out.y for out in runs]
        saved = tuple(out.saved for out in runs) if training else None
        return np.concatenate(halves, axis=-1), saved

    def backward(self, saved: Any, dy: Array, *, need_dx: bool = True) -> Array | None:
        """See Layer."""
        units = self.forward_layer.units
        dx = self.forward_layer.run_backward(saved[0], dy[..., :units], need_dx=need_dx)
        dx_back = self.backward_layer.run_backward(saved[1], dy[..., units:], need_dx=need_dx)
        if dx is None or dx_back is None:
            return None
        dx += dx_back
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
        runs = []
        layers = (self.forward_layer, self.backward_layer)
        for layer, state in zip(layers, self._halves(initial_state), strict=True):
            runs.append(layer.run(x, layer.prepare_state("Bidirectional", state, len(x))))
        y = np.concatenate([out.state[0] if out.y is None else out.y for out in runs], axis=-1)
        return (y, *runs[0].state, *runs[1].state) if self.return_state else y

    def _halves(self, state: Any) -> tuple[Any, Any]:
        """Split an initial state into those of the two directions."""
        if state is None:
            return None, None
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
