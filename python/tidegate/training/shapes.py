"""How targets and weights meet outputs: Keras's rule, without its silent broadcasting.

The rank of y may differ from the output's by a last axis of size 1, nothing else: (N,) meets (N, 1)
and (N, T) meets (N, T, 1).
"""

from typing import Any

import numpy as np

from tidegate.layers import checks
from tidegate.layers.types import Array, Dtype, Shape


def match_targets(where: str, y: Array, samples: int, output_shape: Shape) -> Array:
    """Return y in the shape of the outputs, (samples, *output_shape)."""
    require_samples(where, "y", y, samples)
    sample = y.shape[1:]
    rank = len(output_shape)
    if len(sample) == rank - 1 and output_shape[-1] == 1:
        sample = (*sample, 1)
    elif len(sample) == rank + 1 and sample[-1] == 1:
        sample = sample[:-1]
    if not _fits(sample, output_shape):
        raise ValueError(
            f"{where}: y has shape {y.shape}; expected {checks.shape_text(output_shape)}, "
            "the shape of the model's output."
        )
    return y.reshape(samples, *sample)


def match_labels(where: str, y: Array, samples: int, output_shape: Shape) -> Array:
    """Return class numbers in the shape of the outputs without their last axis."""
    require_samples(where, "y", y, samples)
    if not output_shape:
        raise ValueError(
            f"{where}: the model's output has shape (N,), without an axis of classes; expected a "
            'last layer such as Dense(classes, "softmax").'
        )
    sample = y.shape[1:]
    if len(sample) == len(output_shape) and sample[-1] == 1:
        sample = sample[:-1]
    if not _fits(sample, output_shape[:-1]):
        raise ValueError(
            f"{where}: y has shape {y.shape}; expected {checks.shape_text(output_shape[:-1])}, "
            "one class number for each row of the model's output "
            f"{checks.shape_text(output_shape)} "
            '(for one-hot targets: loss="categorical_crossentropy").'
        )
    return y.reshape(samples, *sample)


def match_weights(
    where: str, weight: Any, samples: int, output_shape: Shape, dtype: Dtype
) -> Array:
    """Return sample weights in the shape of the outputs without their last axis.

    One weight for each sample, or for each of its rows: (N,), (N, 1) or (N, T).
    """
    array = checks.finite(where, "sample_weight", weight, dtype)
    require_samples(where, "sample_weight", array, samples)
    rows = output_shape[:-1]
    sample = array.shape[1:]
    if len(sample) == len(rows) + 1 and sample[-1] == 1:
        sample = sample[:-1]
    if len(sample) > len(rows) or not _fits(sample, rows[: len(sample)]):
        raise ValueError(
            f"{where}: sample_weight has shape {array.shape}; expected ({samples},), "
            f"or one weight for each row of the model's output {checks.shape_text(output_shape)}."
        )
    ones = (1,) * (len(rows) - len(sample))
    return array.reshape(samples, *sample, *ones)


def require_samples(where: str, name: str, array: Array, samples: int) -> None:
    """Raise unless the array has one entry per sample."""
    count = array.shape[0] if array.ndim else "no"
    if count != samples:
        raise ValueError(f"{where}: {name} has {count} samples; expected {samples}, as x has.")


def _fits(sample: tuple[int, ...], shape: Shape) -> bool:
    return len(sample) == len(shape) and all(
        b is None or a == b for a, b in zip(sample, shape, strict=True)
    )


def class_weights(
    where: str, y: Array, class_weight: Any, samples: int, output_shape: Shape
) -> Array:
    """Return one weight per sample from a table {class: weight}; other classes weigh 1."""
    if not isinstance(class_weight, dict):
        kind = type(class_weight).__name__
        raise TypeError(f"{where}: class_weight is a {kind}; expected {{class: weight}}.")
    one_per_class = y.ndim == 1 + len(output_shape) and y.shape[-1] > 1  # else class numbers
    labels = (y.argmax(axis=-1) if one_per_class else y).reshape(samples, -1)
    if labels.shape[1] != 1:
        raise ValueError(
            f"{where}: class_weight is given and y has shape {y.shape}; expected one class for "
            "each sample (use sample_weight for sequences)."
        )
    weights = np.ones(samples)
    for label, weight in class_weight.items():
        weights[labels[:, 0] == label] = checks.number(where, "a class_weight", weight, least=0)
    return weights
