"""Evaluation and prediction, batch by batch."""

from typing import TYPE_CHECKING, Any

import numpy as np

from tidegate.layers.types import Array
from tidegate.training import data
from tidegate.training.data import Samples
from tidegate.training.step import Step

if TYPE_CHECKING:
    from tidegate.training.trainer import Trainer


def evaluate(step: Step, samples: Samples, size: int) -> dict[str, float]:
    """Return the loss and the metrics of samples."""
    step.reset_metrics()
    total = 0.0
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        for batch in data.batches(samples, size):
            total += step.evaluate(*batch) * len(batch.x)
    return {"loss": total / len(samples.x), **step.results()}


def as_keras_returns(logs: dict[str, float], return_dict: bool) -> Any:
    """Return logs as a dict, a number, or a list."""
    if return_dict:
        return logs
    return logs["loss"] if len(logs) == 1 else list(logs.values())


def predict(model: "Trainer", x: Array, mask: Any, size: int) -> Array:
    """Return the outputs for a prepared input."""
    first = model.infer(x[:size], None if mask is None else mask[:size])
    if len(x) <= size:
        return np.array(first)
    outputs = np.empty((len(x), *first.shape[1:]), first.dtype)
    outputs[:size] = first
    for start in range(size, len(x), size):
        part = slice(start, start + size)
        outputs[part] = model.infer(x[part], None if mask is None else mask[part])
    return outputs
