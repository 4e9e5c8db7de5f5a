"""Arguments that the doors share: weights, states, arrays for gradients."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tidegate._arrays import FloatArray, as_array, as_float_array, check_steps, is_masked
from tidegate._loader import core
from tidegate.weights import CellWeights

State = tuple[FloatArray, ...]
# h and c as the core takes them: None where omitted; c is always None but for "lstm".
Pair = tuple[FloatArray | None, FloatArray | None]
INT64_MAX = np.iinfo(np.int64).max


def check_weights(where: str, name: str, weights: Any) -> None:
    """Raise unless `weights` is a CellWeights."""
    if not isinstance(weights, CellWeights):
        raise TypeError(f"{where}: {name} is {type(weights).__name__}; expected a CellWeights.")


def check_same_dtype(where: str, name: str, weights: CellWeights, first: CellWeights) -> None:
    """Raise unless the weights of two layers have one dtype."""
    if weights.dtype != first.dtype:
        raise TypeError(
            f"{where}: {name} has dtype {weights.dtype}; expected {first.dtype}, that of the "
            "other weights."
        )


def validity(where: str, lengths: Any, mask: Any, masked_output: Any) -> Any:
    """Return which steps are valid, as the core takes it: it checks shapes and values."""
    if not isinstance(masked_output, str):  # first: an array does not compare to one bool
        raise TypeError(f'{where}: masked_output is {masked_output!r}; expected "zero" or "hold".')
    if lengths is None and mask is None and masked_output == "zero":
        return ALL_VALID
    return core.Validity(
        None if lengths is None else as_lengths(where, lengths),
        None if mask is None else as_mask(where, mask),
        masked_output,
    )


ALL_VALID = core.Validity(None, None, "zero")


def steps_at_once(where: str, recompute_every: Any) -> int:
    """Return how many steps are saved at a time, as the core takes it: 0 for all of them."""
    if recompute_every is None:
        return 0
    return min(check_steps(where, "recompute_every", recompute_every) or 0, INT64_MAX)


def as_lengths(where: str, lengths: Any) -> Any:
    """Return lengths as int64; the core checks their shape and range."""
    array = _plain(where, "lengths", lengths)
    if array.size == 0:
        array = array.astype(np.int64)  # an empty list has no integers
    if array.dtype.kind not in "iu":
        raise TypeError(
            f"{where}: lengths has dtype {array.dtype}; expected integers, the valid steps of "
            "each sequence."
        )
    if array.dtype == np.uint64 and (array > INT64_MAX).any():
        raise ValueError(f"{where}: lengths has {array.max()}; expected 0 to T, the steps of x.")
    return array.astype(np.int64, copy=False)


def as_mask(where: str, mask: Any) -> Any:
    """Return a mask as bools; the core checks its shape."""
    array = _plain(where, "mask", mask)
    if array.dtype != np.bool_ and array.size > 0:
        raise TypeError(
            f"{where}: mask has dtype {array.dtype}; expected bool, True at valid steps "
            "(mask.astype(bool) converts)."
        )
    return array.astype(np.bool_, copy=False)


def _plain(where: str, name: str, value: Any) -> Any:
    if is_masked(value):
        raise TypeError(f"{where}: {name} is a masked array; expected a plain array.")
    return as_array(where, name, value)


def split_states(where: str, name: str, states: Any, layers: Sequence[CellWeights]) -> list[Pair]:
    """Return h and c of every layer from one state per layer, None where omitted."""
    if states is None:
        return [(None, None)] * len(layers)
    if not isinstance(states, tuple | list) or len(states) != len(layers):
        kind = type(states).__name__
        got = f"{kind} of {len(states)}" if hasattr(states, "__len__") else kind
        raise ValueError(
            f"{where}: {name} is a {got}; expected {len(layers)} states, one per layer "
            "(None is zeros)."
        )
    return [
        split_state(where, f"{name}[{k}]", state, weights)
        for k, (state, weights) in enumerate(zip(states, layers, strict=True))
    ]


def split_state(where: str, name: str, state: Any, weights: CellWeights, first: int = 0) -> Pair:
    """Return h and c; messages count entries of `name` from `first`."""
    if state is None:
        return None, None
    parts = ("h", "c") if weights.cell == "lstm" else ("h",)
    if not isinstance(state, tuple | list) or len(state) != len(parts):
        kind = type(state).__name__
        got = f"{kind} of {len(state)}" if hasattr(state, "__len__") else kind
        raise ValueError(
            f"{where}: {name} is a {got}; expected a tuple ({', '.join(parts)},) of (B, H) arrays "
            f'for cell "{weights.cell}".'
        )
    h, c = state if len(parts) == 2 else (state[0], None)
    dtype = weights.dtype
    return (
        None if h is None else as_float_array(where, f"{name}[{first}]", h, dtype),
        None if c is None else as_float_array(where, f"{name}[{first + 1}]", c, dtype),
    )


def as_gradients(where: str, name: str, out: Any, weights: CellWeights) -> CellWeights:
    """Return `out` if it can take gradients; the core checks its arrays."""
    if not isinstance(out, CellWeights):
        raise TypeError(f"{where}: {name} is {type(out).__name__}; expected a CellWeights.")
    if out.dtype != weights.dtype:
        raise ValueError(
            f"{where}: {name} has dtype {out.dtype}; expected {weights.dtype}, that of the weights."
        )
    return out


def gradients_for(where: str, out: Any, layers: Sequence[CellWeights]) -> tuple[CellWeights, ...]:
    """Return where the gradients of several layers go: new arrays, or those of `out`."""
    if out is None:
        return tuple(weights.empty_like() for weights in layers)
    if not isinstance(out, tuple | list) or len(out) != len(layers):
        kind = type(out).__name__
        got = f"{kind} of {len(out)}" if hasattr(out, "__len__") else kind
        raise ValueError(
            f"{where}: out is a {got}; expected {len(layers)} CellWeights, one per set of weights."
        )
    return tuple(
        as_gradients(where, f"out[{k}]", gradients, weights)
        for k, (gradients, weights) in enumerate(zip(out, layers, strict=True))
    )
