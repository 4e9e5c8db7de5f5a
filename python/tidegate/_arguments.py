"""Checks and layouts of the arguments of `rnn_forward` and `rnn_backward`."""

from itertools import combinations, product
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, ref

import numpy as np

from tidegate._arrays import (
    FloatArray,
    as_float_array,
    new_array,
    with_contiguous_rows,
    with_shape,
)
from tidegate.weights import CellWeights

if TYPE_CHECKING:
    from tidegate.functional import SavedForward


# For each `out` the weights beside which it was checked: training calls with the same pair again.
_apart: WeakKeyDictionary[CellWeights, ref[CellWeights]] = WeakKeyDictionary()


def in_step_order(array: FloatArray, batch_first: bool, go_backwards: bool) -> FloatArray:
    """Return a (T, B, ...) view whose first axis is the order in which steps are run."""
    if batch_first:
        array = array.transpose(1, 0, 2)
    return array[::-1] if go_backwards else array


def empty_sequence(shape: tuple[int, int, int], dtype: Any, batch_first: bool) -> FloatArray:
    """Return memory for a (T, B, width) sequence in the caller's layout."""
    steps, batch, width = shape
    return new_array(np.empty, (batch, steps, width) if batch_first else shape, dtype)


def state_arrays(
    where: str, name: str, state: Any, weights: CellWeights, batch: int
) -> tuple[FloatArray | None, ...]:
    """Return the arrays of a state, each (B, H) or None."""
    parts = ("h", "c") if weights.cell == "lstm" else ("h",)
    if state is None:
        return (None,) * len(parts)
    if not isinstance(state, tuple | list) or len(state) != len(parts):
        kind = type(state).__name__
        got = f"{kind} of {len(state)}" if hasattr(state, "__len__") else kind
        raise ValueError(
            f"{where}: {name} is a {got}; expected a tuple ({', '.join(parts)},) of (B, H) arrays "
            f'for cell "{weights.cell}".'
        )
    shape = (batch, weights.hidden_size)
    return tuple(
        None
        if part is None
        else with_shape(
            where,
            f"{name}[{k}]",
            as_float_array(where, f"{name}[{k}]", part, weights.dtype),
            shape,
            "(batch, hidden_size)",
        )
        for k, part in enumerate(state)
    )


def check_usable(where: str, saved: "SavedForward") -> None:
    if saved.core is None or (saved.core != "empty" and saved.core.used):
        raise RuntimeError(
            f"{where}: saved was used by an earlier backward, which overwrites it; "
            "run rnn_forward(..., training=True) again."
        )
    if saved.core != "empty" and saved.core.stale:
        raise RuntimeError(
            f"{where}: the weights changed since the forward pass; run rnn_forward again."
        )


def output_gradient(where: str, saved: "SavedForward", dy: Any) -> FloatArray | None:
    """Return dy as a (T, B, H) view in step order."""
    if dy is None:
        return None
    weights, (steps, batch, _) = saved.weights, saved.shape
    if not saved.has_y:
        raise ValueError(
            f"{where}: dy is given, but the forward pass had return_sequences=False; "
            "expected dstate only."
        )
    dy = as_float_array(where, "dy", dy, weights.dtype)
    shape = (batch, steps) if saved.batch_first else (steps, batch)
    expected = (*shape, weights.hidden_size)
    if dy.shape != expected:
        raise ValueError(f"{where}: dy has shape {dy.shape}; expected {expected}, the shape of y.")
    return in_step_order(with_contiguous_rows(dy), saved.batch_first, saved.go_backwards)


def gradient_arrays(where: str, weights: CellWeights, out: CellWeights | None) -> CellWeights:
    """Return the CellWeights whose arrays take the gradients."""
    if out is None:
        empty = {name: np.empty_like(array) for name, array in weights.arrays().items()}
        return weights.like(empty)
    if not isinstance(out, CellWeights):
        raise TypeError(f"{where}: out is {type(out).__name__}; expected a CellWeights.")
    have = weights.arrays()
    for name, array in out.arrays().items():
        if name not in have or have[name].shape != array.shape or array.dtype != weights.dtype:
            raise ValueError(
                f"{where}: out.{name} has shape {array.shape} and dtype {array.dtype}; "
                f"expected those of the weights."
            )
        if not array.flags.writeable:
            raise ValueError(f"{where}: out.{name} is read-only; make out with CellWeights.view.")
    _require_apart(where, weights, out)
    return out


def _require_apart(where: str, weights: CellWeights, out: CellWeights) -> None:
    """Raise if arrays of `out` overlap each other or the weights: one would destroy the other."""
    known = _apart.get(out)
    if known is not None and known() is weights:
        return
    mine = out.arrays()
    pairs = [(f"out.{a}", mine[a], f"out.{b}", mine[b]) for a, b in combinations(mine, 2)]
    pairs += [
        (f"out.{a}", array, f"weights.{b}", other)
        for (a, array), (b, other) in product(mine.items(), weights.arrays().items())
    ]
    for name, array, other_name, other in pairs:
        if np.may_share_memory(array, other):  # exact, since all are contiguous
            raise ValueError(
                f"{where}: {name} shares memory with {other_name}; expected arrays of its own "
                "(np.zeros_like)."
            )
    _apart[out] = ref(weights)
