"""Where the steps of the inputs are in the output of a model, found without running it."""

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from tidegate.layers.base import Layer
from tidegate.layers.several import Several
from tidegate.layers.types import Array, Shape

if TYPE_CHECKING:
    from tidegate.training.trainer import Trainer

# Orders of steps. MIXED: some layer joins steps in one order with steps in the other.
SAME, REVERSED, MIXED, OTHER, NO_STEPS = "same", "reversed", "mixed", "other", "none"


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


def output_mask(model: "Trainer", x: Array | Several, mask: Any) -> Array | None:
    """Return which steps of the output may count, for the masks of prepared inputs.

    Layers that make masks are not asked: they know only while they run, and exclude more.
    """
    masks = _place_masks(model, place_shapes(model, x), mask)
    steps: Array | None = masks[model.output_place]
    return steps


def step_order(model: "Trainer", x: Array) -> str:
    """Return in which order the steps of the input come out: a constant of this module.

    What the layers do to masks tells: they get the binary digits of each step's number.
    """
    steps = x.shape[1]
    digits = np.arange(steps) >> np.arange(max(1, steps.bit_length()))[:, None] & 1 == 1
    shapes = place_shapes(model, x)
    masks = _place_masks(model, shapes, digits)
    orders = [None if mask is None else _order(mask, digits) for mask in masks]
    if MIXED in orders:
        return MIXED
    order = orders[model.output_place]
    if order is None:
        shape = shapes[model.output_place]
        order = SAME if len(shape) > 1 and shape[0] == steps else NO_STEPS
    return order


def _order(mask: Array, digits: Array) -> str:
    if mask.shape != digits.shape:
        return OTHER
    if np.array_equal(mask, digits):
        return SAME
    return REVERSED if np.array_equal(mask, digits[:, ::-1]) else MIXED


def _place_masks(model: "Trainer", shapes: list[Shape], mask: Any) -> list[Any]:
    """Return the mask at each place; None where every step counts, or there are no steps."""
    given = mask.arrays if isinstance(mask, Several) else (mask,)
    count = next(len(part) for part in given if part is not None)
    masks: list[Any] = [*given, *[None] * (len(shapes) - len(given))]
    # Only layers that make masks look at values; the others may ask for shapes.
    values: list[Any] = [
        np.broadcast_to(np.float32(0), (count, *(size or 0 for size in shape))) for shape in shapes
    ]
    for layer, sources, targets in model.calls():
        known = [masks[place] for place in sources]
        if all(part is None for part in known):
            continue
        single = len(sources) == 1
        rule = partial(Layer.output_mask, layer) if layer.makes_mask else layer.output_mask
        masks[targets[0]] = rule(
            values[sources[0]] if single else [values[place] for place in sources],
            known[0] if single else known,
        )
    return masks
