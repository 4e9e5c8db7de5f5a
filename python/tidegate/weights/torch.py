"""Weights by the names of torch.nn.LSTM, GRU, RNN and their cells.

Gate orders and shapes are ours: nothing moves. PyTorch has no peephole, no other activation (but
relu of the RNN), no reset before the product, and both biases or none.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from tidegate._arrays import FloatArray, check_choice
from tidegate.weights.cell_weights import GATES, CellWeights
from tidegate.weights.foreign import (
    check_default_activations,
    check_holds,
    check_weights,
    missing,
    taken,
    with_retain,
)

_NAMES = ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr")
_HELD = ("a projection", "reset_after=True")


def from_torch(
    arrays: Mapping[str, Any],
    cell: str,
    *,
    layer: int | None = 0,
    reverse: bool = False,
    prefix: str = "",
    nonlinearity: str = "tanh",
) -> CellWeights:
    """Return one layer and direction of a `state_dict`; bit for bit.

    Parameters
    ----------
    arrays : mapping of str to array
        A `state_dict`; tensors or anything else that `np.asarray` takes. Read are
        `weight_ih_l{layer}` (G*H, I), `weight_hh_l{layer}` (G*H, P), and where they are there
        `bias_ih_l{layer}`, `bias_hh_l{layer}` (G*H,), `weight_hr_l{layer}` (P, H), each with
        `_reverse` behind it for that direction.
    cell : {"lstm", "gru", "rnn"}
    layer : int or None
        Number of the layer; None for LSTMCell, GRUCell and RNNCell, whose names have none.
    reverse : bool
        The direction of `bidirectional=True` that runs from the last step to the first.
    prefix : str
        What stands before the names inside a larger module, such as "encoder.lstm.".
    nonlinearity : {"tanh", "relu"}
        Of nn.RNN; a `state_dict` does not tell.

    Returns
    -------
    CellWeights
        With the dtype of the arrays, float32 or float64.

    Raises
    ------
    ValueError
        A name that is missing, shapes that do not fit the cell, an unknown cell.
    TypeError
        An array that is not float32 or float64.

    Examples
    --------
    >>> state = {"weight_ih_l0": np.ones((12, 3)), "weight_hh_l0": np.ones((12, 4))}
    >>> from_torch(state, "gru")
    CellWeights("gru", input_size=3, hidden_size=4, dtype=float64)
    """
    where = "from_torch"
    check_choice(where, "cell", cell, tuple(GATES))
    allowed = ("tanh", "relu") if cell == "rnn" else ("tanh",)
    check_choice(where, "nonlinearity", nonlinearity, allowed)
    suffix = _suffix(layer, reverse)
    found = taken(where, arrays, prefix, [name + suffix for name in _NAMES])
    for name in _NAMES[:2]:
        if name + suffix not in found:
            raise missing(where, arrays, prefix + name + suffix)
    named: dict[str, Any] = {name: found.get(name + suffix) for name in _NAMES}
    return CellWeights(cell, **named, activation=nonlinearity)


def to_torch(
    w: CellWeights, *, layer: int | None = 0, reverse: bool = False
) -> dict[str, FloatArray]:
    """Return a cell as entries of a `state_dict`, ready for `torch.from_numpy`; bit for bit.

    Parameters
    ----------
    w : CellWeights
        A GRU with update="replace" gets its z rows negated, which is the same function. Where
        there is one bias, the other is zeros.
    layer, reverse
        See `from_torch`.

    Returns
    -------
    dict of str to array
        `weight_ih_l0` and so on, new arrays; without biases for `bias=False`.

    Raises
    ------
    ValueError
        What torch.nn does not have: peepholes, layer normalisation, coupled gates, limits, a GRU
        with reset_after=False, an activation other than tanh (or relu of the simple RNN).

    Examples
    --------
    >>> w = CellWeights("rnn", np.ones((4, 3)), np.ones((4, 4)), np.zeros(4))
    >>> {name: array.shape for name, array in to_torch(w, layer=1).items()}
    {'weight_ih_l1': (4, 3), 'weight_hh_l1': (4, 4), 'bias_ih_l1': (4,), 'bias_hh_l1': (4,)}
    """
    where = "to_torch"
    kind = {"lstm": "LSTM", "gru": "GRU", "rnn": "RNN"}[check_weights(where, w).cell]
    check_holds(where, w, f"torch.nn.{kind}", _HELD)
    also = ("relu",) if w.cell == "rnn" else ()
    nearest = "to_onnx holds the others"
    check_default_activations(where, w, f"torch.nn.{kind}", nearest, also=also)
    arrays = with_retain(where, w)
    if "bias_ih" in arrays or "bias_hh" in arrays:
        zeros = np.zeros(len(w.weight_ih), w.dtype)
        arrays = {"bias_ih": zeros, "bias_hh": zeros, **arrays}
    suffix = _suffix(layer, reverse)
    return {name + suffix: arrays[name].copy() for name in _NAMES if name in arrays}


def _suffix(layer: int | None, reverse: bool) -> str:
    """Return what stands behind a name."""
    return "" if layer is None else f"_l{layer}{'_reverse' if reverse else ''}"
