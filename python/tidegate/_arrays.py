"""Normalise what users pass as arrays: one place that accepts or refuses.

The core takes float32 or float64 arrays in any layout that NumPy can hold (Fortran order, negative
strides, unaligned, read-only), and copies only where the layout needs it; anything whose meaning
would be guessed is refused.
"""

import math
import numbers
import operator
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

FloatArray: TypeAlias = NDArray[Any]  # float32 or float64

FLOATS = (np.dtype(np.float32), np.dtype(np.float64))


def check_choice(where: str, name: str, value: object, known: tuple[str, ...]) -> str:
    """Return `value` if it is one of the known names."""
    if not isinstance(value, str) or value not in known:
        listed = ", ".join(f'"{k}"' for k in known)
        raise ValueError(f"{where}: {name} is {value!r}; expected one of {listed}.")
    return value


def as_real(value: Any) -> float:
    """Return a real number as a float, infinite where it is an int too large for one."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def check_limit(where: str, name: str, value: Any) -> float | None:
    """Return a positive number as a float, or None."""
    if value is None:
        return None
    real = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not real or not 0 < as_real(value) < math.inf:
        raise ValueError(f"{where}: {name} is {value!r}; expected a number > 0, or None.")
    return float(value)


def check_flag(where: str, name: str, value: Any) -> bool:
    """Return `value` if it is True or False; a string such as "no" would count as true."""
    if isinstance(value, bool | np.bool_):
        return bool(value)
    raise TypeError(f"{where}: {name} is {value!r}; expected True or False.")


def check_steps(where: str, name: str, value: Any) -> int | None:
    """Return a number of steps as an int, or None where there is none."""
    if value is None:
        return None
    why = "steps saved at a time; None saves all of them"
    try:
        steps = None if isinstance(value, bool | np.bool_) else operator.index(value)
    except TypeError:
        steps = None
    if steps is None:
        kind = type(value).__name__
        raise TypeError(
            f"{where}: {name} is {value!r}, a {kind}; expected an integer >= 1 ({why})."
        )
    if steps < 1:
        raise ValueError(f"{where}: {name} is {steps}; expected an integer >= 1 ({why}).")
    return steps


def is_masked(value: Any) -> bool:
    """Whether `value`, or an entry of a list, is a masked array: NumPy would drop the mask."""
    if isinstance(value, list | tuple):
        return any(isinstance(entry, np.ma.MaskedArray) for entry in value)
    return isinstance(value, np.ma.MaskedArray)


def new_array(make: Any, shape: tuple[int, ...], dtype: Any) -> FloatArray:
    """Return `make(shape, dtype)`, np.empty or np.zeros; MemoryError also for absurd sizes."""
    try:
        array: FloatArray = make(shape, dtype)
    except ValueError as error:  # more elements than an address can count
        raise MemoryError(f"an array of shape {shape} does not fit into memory") from error
    return array


def as_array(where: str, name: str, value: Any) -> Any:
    """Return what NumPy makes of `value`; raise if its rows differ in length."""
    try:
        return np.asarray(value)
    except ValueError as error:
        reason = str(error).rstrip(".")
        raise ValueError(f"{where}: {name} is not a rectangular array: {reason}.") from None


def as_float_array(
    where: str, name: str, value: Any, dtype: np.dtype[Any] | None = None
) -> FloatArray:
    """Return `value` as a float32 or float64 array, of exactly `dtype` when that is given."""
    if type(value) is np.ndarray and dtype is not None and value.dtype == dtype:
        return value
    if is_masked(value):
        raise TypeError(
            f"{where}: {name} is a masked array; expected a plain array "
            f"(fill the gaps first, for example {name}.filled(0))."
        )
    array: FloatArray = as_array(where, name, value)
    if array.dtype not in FLOATS:
        expected = f"{dtype}" if dtype is not None else "float32 or float64"
        raise TypeError(
            f"{where}: {name} has dtype {array.dtype}; expected {expected} "
            f"({name}.astype({(dtype or FLOATS[0]).name!r}) converts)."
        )
    if dtype is not None and array.dtype != dtype:
        raise TypeError(
            f"{where}: {name} has dtype {array.dtype}; expected {dtype}, the dtype of the weights "
            f"({name}.astype({dtype.name!r}) converts)."
        )
    return array


def with_shape(
    where: str, name: str, array: FloatArray, shape: tuple[int, ...], why: str
) -> FloatArray:
    """Return `array`, C-contiguous and aligned, if it has `shape`."""
    if array.shape != shape:
        raise ValueError(f"{where}: {name} has shape {array.shape}; expected {shape} = {why}.")
    return np.require(array, requirements=["C", "A"])
