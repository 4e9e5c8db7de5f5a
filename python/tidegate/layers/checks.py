"""Checks of arguments. Every message says who was called, what came in and what was expected."""

import contextlib
import operator
import re
from collections.abc import Iterable
from typing import Any

import numpy as np

from tidegate._arrays import as_real, check_choice, is_masked
from tidegate.layers.types import Array, Dtype, Shape

FLOATS = ("float32", "float64")


def integer(where: str, name: str, value: Any, *, least: int = 1) -> int:
    """Return `value` as an int that is at least `least`."""
    if not isinstance(value, bool | np.bool_):
        try:
            number = operator.index(value)
        except TypeError:
            pass
        else:
            if number >= least:
                return number
            raise ValueError(f"{where}: {name} is {number}; expected an integer >= {least}.")
    raise TypeError(
        f"{where}: {name} is {value!r} of type {type(value).__name__}; "
        f"expected an integer >= {least}."
    )


def number(
    where: str,
    name: str,
    value: Any,
    *,
    least: float = -np.inf,
    below: float = np.inf,
    most: float = np.inf,
) -> float:
    """Return `value` as a finite float with least <= value <= most and value < below."""
    is_number = isinstance(value, int | float | np.integer | np.floating)
    if isinstance(value, bool) or not is_number:
        kind = type(value).__name__
        raise TypeError(f"{where}: {name} is {value!r} of type {kind}; expected a number.")
    result = as_real(value)
    if np.isfinite(result) and least <= result < below and result <= most:
        return result
    low = f" >= {least:g}" if least > -np.inf else ""
    high = f" < {below:g}" if below < np.inf else f" <= {most:g}" if most < np.inf else ""
    both = " and" if low and high else ""
    raise ValueError(f"{where}: {name} is {result:g}; expected a finite number{low}{both}{high}.")


def boolean(where: str, name: str, value: Any) -> bool:
    """Return `value`, which must be True or False."""
    if isinstance(value, bool | np.bool_):
        return bool(value)
    kind = type(value).__name__
    raise TypeError(f"{where}: {name} is {value!r} of type {kind}; expected True or False.")


def choice(where: str, name: str, value: Any, known: Iterable[str]) -> str:
    """Return `value`, which must be one of the known words."""
    return check_choice(where, name, value, tuple(known))


def name(where: str, value: Any) -> str:
    """Return a name of a layer or an input."""
    if isinstance(value, str) and re.fullmatch(r"[\w.-]+", value):
        return value
    raise ValueError(
        f"{where}: name is {value!r}; expected letters, digits, underscores, dots or dashes."
    )


def float_dtype(where: str, dtype: Any) -> Dtype:
    """Return float32 or float64 as a dtype."""
    if dtype is not None:
        with contextlib.suppress(TypeError):
            result: Dtype = np.dtype(dtype)
            if result.name in FLOATS:
                return result
    raise TypeError(f'{where}: dtype is {dtype!r}; expected "float32" or "float64".')


def numeric(where: str, name: str, value: Any) -> Array:
    """Return `value` as an array of booleans, integers or floats, uncopied where possible."""
    if is_masked(value):
        raise TypeError(
            f"{where}: {name} is a masked array, whose mask would be lost; "
            f"expected a plain array (use {name}.filled(...), or drop the masked samples)."
        )
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ValueError(
            f"{where}: {name} cannot be made an array ({error}); "
            "expected samples that all have one shape."
        ) from None
    if array.dtype.kind not in "biuf":
        what = f"has dtype {array.dtype}"
        if array.ndim == 0 and array.dtype.kind == "O":  # NumPy could only wrap it
            what = f"is of type {type(value).__name__}"
        raise TypeError(
            f"{where}: {name} {what}; expected floats or integers "
            f'(convert it, for example {name}.astype("float32")).'
        )
    return array


def finite(where: str, name: str, value: Any, dtype: Dtype, remedy: str = "") -> Array:
    """Return `value` as a C-contiguous array of `dtype` without NaN or inf; `remedy` for a NaN."""
    array = numeric(where, name, value)
    with np.errstate(over="ignore", invalid="ignore"):
        cast = np.require(array, dtype, ["C", "A"])
        # The sum of finite values may overflow, so it can only acquit.
        if np.isfinite(np.add.reduce(cast, axis=None)):
            return cast
    good = np.isfinite(cast)
    if good.all():
        return cast
    first = tuple(int(i) for i in np.argwhere(~good)[0])
    found = array[first]
    if np.isfinite(found):
        raise ValueError(
            f"{where}: {name} has the value {found} at index {first}, which {dtype} cannot hold; "
            'expected smaller values (scale them, or use layers with dtype="float64").'
        )
    bad = good.size - np.count_nonzero(good)
    raise ValueError(
        f"{where}: {name} has the value {found} at index {first}, and {bad} of {good.size} values "
        f"are not finite; expected finite numbers{remedy}."
    )


def shape_text(shape: Shape) -> str:
    """Write a shape with the batch in front, such as (N, 10, 1)."""
    sizes = "".join(f", {'any' if size is None else size}" for size in shape)
    return f"(N{sizes})" if sizes else "(N,)"


def alike(shape: Shape, other: Shape) -> bool:
    """Whether two shapes of a sample can be one: None is any size."""
    return len(shape) == len(other) and all(
        a is None or b is None or a == b for a, b in zip(shape, other, strict=True)
    )


def known_sizes(shapes: Iterable[Shape]) -> Shape:
    """Return of each size of shapes that are alike what is known of it."""
    sizes = zip(*shapes, strict=True)
    return tuple(next((n for n in size if n is not None), None) for size in sizes)


def fits(where: str, shape: Shape, declared: Shape, kind: str) -> None:
    """Raise if samples of `shape` do not fit what a layer of a kind was declared for."""
    if not alike(shape, declared):
        raise ValueError(
            f"{where}: the input has shape {shape_text(shape)}; expected "
            f"{shape_text(declared)}, as {kind} was built for."
        )


def input_shape(where: str, value: Any) -> Shape:
    """Return a declared shape (without the batch) as a tuple of int or None."""
    if isinstance(value, list | tuple):
        return tuple(
            None if size is None else integer(where, "a size in input_shape", size)
            for size in value
        )
    raise TypeError(
        f"{where}: input_shape is {value!r}; expected a tuple without the batch, such as (10, 1)."
    )
