"""Bidirectional (Schuster & Paliwal 1997): one layer forwards, one backwards, side by side.

    y_t = [ h→_t , h←_t ]     with return_sequences: both at the same step
    y   = [ h→_T , h←_1 ]     without: each after its last step

The arrows say in which direction h was computed. Other ways to join them: merging.py.
"""

import copy
from typing import Any

import numpy as np

from tidegate.layers import checks
from tidegate.layers.base import Layer
from tidegate.layers.bidirectional_checks import require_alike, require_new
from tidegate.layers.bidirectional_run import BidirectionalRun
from tidegate.layers.carried import CarriedState
from tidegate.layers.configured import describe_as_one_of, make_one_of
from tidegate.layers.gru import GRU
from tidegate.layers.grud import GRUD
from tidegate.layers.lstm import LSTM
from tidegate.layers.merging import MERGE_MODES, merge, merge_backward
from tidegate.layers.parameters import Parameter
from tidegate.layers.recurrent import RecurrentLayer
from tidegate.layers.simple_rnn import SimpleRNN
from tidegate.layers.tensor import is_symbolic, use
from tidegate.layers.time_lstm import TimeLSTM
from tidegate.layers.types import Array, Config, Shape
from tidegate.layers.weight_rules import WeightRule

WRAPPED: dict[str, type[RecurrentLayer]] = {
    "LSTM": LSTM,
    "GRU": GRU,
    "SimpleRNN": SimpleRNN,
    "GRUD": GRUD,
    "TimeLSTM": TimeLSTM,
}


class Bidirectional(BidirectionalRun):
    """Run a recurrent layer in both directions and join the outputs on the last axis.

    Parameters
    ----------
    layer : LSTM, GRU or SimpleRNN
        Not built yet. It becomes `forward_layer`.
    merge_mode : "concat", "sum", "mul", "ave" or None
        How the outputs are joined: side by side on the last axis, added, multiplied, or their mean.
        None returns both, (forward, backward); not inside a model.
    backward_layer : LSTM, GRU or SimpleRNN, optional
        Made with go_backwards=True, not built yet; by default a copy of `layer` with its own
        weights.
    name, input_shape
        See Layer; the dtype is the layer's.

    Notes
    -----
    Parameters: those of the two layers, as forward/weight_ih, ... and backward/weight_ih, ...

    Examples
    --------
    >>> Bidirectional(GRU(4, return_sequences=True))(np.zeros((2, 5, 3))).shape
    (2, 5, 8)
    >>> Bidirectional(GRU(4), "sum")(np.zeros((2, 5, 3))).shape
    (2, 4)
    """

    expects = RecurrentLayer.expects

    def __init__(
        self,
        layer: RecurrentLayer,
        merge_mode: str | None = "concat",
        backward_layer: RecurrentLayer | None = None,
        *,
        name: str | None = None,
        dtype: Any = None,
        input_shape: Any = None,
    ) -> None:
        where = "Bidirectional"
        require_new(where, "layer", layer, backwards=False)
        if dtype is not None and checks.float_dtype(where, dtype) != layer.dtype:
            raise ValueError(
                f"{where}: dtype is {dtype!r}; expected {layer.dtype.name!r}, that of the layer."
            )
        super().__init__(
            name=name, dtype=layer.dtype, input_shape=input_shape or layer.declared_input_shape
        )
        if merge_mode is not None and merge_mode not in MERGE_MODES:
            listed = ", ".join(f'"{mode}"' for mode in MERGE_MODES)
            raise ValueError(
                f"{where}: merge_mode is {merge_mode!r}; expected one of {listed} or None."
            )
        self.merge_mode = merge_mode
        self._has_given_backward = backward_layer is not None
        if backward_layer is None:
            backward_layer = copy.copy(layer)
            backward_layer.go_backwards = True
            backward_layer.carried = CarriedState() if layer.stateful else None
        else:
            require_alike(where, layer, backward_layer, merge_mode)
        self.forward_layer, self.backward_layer = layer, backward_layer
        self.inner_layers = (layer, backward_layer)
        self._names = (layer.name, backward_layer.name)
        self.forward_layer.name = f"forward_{self._names[0]}"
        self.backward_layer.name = f"backward_{self._names[1]}"
        self.random = layer.random or backward_layer.random
        self.takes_missing = layer.takes_missing

    @property
    def return_state(self) -> bool:
        """Whether `layer(x)` returns the final states too."""
        return self.forward_layer.return_state

    @property
    def extra_outputs(self) -> str:  # type: ignore[override]  # a plain attribute in Layer
        """See Layer."""
        return "merge_mode=None" if self.merge_mode is None else self.forward_layer.extra_outputs

    def _declare(self, input_shape: Shape) -> tuple[tuple[Parameter, ...], Shape]:
        output_shape = self._output_shape(input_shape)
        parameters: list[Parameter] = []
        for direction in ("forward", "backward"):
            layer: RecurrentLayer = getattr(self, f"{direction}_layer")
            for parameter in layer.parameters:
                parameter.name = f"{direction}/{parameter.name}"
            parameters += layer.parameters
        return tuple(parameters), output_shape

    def _output_shape(self, input_shape: Shape) -> Shape:
        output_shape = self.forward_layer.declare(input_shape)
        self.backward_layer.declare(input_shape)
        if self.merge_mode != "concat":
            return output_shape
        return (
            *output_shape[:-1],
            self.forward_layer.output_size + self.backward_layer.output_size,
        )

    def output_shape_for(self, input_shape: Shape) -> Shape:
        """See Layer."""
        return (*self.forward_layer.output_shape_for(input_shape)[:-1], self.output_shape[-1])

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

    def prepare(self, where: str, x: Any, name: str = "x") -> Array:
        """See Layer; a GRUD takes NaN."""
        return self.forward_layer.prepare(where, x, name)

    def forward(
        self,
        x: Array,
        *,
        training: bool = False,
        rng: np.random.Generator | None = None,
        mask: Array | None = None,
    ) -> tuple[Array, Any]:
        """Return the merged output and, when training, what both directions saved."""
        assert self.merge_mode is not None
        out = self._run(x, training=training, mask=mask, rng=rng)
        both = self._both(out, mask)
        y = merge(self.merge_mode, both, self.forward_layer.output_size)
        return y, ((out.saved, both if self.merge_mode == "mul" else None) if training else None)

    def output_mask(self, x: Array, mask: Array | None) -> Array | None:
        """Pass the mask on with the sequence."""
        return mask if self.return_sequences else None

    def backward(self, saved: Any, dy: Array, *, need_dx: bool = True) -> Array | None:
        """See Layer."""
        kept, both = saved
        assert self.merge_mode is not None
        dy = merge_backward(self.merge_mode, both, dy, self.forward_layer.output_size)
        return self._run_backward(kept, dy, need_dx=need_dx)

    def __call__(
        self, x: Any, initial_state: Any = None, *, lengths: Any = None, mask: Any = None
    ) -> Any:
        """Run on a batch, without training; built on first use.

        Parameters
        ----------
        x : (B, T, I) array, or a list of (T_i, I) arrays
        lengths, mask
            As in the wrapped layer. The backward direction starts at the last valid step, and
            output sequences are 0 at steps that do not count, whatever zero_output_for_mask is.
        initial_state : list of (B, H) arrays, optional
            The states of the forward layer, then those of the backward layer; zeros, or what
            stateful layers carry, if omitted.

        Returns
        -------
        output, or with `return_state` a tuple (output, forward states ..., backward states ...)
            With merge_mode=None, (forward, backward) or (forward, backward, states ...).
        """
        if is_symbolic(x):
            return use(self, x, initial_state=initial_state, lengths=lengths, mask=mask)
        x, mask = self._prepare_call(x, lengths, mask)
        where, layers = "Bidirectional", self.recurrent_parts()
        state = None
        if initial_state is not None:
            halves = self._halves(initial_state)
            state = [
                array
                for layer, half in zip(layers, halves, strict=True)
                for array in layer.prepare_state(where, half, len(x)) or ()
            ]
        out = self._run(x, state, mask=mask)
        both, units = self._both(out, mask), self.forward_layer.output_size
        states = out.state if self.return_state else ()
        if self.merge_mode is None:
            return both[..., :units], both[..., units:], *states
        y = merge(self.merge_mode, both, units)
        return (y, *states) if states else y

    def _halves(self, state: Any) -> tuple[Any, Any]:
        """Split an initial state into those of the two directions."""
        first, second = (len(layer.state_names) for layer in self.recurrent_parts())
        if not isinstance(state, list | tuple) or len(state) != first + second:
            size = len(state) if isinstance(state, list | tuple) else 1
            parts = f"{first} for each direction" if first == second else f"{first} and {second}"
            raise ValueError(
                f"Bidirectional: initial_state has {size} arrays; expected {first + second}: "
                f"{parts}."
            )
        return state[:first], state[first:]

    def _config(self) -> Config:
        described = [describe_as_one_of(WRAPPED, layer) for layer in self.recurrent_parts()]
        for part, name in zip(described, self._names, strict=True):
            part["config"]["name"] = name
        config = {"layer": described[0], "merge_mode": self.merge_mode}
        return config | ({"backward_layer": described[1]} if self._has_given_backward else {})

    @classmethod
    def from_config(cls, config: Config) -> Layer:
        """See Layer."""
        layers = {
            key: make_one_of(WRAPPED, "Bidirectional", config[key])
            for key in ("layer", "backward_layer")
            if isinstance(config, dict) and config.get(key) is not None
        }
        return super().from_config(config | layers)
