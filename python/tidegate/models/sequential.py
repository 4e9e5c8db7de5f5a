"""Sequential: layers one after another, with Keras's interface."""

from collections.abc import Iterable
from typing import Any

from tidegate.layers import Input, checks
from tidegate.layers.base import Layer
from tidegate.layers.building import building
from tidegate.layers.masked_input import masked_input, require_steps
from tidegate.layers.types import Array
from tidegate.models.base import BaseModel, as_samples, decides_input


class Sequential(BaseModel):
    """A stack of layers.

    Parameters
    ----------
    layers : list of Layer, optional
        The first may be an Input.
    name : str
    seed : int, optional
        Of the first weights, the order of samples and dropout; drawn from the system if omitted.

    Attributes
    ----------
    layers : list of Layer
    input_shape, output_shape : tuple of int or None
        Of one sample, once the model is built.

    Notes
    -----
    The model is built when its first layer knows its `input_shape`, else on the first data. All
    parameters lie in one flat array per dtype, and all gradients in another.

    Examples
    --------
    >>> from tidegate.layers import LSTM, Dense
    >>> model = Sequential([LSTM(10, input_shape=(10, 1)), Dense(1)], seed=0)
    >>> model.predict(np.zeros((2, 10))).shape
    (2, 1)
    """

    def __init__(
        self,
        layers: Iterable[Layer | Input] | None = None,
        name: str = "sequential",
        *,
        seed: int | None = None,
    ) -> None:
        super().__init__(name, seed)
        for layer in [] if layers is None else layers:
            self.add(layer)

    # -- structure ---------------------------------------------------------------------------------

    def add(self, layer: Layer | Input) -> None:
        """Put a layer on top.

        Raises
        ------
        TypeError
            It is no layer.
        ValueError
            It does not fit; or it, or a layer inside, is in this model or another one already.
        """
        before = list(self.layers)
        self.append("Sequential.add", layer)
        try:
            self._structure_changed()
        except ValueError:
            self.layers = before
            self.built = bool(self.buffers)
            raise

    def pop(self) -> Layer:
        """Take the top layer off and return it."""
        if not self.layers:
            raise ValueError("Sequential.pop: the model has no layers.")
        layer = self.layers.pop()
        self._structure_changed()
        return layer

    def _structure_changed(self) -> None:
        self.built = False
        if self.layers:
            shape = self.input_shape or self.layers[0].declared_input_shape
            if shape is not None:
                self.build(shape)

    def build(self, input_shape: Any) -> None:
        """Give the parameters memory and first values, for samples of a shape without the batch.

        Layers that have values already keep them.
        """
        where = "Sequential.build"
        self.require_layers(where)
        shape = checks.input_shape(where, input_shape)
        self.declare(shape)
        self.initialise()

    # -- use ---------------------------------------------------------------------------------------

    def prepare_input(
        self, where: str, x: Any, lengths: Any = None, mask: Any = None
    ) -> tuple[Array, Array | None]:
        """Return x as the first layer takes it, and the mask; build the model on first data."""
        self.require_layers(where)
        x, steps = masked_input(where, x, lengths, mask)
        first = self.layers[0]
        with building():
            if not self.built:
                sample = checks.numeric(where, "x", x).shape[1:]
                self.build(self.input_shape or first.general_shape(sample))
        feature_axes = first.feature_axes
        first = next((layer for layer in self.layers if decides_input(layer)), first)
        array = first.prepare(where, x)
        shape = self.input_shape
        assert shape is not None
        array = as_samples(where, "x", array, shape)
        if steps is not None:
            require_steps(where, array, feature_axes)
        return array, steps
