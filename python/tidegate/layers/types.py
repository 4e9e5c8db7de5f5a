"""The types that every layer speaks of."""

from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]
Dtype: TypeAlias = np.dtype[Any]
Shape: TypeAlias = tuple[int | None, ...]  # without the batch; None where any size is right
Config: TypeAlias = dict[str, Any]  # what a constructor takes, in words that JSON knows


class Draw(Protocol):
    """The first values of one parameter, drawn from a generator of random numbers."""

    def __call__(self, rng: np.random.Generator) -> Array:
        """Return an array of the parameter's shape."""
        ...
