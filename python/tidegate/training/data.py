"""Samples, checked once before training, and the batches of an epoch."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tidegate.layers import checks
from tidegate.layers.types import Array
from tidegate.training import shapes
from tidegate.training.masked_targets import masked_targets
from tidegate.training.steps import output_shape

if TYPE_CHECKING:
    from tidegate.training.trainer import Trainer

# Shuffled samples are gathered in stretches of about this size, which stay in cache until used.
GATHER_BYTES = 1 << 20


class Samples(NamedTuple):
    """Inputs (N, ...), targets (N, ...), the weights of output rows and the mask of the inputs."""

    x: Array
    y: Array
    weight: Array | None
    mask: Any = None  # (N, T) bool, or None where every step counts

    def part(self, start: int, stop: int) -> "Samples":
        """Return the samples start..stop-1, as views."""
        here = slice(start, stop)
        return Samples(
            self.x[here],
            self.y[here],
            None if self.weight is None else self.weight[here],
            None if self.mask is None else self.mask[here],
        )

    def take(self, order: Array) -> "Samples":
        """Return the samples of these numbers, copied."""
        weight = None if self.weight is None else self.weight.take(order, 0)
        mask = None if self.mask is None else self.mask.take(order, 0)
        return Samples(self.x.take(order, 0), self.y.take(order, 0), weight, mask)


def prepare(
    model: "Trainer",
    where: str,
    x: Any,
    y: Any,
    sample_weight: Any = None,
    class_weight: Any = None,
    lengths: Any = None,
    mask: Any = None,
) -> Samples:
    """Return checked samples for a compiled model, which is built for them if need be.

    Raises
    ------
    ValueError
        There is no sample, a shape does not fit, or a value is not finite.
    TypeError
        Something is not an array of numbers.
    """
    inputs, steps = model.prepare_input(where, x, lengths, mask)
    count = len(inputs)
    if count == 0:
        raise ValueError(f"{where}: x has no samples, shape {inputs.shape}; expected at least one.")
    if y is None:
        raise ValueError(f"{where}: y is missing; expected one target for each sample of x.")
    loss = model.require_compiled(where)
    if steps is not None:
        y, sample_weight = masked_targets(model, where, inputs, y, sample_weight, steps)
    shape = output_shape(model, inputs)
    targets = loss.prepare(where, y, count, shape, model.output_dtype)
    if class_weight is not None:
        if sample_weight is not None:
            raise ValueError(f"{where}: class_weight and sample_weight are given; expected one.")
        sample_weight = shapes.class_weights(where, targets, class_weight, count, shape)
    weight = None
    if sample_weight is not None:
        weight = shapes.match_weights(where, sample_weight, count, shape, model.output_dtype)
    return Samples(inputs, targets, weight, steps)


def prepare_validation(model: "Trainer", where: str, given: Any) -> Samples:
    """Return checked samples from (x, y), (x, y, sample_weight) or arguments of `evaluate`."""
    if isinstance(given, dict):
        known = ("x", "y", "sample_weight", "lengths", "mask")
        if unknown := sorted(set(given) - set(known)):
            raise ValueError(
                f"{where}: validation_data has the key {unknown[0]!r}; expected some of "
                f"{', '.join(known)}."
            )
        arguments = {"x": None, "y": None} | given
        return prepare(model, f"{where}: validation_data", **arguments)
    if not isinstance(given, list | tuple) or len(given) not in (2, 3):
        raise ValueError(
            f"{where}: validation_data is a {type(given).__name__}; "
            "expected (x, y), (x, y, sample_weight) or a dict of evaluate's arguments."
        )
    return prepare(model, f"{where}: validation_data", *given)


def split(where: str, samples: Samples, fraction: Any) -> tuple[Samples, Samples | None]:
    """Split off the last fraction of the samples, before they are shuffled."""
    share = checks.number(where, "validation_split", fraction, least=0, below=1)
    if share == 0:
        return samples, None
    count = len(samples.x)
    at = int(count * (1 - share))
    if at in (0, count):
        raise ValueError(
            f"{where}: validation_split is {share:g}, which leaves {at} of {count} samples for "
            f"training and {count - at} for validation; expected at least one each."
        )
    return samples.part(0, at), samples.part(at, count)


def batches(samples: Samples, size: int, order: Array | None = None) -> Iterator[Samples]:
    """Yield the samples in batches of `size`, the last one perhaps smaller."""
    count = len(samples.x)
    per_batch = size * (samples.x.nbytes + samples.y.nbytes) // count
    stretch = size * max(1, GATHER_BYTES // max(per_batch, 1))
    for start in range(0, count, stretch):
        stop = min(start + stretch, count)
        here = samples.part(start, stop) if order is None else samples.take(order[start:stop])
        x, y, weight, mask = here
        for first in range(0, stop - start, size):
            last = first + size
            yield Samples(
                x[first:last],
                y[first:last],
                None if weight is None else weight[first:last],
                None if mask is None else mask[first:last],
            )


def batch_size(where: str, size: Any, default: int) -> int:
    """Return a batch size."""
    return default if size is None else checks.integer(where, "batch_size", size)


def permutation(rng: np.random.Generator, count: int) -> Array:
    """Return 0..count-1 in random order."""
    return rng.permutation(count)
