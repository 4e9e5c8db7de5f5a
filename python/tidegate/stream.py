"""Stream: a recurrent layer or model run one step at a time, the state kept between the calls."""

from collections.abc import Callable
from typing import Any

import numpy as np

from tidegate._arrays import FloatArray, new_array
from tidegate._loader import core
from tidegate.layers import Bidirectional, Dense, Dropout, Embedding, checks
from tidegate.layers.base import Layer
from tidegate.layers.recurrent import RecurrentLayer
from tidegate.runtime import get_num_threads
from tidegate.weights import CellWeights

_WHERE = "Stream"


class _RecurrentStep:
    """One recurrent layer: its input buffer, its state, and the engine's runner over both."""

    def __init__(self, weights: CellWeights, batch_size: int) -> None:
        self.input = new_array(np.zeros, (batch_size, weights.input_size), weights.dtype)
        states = 2 if weights.cell == "lstm" else 1
        self.state = tuple(
            new_array(np.zeros, (batch_size, weights.hidden_size), weights.dtype)
            for _ in range(states)
        )
        kind = core.LayerStream32 if weights.dtype == np.float32 else core.LayerStream64
        h, c = self.state if states == 2 else (self.state[0], None)
        runner = kind(weights.core_weights(), self.input[np.newaxis], h, c)
        self._run: Callable[[int], None] = runner.step

    def __call__(self, x: FloatArray) -> FloatArray:
        if x is not self.input:
            self.input[...] = x
        self._run(get_num_threads())
        return self.state[0]


class Stream:
    """Run a layer or model over an unbounded stream, one time step per call.

    Parameters
    ----------
    layer_or_model : LSTM, GRU, SimpleRNN, Sequential or CellWeights
        Built. In a model, every recurrent layer keeps its state, and layers that treat each step
        alone (Dense, Dropout, Embedding) follow it. What looks at later steps is refused.
    batch_size : int
        Independent streams that step together, B.

    Attributes
    ----------
    state : list of tuple of (B, H) arrays
        Per recurrent layer (h,) or (h, c): the live arrays, for reading and for writing in place.

    Raises
    ------
    TypeError
        The argument is none of these.
    ValueError
        A layer needs the future (Bidirectional, go_backwards), or there is no recurrent layer.
    RuntimeError
        The layer or model is not built.

    Notes
    -----
    After n steps the state is, bit for bit, that of the same n steps run as one sequence. Use one
    Stream per thread; many may share the weights.

    Examples
    --------
    >>> import numpy as np, tidegate as tg
    >>> w = tg.CellWeights("rnn", np.ones((1, 1)), np.ones((1, 1)), activation="linear")
    >>> stream = tg.Stream(w)
    >>> [float(stream.step([[x]])[0, 0]) for x in (1.0, 2.0, 3.0)]
    [1.0, 3.0, 6.0]
    """

    def __init__(self, layer_or_model: Any, batch_size: int = 1) -> None:
        if isinstance(batch_size, bool) or not isinstance(batch_size, int) or batch_size < 1:
            raise ValueError(f"{_WHERE}: batch_size is {batch_size!r}; expected an integer >= 1.")
        self.batch_size = batch_size
        parts = _parts_of(layer_or_model)
        self._steps = [_step_of(part, batch_size) for part in parts]
        recurrent = [step for step in self._steps if isinstance(step, _RecurrentStep)]
        if not recurrent:
            raise ValueError(f"{_WHERE}: there is no recurrent layer; expected at least one.")
        self.state: list[tuple[FloatArray, ...]] = [step.state for step in recurrent]
        self._embedding = parts[0] if isinstance(parts[0], Embedding) else None
        first = self._steps[0]
        if isinstance(first, _RecurrentStep):
            self._input = first.input
        elif self._embedding is not None:
            self._input = np.zeros((batch_size,), np.int64)
        else:
            self._input = np.zeros((batch_size, parts[0].input_shape[-1]), parts[0].dtype)

    def step(self, x_t: Any) -> FloatArray:
        """Advance by one time step.

        Parameters
        ----------
        x_t : (B, I) array of numbers; (B,) integers if the model starts with an Embedding
            The input of this step; converted to the dtype of the model.

        Returns
        -------
        (B, H) array, or what the last layer of the model returns for one step
            The output of a recurrent layer is its live state: the next call overwrites it, copy
            what you keep.

        Raises
        ------
        ValueError
            Another shape, or a value that is not finite; the state is unchanged.
        TypeError
            Not an array of real numbers.
        """
        where = f"{_WHERE}.step"
        x = checks.numeric(where, "x_t", x_t)
        if x.shape != self._input.shape:
            raise ValueError(f"{where}: x_t has shape {x.shape}; expected {self._input.shape}.")
        if self._embedding is not None:
            self._input[...] = self._embedding.prepare(where, x, "x_t")
        else:
            self._read(where, x)
        y = self._input
        for run in self._steps:
            y = run(y)
        return y

    def _read(self, where: str, x: FloatArray) -> None:
        """Copy finite numbers into the input buffer; the state is not touched before that."""
        if x.dtype == self._input.dtype:
            self._input[...] = x
        else:
            with np.errstate(over="ignore"):  # too large for float32 becomes inf: refused below
                self._input[...] = x
        if not np.isfinite(self._input).all():
            raise ValueError(
                f"{where}: x_t has NaN or inf; expected finite numbers "
                "(repeat the last value, or skip the step)."
            )

    def reset(self) -> None:
        """Set every state to zero, as at the start of a sequence."""
        for state in self.state:
            for array in state:
                array[...] = 0


def _parts_of(layer_or_model: Any) -> list[Any]:
    """Return what the stream runs, in order."""
    if isinstance(layer_or_model, CellWeights | Layer):
        return [layer_or_model]
    layers = getattr(layer_or_model, "layers", None)
    if not isinstance(layers, list | tuple):
        raise TypeError(
            f"{_WHERE}: layer_or_model is {type(layer_or_model).__name__}; expected a recurrent "
            "layer, a Sequential or a CellWeights."
        )
    if not layers or not all(getattr(layer, "built", False) for layer in layers):
        raise RuntimeError(
            f"{_WHERE}: the model is not built; give its first layer an input_shape, or fit it."
        )
    return list(layers)


def _step_of(part: Any, batch_size: int) -> Callable[[FloatArray], FloatArray]:
    """Return the function that runs one step of a layer."""
    if isinstance(part, CellWeights):
        return _RecurrentStep(part, batch_size)
    name = f"{_WHERE}: the layer {part.name!r}"
    if isinstance(part, Bidirectional) or getattr(part, "go_backwards", False):
        raise ValueError(f"{name} runs from the future to the past; expected a forward layer.")
    if isinstance(part, RecurrentLayer):
        return _RecurrentStep(part.cell_weights, batch_size)
    if isinstance(part, Dense | Dropout | Embedding):
        part.require_built(_WHERE)
        return lambda x: part.forward(x)[0]
    raise ValueError(
        f"{name} is a {type(part).__name__}; expected recurrent layers, Dense, Dropout, Embedding."
    )
