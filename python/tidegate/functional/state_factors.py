"""Factors on the state at every step: arguments of the doors ending in scale, keep or decay."""

from typing import Any, NamedTuple

import numpy as np

from tidegate._arrays import FloatArray, as_float_array, as_real
from tidegate.functional.arguments import as_lengths, as_mask
from tidegate.weights import CellWeights


class StateFactors(NamedTuple):
    """As the core takes them: broadcast to every step, in the layout of y."""

    scale: FloatArray | None = None  # (1 or G, T, B, P)
    product_only: bool = False
    keep: FloatArray | None = None  # (T, B, P)


NO_FACTORS = StateFactors()


def state_factors(
    where: str,
    weights: CellWeights,
    x: FloatArray,
    batch_first: Any,
    state_scale: Any,
    recurrent_scale: Any,
    state_keep: Any,
    lengths: Any = None,
    mask: Any = None,
) -> StateFactors:
    """Check what a door was given; x tells T and B, lengths or mask which steps are read."""
    if x.ndim != 3:
        return NO_FACTORS  # the core refuses it
    if state_scale is not None and recurrent_scale is not None:
        raise ValueError(
            f"{where}: state_scale and recurrent_scale are given; expected one of them (both scale "
            "what R multiplies: give their product, to whichever meaning you need)."
        )
    rows = x.shape[:2]  # time first or batch first, as y
    batch = rows[0] if batch_first else rows[1]
    sizes = (batch, weights.output_size)
    full = (*rows, weights.output_size)
    scale = keep = None
    if state_scale is not None:
        array = _array(where, "state_scale", state_scale, weights, {sizes, full})
        scale = _at_every_step(array, batch_first, full)[None]
    if recurrent_scale is not None:
        gates = (len(weights.weight_hh) // weights.hidden_size, *sizes)
        array = _array(where, "recurrent_scale", recurrent_scale, weights, {sizes, gates})
        array = array[None] if array.ndim == 2 else array
        array = array[:, :, None] if batch_first else array[:, None]
        scale = np.broadcast_to(array, (len(array), *full))
    if state_keep is not None:
        if isinstance(state_keep, bool | np.bool_):
            raise TypeError(
                f"{where}: state_keep is {state_keep}; expected a number in 0..1, or an array."
            )
        if isinstance(state_keep, int | float | np.integer | np.floating):
            state_keep = np.full(sizes, as_real(state_keep), weights.dtype)
        array = _array(where, "state_keep", state_keep, weights, {sizes, full})
        keep = _at_every_step(array, batch_first, full)
        if array.size and not (array.min() >= 0 and array.max() <= 1):
            _require_shares(where, keep, batch_first, lengths, mask)
    if 0 in full:
        return NO_FACTORS
    return StateFactors(scale, recurrent_scale is not None, keep)


def memory_factor(
    where: str, weights: CellWeights, x: FloatArray, memory_decay: Any
) -> FloatArray | None:
    """Check memory_decay, which belongs to weights with weight_cc; (T, B, 1) in the layout of x."""
    if weights.weight_cc is None:
        raise ValueError(
            f"{where}: memory_decay is given and the weights have no weight_cc; expected both "
            "(a T-LSTM) or neither."
        )
    if memory_decay is None:
        raise ValueError(
            f"{where}: memory_decay is None and the weights have weight_cc; expected a number for "
            "each step (tidegate.sequences.memory_decay makes them of time gaps; ones forget "
            "nothing)."
        )
    array = as_float_array(where, "memory_decay", memory_decay, weights.dtype)
    if x.ndim == 3 and array.shape != x.shape[:2]:
        raise ValueError(
            f"{where}: memory_decay has shape {array.shape}; expected {x.shape[:2]}, the first two "
            "axes of x."
        )
    return np.require(array, requirements=["C", "A"])[..., None]


def _require_shares(
    where: str, keep: FloatArray, batch_first: Any, lengths: Any, mask: Any
) -> None:
    """Raise unless keep is in 0..1 at the valid steps; the others are not read."""
    steps = None if mask is None else as_mask(where, mask)
    if steps is None and lengths is not None:
        steps = np.arange(keep.shape[1 if batch_first else 0])
        steps = steps < as_lengths(where, lengths)[..., None]
    if steps is not None:
        if not batch_first:
            steps = steps.T
        if steps.shape != keep.shape[:2]:
            return  # the core refuses it
        keep = keep[steps]
    if keep.size and not (keep.min() >= 0 and keep.max() <= 1):
        raise ValueError(
            f"{where}: state_keep has values in {keep.min():g}..{keep.max():g}; expected "
            "shares of h_prev in 0..1."
        )


def _array(
    where: str, name: str, value: Any, weights: CellWeights, shapes: set[tuple[int, ...]]
) -> FloatArray:
    array = as_float_array(where, name, value, weights.dtype)
    if array.shape not in shapes:
        expected = " or ".join(str(shape) for shape in sorted(shapes, key=len))
        size = "hidden_size" if weights.weight_hr is None else "output_size"
        raise ValueError(
            f"{where}: {name} has shape {array.shape}; expected {expected}, (batch, {size}) "
            f"{'for each gate' if name == 'recurrent_scale' else 'or the shape of y'}."
        )
    return np.require(array, requirements=["C", "A"])


def _at_every_step(array: FloatArray, batch_first: Any, full: tuple[int, ...]) -> FloatArray:
    """Return a view of shape `full` whose step stride is 0 if the array has no time axis."""
    if array.ndim == 2:
        array = array[:, None] if batch_first else array[None]
    return np.broadcast_to(array, full)
