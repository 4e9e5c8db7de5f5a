"""SeveralInputs: what layers have in common that take a list of arrays."""

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from tidegate.layers import checks
from tidegate.layers.base import Layer
from tidegate.layers.building import building
from tidegate.layers.masked_input import without_hidden
from tidegate.layers.types import Array


class SeveralInputs(Layer):
    """Base of layers with several inputs; `forward` takes a list, `backward` returns one.

    Notes
    -----
    `input_shape` is a tuple with the shape of each. `layer(x, mask=...)` takes a list of arrays, or
    of tensors, and a list of masks (B, T), None where there is none; what stands at steps that one
    excludes need not be finite. lengths are not for several inputs.
    """

    takes_list = True
    counts: ClassVar[tuple[int, int | None]] = (2, None)  # least and most inputs

    def __init__(self, *, name: str | None = None, dtype: Any = "float32") -> None:
        super().__init__(name=name, dtype=dtype)

    def checked_shape(self, where: str, shape: Any) -> Any:
        """See Layer."""
        return tuple(checks.input_shape(where, part) for part in shape)

    def general_shape(self, sample: Any) -> Any:
        """See Layer; sample has one shape for each input."""
        general = super().general_shape
        return tuple(general(part) for part in sample)

    def declare(self, input_shape: Any) -> Any:
        """See Layer; input_shape has one shape for each input."""
        least, most = self.counts
        if len(input_shape) < least or (most is not None and len(input_shape) > most):
            upto = " or more" if most is None else "" if most == least else f" to {most}"
            raise ValueError(
                f"{self.name}: x has {len(input_shape)} inputs; expected {least}{upto}."
            )
        return super().declare(input_shape)

    def require_sample_shape(self, where: str, shape: Any) -> None:
        """See Layer."""
        declared: Any = self.input_shape
        if len(shape) != len(declared):
            raise ValueError(
                f"{where}: x has {len(shape)} inputs; expected {len(declared)}, as "
                f"{type(self).__name__} was built for."
            )
        for part, known in zip(shape, declared, strict=True):
            checks.fits(where, part, known, type(self).__name__)

    def misfit(self, shapes: Any, expected: str) -> ValueError:
        """Return the error about inputs of these shapes."""
        listed = ", ".join(checks.shape_text(shape) for shape in shapes)
        return ValueError(f"{self.name}: the inputs have the shapes {listed}; expected {expected}.")

    def _prepare_call(
        self, x: Any, lengths: Any = None, mask: Any = None
    ) -> tuple[Any, list[Any] | None]:
        """See Layer; returns a list of arrays and one of masks."""
        kind = type(self).__name__
        if lengths is not None:
            raise ValueError(f"{kind}: lengths is given; expected mask=[...], one for each input.")
        if not isinstance(x, list | tuple):
            raise TypeError(f"{kind}: x is a {type(x).__name__}; expected a list of arrays.")
        arrays = [checks.numeric(kind, f"x[{k}]", part) for k, part in enumerate(x)]
        masks = self._masks(mask, arrays)
        if masks is not None:
            arrays = [
                part
                if steps is None or steps.shape != part.shape[:2]
                else without_hidden(part, steps)
                for part, steps in zip(arrays, self.hidden_by(masks), strict=True)
            ]
        arrays = [self.prepare(kind, part, f"x[{k}]") for k, part in enumerate(arrays)]
        samples = {len(array) if array.ndim else None for array in arrays}
        if len(samples) > 1 or None in samples:
            shapes = ", ".join(str(array.shape) for array in arrays)
            raise ValueError(f"{kind}: x has the shapes {shapes}; expected batches of one size.")
        shape: Any = tuple(array.shape[1:] for array in arrays)
        with building():
            if not self.built:
                self.build(self.general_shape(shape))
        self.require_sample_shape(kind, shape)
        return arrays, masks

    def hidden_by(self, masks: list[Any]) -> list[Any]:
        """Return for each input the mask whose excluded steps it may hold anything at."""
        return masks

    def _masks(self, mask: Any, arrays: Sequence[Array]) -> list[Any] | None:
        """Check masks."""
        if mask is None:
            return None
        kind = type(self).__name__
        if not isinstance(mask, list | tuple) or not 2 <= len(mask) <= len(arrays):
            raise TypeError(f"{kind}: mask is {mask!r}; expected a list with one for each input.")
        for part, array in zip(mask, arrays, strict=False):
            if part is not None and (
                np.shape(part) != array.shape[:2] or np.asarray(part).dtype != np.bool_
            ):
                raise ValueError(
                    f"{kind}: a mask has shape {np.shape(part)} and dtype "
                    f"{np.asarray(part).dtype}; expected {array.shape[:2]} of bool."
                )
        masks = [None if part is None else np.asarray(part) for part in mask]
        return masks + [None] * (len(arrays) - len(masks))
