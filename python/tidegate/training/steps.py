"""Where the steps of the inputs are in the output of a model, found without running it."""

from typing import TYPE_CHECKING, Any

from tidegate.layers.several import Several
from tidegate.layers.types import Array, Shape

if TYPE_CHECKING:
    from tidegate.training.trainer import Trainer


def output_shape(model: "Trainer", x: Array | Several) -> Shape:
    """Return the shape of one output for a prepared input, open sizes filled in."""
    if None not in model.output_shape:
        return model.output_shape
    return place_shapes(model, x)[model.output_place]


def place_shapes(model: "Trainer", x: Array | Several) -> list[Shape]:
    """Return the shape of a sample at each place of the calls of a built model."""
    arrays = x.arrays if isinstance(x, Several) else (x,)
    calls = model.calls()
    places = 1 + max(call.targets[-1] for call in calls)
    shapes: list[Any] = [array.shape[1:] for array in arrays] + [()] * (places - len(arrays))
    for layer, sources, targets in calls:
        given: Any = shapes[sources[0]]
        if layer.takes_list:
            given = tuple(shapes[place] for place in sources)
        shapes[targets[0]] = layer.output_shape_for(given)
        for place, size in zip(targets[1:], getattr(layer, "state_sizes", ()), strict=False):
            shapes[place] = (size,)
    return shapes
