"""LSTM, GRU and SimpleRNN for Keras 3 whose time loop is the engine's.

They are Keras's layers but for the loop: weights, initializers, regularizers, constraints, states,
masks, random numbers, and what files hold, are those of Keras.
"""

from importlib import import_module
from typing import Any

from tidegate._extras import require
from tidegate.activation import Activation
from tidegate.keras.activations import engine_activation
from tidegate.keras.errors import saved_graph
from tidegate.keras.loop import Loop

keras = require("keras", extra="keras", purpose="tidegate.keras")
BACKENDS = ("tensorflow", "jax", "torch")
registered = keras.saving.register_keras_serializable(package="tidegate")
KerasLSTM: Any = keras.layers.LSTM
KerasGRU: Any = keras.layers.GRU
KerasSimpleRNN: Any = keras.layers.SimpleRNN


class EngineLoop:
    """Replaces the time loop of a recurrent layer of Keras; stands before it among the bases."""

    cell_kind: str
    # Of Keras's layer.
    cell: Any
    compute_dtype: str
    return_sequences: bool
    go_backwards: bool
    zero_output_for_mask: bool

    def __init__(self, *args: Any, use_cudnn: Any = "auto", **kwargs: Any) -> None:
        where = type(self).__name__
        backend = keras.config.backend()
        if backend not in BACKENDS:
            raise RuntimeError(
                f'{where}: Keras runs on the backend "{backend}"; expected one of '
                f"{', '.join(BACKENDS)} (set KERAS_BACKEND before Keras is imported)."
            )
        if use_cudnn not in ("auto", False):
            raise ValueError(
                f'{where}: use_cudnn is {use_cudnn!r}; expected "auto" or False (this layer '
                f"computes on the CPU; keras.layers.{where} knows GPUs)."
            )
        super().__init__(*args, **kwargs)
        self.use_engine()

    def use_engine(self) -> None:
        """Check that the engine can run this layer, and take what it needs to know."""
        where, backend = type(self).__name__, keras.config.backend()
        self._activations = engine_activations(where, self.cell_kind, self.cell)
        self.use_cudnn = False  # else Keras's Bidirectional may run both cells by itself
        # XLA on TensorFlow and torch.compile cannot call back into Python; jit of JAX can.
        self.supports_jit = backend == "jax"
        self._run = import_module(f"tidegate.keras.{backend}_loop").run

    def inner_loop(
        self, sequences: Any, initial_state: Any, mask: Any = None, training: Any = False
    ) -> tuple[Any, Any, list[Any]]:
        """Return the last output, all outputs and the states; called by `call` of Keras's RNN."""
        cell, ops = self.cell, keras.ops
        state = keras.tree.flatten(initial_state)
        kernel, scale = cell.kernel, None
        if training and 0 < cell.dropout < 1:
            drawn = cell.get_dropout_mask(sequences[:, 0, :])
            sequences, kernel = dropped(ops, sequences, kernel, drawn)
        if training and 0 < cell.recurrent_dropout < 1:
            drawn = cell.get_recurrent_dropout_mask(state[0])
            scale = ops.stack(drawn) if isinstance(drawn, list) else drawn
        weights = [kernel, cell.recurrent_kernel, *([cell.bias] if cell.use_bias else [])]
        dtype = "float64" if self.compute_dtype == "float64" else "float32"
        arrays = [ops.cast(array, dtype) for array in (sequences, *state, *weights)]
        if mask is not None:
            arrays.append(whole_steps(ops, keras.tree.flatten(mask)[0]))
        if scale is not None:
            arrays.append(ops.cast(scale, dtype))
        loop = self._loop(masked=mask is not None, scaled=scale is not None)
        y, *state = self._run(loop, arrays, bool(training))
        if self.return_sequences:
            return y[:, -1], y, state
        return y, y[:, None], state

    def _trackable_children(self, save_type: str = "checkpoint", **kwargs: Any) -> Any:
        """Return what TensorFlow saves of the layer; asked by it alone.

        Its graph would be written without a word and fail in the process that loads it.
        """
        layer: Any = self  # a mixin: the class beside it, Keras's layer, has name and children
        if save_type == "savedmodel":
            raise saved_graph(f"{type(self).__name__} {layer.name!r}")
        above: Any = super()
        return above._trackable_children(save_type, **kwargs)

    def _loop(self, *, masked: bool, scaled: bool) -> Loop:
        return Loop(
            cell=self.cell_kind,
            activations=self._activations,
            reset_after=self.cell_kind == "gru" and self.cell.reset_after,
            sequences=self.return_sequences,
            backwards=self.go_backwards,
            zero_masked=bool(self.zero_output_for_mask),
            shows_initial_state=keras.config.backend() == "jax",
            biased=bool(self.cell.use_bias),
            masked=masked,
            scaled=scaled,
        )


def engine_activations(
    where: str, cell_kind: str, cell: Any
) -> tuple[tuple[str, str | Activation], ...]:
    """Return the engine's activations, by their place in the cell, or raise."""
    places = ("activation",) if cell_kind == "rnn" else ("activation", "recurrent_activation")
    return tuple((place, engine_activation(where, place, getattr(cell, place))) for place in places)


def dropped(ops: Any, sequences: Any, kernel: Any, drawn: Any) -> tuple[Any, Any]:
    """Return x and the kernel for inputs of which each step drops the same.

    Where each gate has a mask of its own, x becomes one input per gate, side by side, and the
    kernel is block diagonal:

        [x∘m_1, x∘m_2] [[W_1, 0], [0, W_2]] = [(x∘m_1) W_1, (x∘m_2) W_2]
    """
    if not isinstance(drawn, list):
        return sequences * drawn[:, None], kernel
    gates = len(drawn)
    sequences = ops.concatenate([sequences * mask[:, None] for mask in drawn], axis=-1)
    blocks = ops.split(ops.convert_to_tensor(kernel), gates, axis=1)
    units = blocks[0].shape[1]
    rows = [
        ops.pad(block, [[0, 0], [k * units, (gates - 1 - k) * units]])
        for k, block in enumerate(blocks)
    ]
    return sequences, ops.concatenate(rows, axis=0)


def whole_steps(ops: Any, mask: Any) -> Any:
    """Return a mask (B, T) of bools; Keras also takes (B, T, 1)."""
    mask = ops.cast(mask, "bool")
    return mask if len(mask.shape) == 2 else ops.any(mask, axis=-1)


@registered
class LSTM(EngineLoop, KerasLSTM):  # type: ignore[misc]
    """keras.layers.LSTM with the engine's time loop, forward and backward.

    Parameters
    ----------
    units : int
        H.
    *args, **kwargs
        As of keras.layers.LSTM, in its order, with its defaults: activation, recurrent_activation,
        use_bias, initializers, regularizers, constraints, dropout, recurrent_dropout, seed,
        return_sequences, return_state, go_backwards, stateful, unroll (which changes nothing),
        zero_output_for_mask, dtype, name.

    Raises
    ------
    ValueError
        An activation that the engine does not compute: tanh, sigmoid, relu, linear, elu, softsign,
        softplus, hard_sigmoid and leaky_relu it does; or use_cudnn=True.
    RuntimeError
        Keras runs on another backend than TensorFlow, JAX and torch.
    NotImplementedError
        Second derivatives (while gradients are taken).

    Notes
    -----
    A call takes `sequences` (B, T, I), `mask` (B, T), `training` and `initial_state`, each (B, H),
    as Keras's layer does, and returns its tensors. float64 is computed in float64, every other
    dtype in float32. docs/keras.md says what differs.

    Examples
    --------
    >>> import keras
    >>> layer = LSTM(4, return_sequences=True)
    >>> tuple(layer(np.ones((2, 5, 3), "float32")).shape)
    (2, 5, 4)
    >>> keras.layers.LSTM(4).get_config().keys() == LSTM(4).get_config().keys()
    True
    """

    cell_kind = "lstm"


@registered
class GRU(EngineLoop, KerasGRU):  # type: ignore[misc]
    """keras.layers.GRU with the engine's time loop, forward and backward.

    Parameters
    ----------
    units : int
        H.
    *args, **kwargs
        As of keras.layers.GRU, reset_after included; see `LSTM`, also for errors.

    Examples
    --------
    >>> layer = GRU(4, return_state=True)
    >>> [tuple(part.shape) for part in layer(np.ones((2, 5, 3), "float32"))]
    [(2, 4), (2, 4)]
    """

    cell_kind = "gru"


@registered
class SimpleRNN(EngineLoop, KerasSimpleRNN):  # type: ignore[misc]
    """keras.layers.SimpleRNN with the engine's time loop, forward and backward.

    Parameters
    ----------
    units : int
        H.
    *args, **kwargs
        As of keras.layers.SimpleRNN; see `LSTM`, also for errors.

    Examples
    --------
    >>> tuple(SimpleRNN(4)(np.ones((2, 5, 3), "float32")).shape)
    (2, 4)
    """

    cell_kind = "rnn"
