"""Stream: a recurrent layer or model run one step at a time, the state kept between the calls."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from tidegate._arrays import FloatArray, new_array
from tidegate._loader import core
from tidegate.layers import GRUD, Bidirectional, Dense, Dropout, Embedding, TimeLSTM, checks
from tidegate.layers.base import Layer
from tidegate.layers.plan import cast_to
from tidegate.layers.recurrent import RecurrentLayer
from tidegate.models import Model
from tidegate.weights import CellWeights

_WHERE = "Stream"


class _RecurrentStep:
    """One recurrent layer: its state, and the engine's runner over it."""

    def __init__(
        self, weights: CellWeights, batch_size: int, *, is_first: bool, keep: float = 0.0
    ) -> None:
        self.state = tuple(
            new_array(np.zeros, (batch_size, size), weights.dtype) for size in weights.state_sizes
        )
        self._dtype = weights.dtype
        kind = core.LayerStream32 if weights.dtype == np.float32 else core.LayerStream64
        h, c = self.state if len(self.state) == 2 else (self.state[0], None)
        # Checks the shape and, of what a user gives, that it is finite, before the state changes.
        # x to h, or to None if x is no array of the dtype.
        self.run: Callable[[Any], FloatArray | None]
        self.run = kind(weights.core_weights(), h, c, is_first, keep).step

    def __call__(self, x: Any) -> FloatArray:
        y = self.run(x)
        if y is None:
            with np.errstate(over="ignore"):  # too large for float32 becomes inf, which is refused
                x = checks.numeric(f"{_WHERE}.step", "x_t", x).astype(self._dtype)
            y = self.run(x)
            assert y is not None
        return y


class _LayerStep:
    """A layer that treats each step alone."""

    def __init__(self, layer: Layer, batch_size: int, *, is_first: bool) -> None:
        layer.require_built(_WHERE)
        self._layer, self._is_first = layer, is_first
        assert layer.input_shape is not None
        features = () if isinstance(layer, Embedding) else layer.input_shape[-1:]
        self._shape = (batch_size, *features)

    def __call__(self, x: Any) -> FloatArray:
        if self._is_first:
            x = self._layer.prepare(f"{_WHERE}.step", x, "x_t")
            if x.shape != self._shape:
                raise ValueError(f"{_WHERE}.step: x_t has shape {x.shape}; expected {self._shape}.")
        return self._layer.forward(cast_to(self._layer, x))[0]


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
        # Dropout passes on what it gets, in the dtype that it gets.
        parts = [p for p in _parts_of(layer_or_model) if type(p) is not Dropout]
        steps = [_step_of(part, batch_size, is_first=k == 0) for k, part in enumerate(parts)]
        recurrent = [step for step in steps if isinstance(step, _RecurrentStep)]
        if not recurrent:
            raise ValueError(f"{_WHERE}: there is no recurrent layer; expected at least one.")
        self.state: list[tuple[FloatArray, ...]] = [step.state for step in recurrent]
        self._first, *self._rest = steps
        # The engine alone serves a first array of the right dtype; it returns None for others.
        self._quick = getattr(self._first, "run", self._first)

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
        y: FloatArray | None = self._quick(x_t)
        if y is None:
            y = self._first(x_t)
        for run in self._rest:
            y = run(y)
        return y

    def reset(self, rows: Any = None) -> None:
        """Set states to zero, as at the start of a sequence.

        Parameters
        ----------
        rows : int or sequence of int, optional
            Which of the B streams begin anew, counted from 0; all of them if omitted.

        Raises
        ------
        TypeError
            Not integers.
        ValueError
            There is no such stream; no state is changed.
        """
        which = slice(None) if rows is None else self._rows(rows)
        for state in self.state:
            for array in state:
                array[which] = 0

    def _rows(self, rows: Any) -> npt.NDArray[np.intp]:
        """Check the numbers of streams."""
        try:
            given = np.atleast_1d(np.asarray(rows))
        except ValueError:  # lists of several lengths
            given = np.atleast_1d(np.array(None))
        if given.size and given.dtype.kind not in "iu":
            raise TypeError(
                f"{_WHERE}.reset: rows is {rows!r}; expected the numbers of streams, integers."
            )
        if given.size and not 0 <= int(given.min()) <= int(given.max()) < self.batch_size:
            raise ValueError(
                f"{_WHERE}.reset: rows is {rows!r}; expected 0..{self.batch_size - 1} "
                f"(batch_size is {self.batch_size})."
            )
        return given.astype(np.intp)


def _parts_of(layer_or_model: Any) -> list[Any]:
    """Return what the stream runs, in order."""
    if isinstance(layer_or_model, CellWeights | Layer):
        return [layer_or_model]
    layers = getattr(layer_or_model, "layers", None)
    if isinstance(layer_or_model, Model):
        raise TypeError(
            f"{_WHERE}: layer_or_model is a Model, a graph; expected a chain: a recurrent layer, a "
            "Sequential or a CellWeights."
        )
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


def _step_of(part: Any, batch_size: int, *, is_first: bool) -> _RecurrentStep | _LayerStep:
    """Return the function that runs one step of a layer."""
    if isinstance(part, CellWeights):
        return _RecurrentStep(part, batch_size, is_first=is_first)
    name = f"{_WHERE}: the layer {part.name!r}"
    if isinstance(part, Bidirectional) or getattr(part, "go_backwards", False):
        raise ValueError(f"{name} runs from the future to the past; expected a forward layer.")
    if isinstance(part, GRUD):
        raise ValueError(
            f"{name} is a GRUD, whose step depends on when each feature was last observed; "
            "expected LSTM, GRU or SimpleRNN."
        )
    if isinstance(part, TimeLSTM):
        raise ValueError(
            f"{name} is a TimeLSTM, whose step depends on the time since the step before; expected "
            'LSTM, GRU or SimpleRNN (a stateful TimeLSTM with time_feature="gap" goes on from call '
            "to call)."
        )
    if isinstance(part, RecurrentLayer):
        keep = part.noise.zoneout
        return _RecurrentStep(part.cell_weights, batch_size, is_first=is_first, keep=keep)
    if part.makes_mask:
        raise ValueError(
            f"{name} makes a mask; expected layers without (leave out the calls of padded steps)."
        )
    if isinstance(part, Dense | Dropout | Embedding):
        return _LayerStep(part, batch_size, is_first=is_first)
    raise ValueError(
        f"{name} is a {type(part).__name__}; expected recurrent layers, Dense, Dropout, Embedding."
    )
