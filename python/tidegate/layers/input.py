"""Input: the shape of a sample; the first entry of a Sequential, or an input of a Model."""

from typing import Any

from tidegate.layers import checks
from tidegate.layers.tensor import Tensor


class Input(Tensor):
    """Declare an input of a model, so that it is built before it sees data.

    Parameters
    ----------
    shape : tuple of int or None
        Shape of one sample, without the batch; None where any size is right.
    name : str, optional
        Under which a Model takes it, where its inputs come as a dict; a Model makes the default
        unique.

    Examples
    --------
    >>> Input((10, 1)).shape
    (10, 1)
    """

    __slots__ = ("has_given_name", "name")

    def __init__(self, shape: Any, name: str | None = None) -> None:
        super().__init__(checks.input_shape("Input", shape), None)
        self.has_given_name = name is not None
        self.name = "input" if name is None else checks.name("Input", name)

    def __repr__(self) -> str:
        """Return the name and the shape."""
        return f"<Input {self.name!r} {checks.shape_text(self.shape)}>"
