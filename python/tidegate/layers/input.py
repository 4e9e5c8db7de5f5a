"""Input: the shape of a sample, as the first entry of a Sequential."""

from typing import Any

from tidegate.layers import checks


class Input:
    """Declare the input of a model, so that it is built before it sees data.

    Parameters
    ----------
    shape : tuple of int or None
        Shape of one sample, without the batch; None where any size is right.

    Examples
    --------
    >>> Input((10, 1)).shape
    (10, 1)
    """

    def __init__(self, shape: Any) -> None:
        self.shape = checks.input_shape("Input", shape)
