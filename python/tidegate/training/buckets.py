"""Batches of samples of similar length, cut to the longest: less padding is carried along.

The order of an epoch is drawn as always. Then each stretch of POOL batches is sorted by length, and
the batches, not the samples in them, are shuffled. So who is in a batch with whom still changes
from epoch to epoch, and all of it follows from the seed and the number of the epoch.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from tidegate.layers.types import Array
from tidegate.training import data
from tidegate.training.carrying import is_stateful
from tidegate.training.data import Samples
from tidegate.training.steps import MIXED, NO_STEPS, OTHER, REVERSED, step_order

if TYPE_CHECKING:
    from tidegate.training.trainer import Trainer

# More batches sort out more padding and mix less: 16 leave about 1/16 of the spread of lengths.
POOL = 16


def known_mask(model: "Trainer", where: str, samples: Samples) -> Array:
    """Return the mask of the inputs; raise if nothing says which steps count."""
    if is_stateful(model):
        raise ValueError(
            f"{where}: bucket_by_length=True and a layer is stateful, whose rows go on from batch "
            "to batch; expected bucket_by_length=False."
        )
    if model.input_count > 1:
        raise ValueError(
            f"{where}: bucket_by_length=True and the model has {model.input_count} inputs; "
            "expected a model with one."
        )
    mask = samples.mask
    readers = [call.layer for call in model.calls() if 0 in call.sources]
    if len(readers) == 1 and readers[0].makes_mask:
        mask = readers[0].output_mask(samples.x, mask)
    if not isinstance(mask, np.ndarray):
        raise ValueError(
            f"{where}: bucket_by_length=True and no lengths are known; expected lengths=, mask=, "
            "a list of sequences as x, or Masking or Embedding(mask_zero=True) as first layer."
        )
    if (found := step_order(model, samples.x)) in (MIXED, OTHER):
        what = {
            MIXED: "joins steps with steps in reversed order",
            OTHER: f"has {samples.y.shape[1]} steps in its output for {mask.shape[1]} of x",
        }
        raise ValueError(
            f"{where}: bucket_by_length=True and the model {what[found]}; expected steps that can "
            "be cut off alike in x and y."
        )
    return mask


def spans(mask: Array) -> tuple[Array, Array]:
    """Return for each sequence its first valid step and the one after its last; 0, 0 if none."""
    steps, some = mask.shape[1], mask.any(axis=1)
    first = np.where(some, mask.argmax(axis=1), 0)
    return first, np.where(some, steps - mask[:, ::-1].argmax(axis=1), 0)


def order(mask: Array, size: int, drawn: Array | None, rng: np.random.Generator | None) -> Array:
    """Return the order of the samples for batches of `size`.

    Parameters
    ----------
    mask : (N, T) bool
    size : int
    drawn : (N,) order of the epoch; None for that of the samples, then nothing is shuffled
    rng : Generator, where an order was drawn
    """
    count = len(mask)
    given = np.arange(count) if drawn is None else drawn
    first, stop = spans(mask)
    lengths = (stop - first)[given]
    whole = count - count % size  # the smaller last batch takes what comes last, of any length
    for start in range(0, whole, POOL * size):
        pool = slice(start, min(start + POOL * size, whole))
        given[pool] = given[pool][np.argsort(lengths[pool], kind="stable")]
    if drawn is not None:
        assert rng is not None
        batches = given[:whole].reshape(-1, size)
        given[:whole] = batches[rng.permutation(len(batches))].ravel()
    return given


def batches(
    samples: Samples, size: int, order: Array | None = None, *, target_steps: str
) -> Iterator[Samples]:
    """Yield batches, each without the steps at which none of its samples is valid.

    `target_steps` is the order of steps in the targets; see `step_order`.
    """
    steps = samples.mask.shape[1]
    for batch in data.batches(samples, size, order):
        valid = np.flatnonzero(batch.mask.any(axis=0))
        if not valid.size:
            yield batch
            continue
        part = slice(int(valid[0]), int(valid[-1]) + 1)
        x, y, weight, mask = batch
        if target_steps != NO_STEPS:
            there = part
            if target_steps == REVERSED:
                there = slice(steps - part.stop, steps - part.start)
            y = y[:, there]
            if weight is not None and weight.shape[1] == steps:  # not (N, 1)
                weight = weight[:, there]
        yield Samples(x[:, part], y, weight, mask[:, part])
