"""Metrics, with Keras's names and formulas. Every loss is a metric too, by its name."""

from collections.abc import Callable, Sequence
from typing import Any

from tidegate.layers.types import Config
from tidegate.training import lookup, losses
from tidegate.training.metrics.accuracy import (
    Accuracy,
    BinaryAccuracy,
    CategoricalAccuracy,
    SparseCategoricalAccuracy,
)
from tidegate.training.metrics.base import Metric
from tidegate.training.metrics.regression import LossMetric, RootMeanSquaredError

__all__ = [
    "Accuracy",
    "BinaryAccuracy",
    "CategoricalAccuracy",
    "Metric",
    "RootMeanSquaredError",
    "SparseCategoricalAccuracy",
]

CLASSES: dict[str, type[Metric]] = {
    kind.__name__: kind
    for kind in (
        Accuracy,
        BinaryAccuracy,
        CategoricalAccuracy,
        SparseCategoricalAccuracy,
        RootMeanSquaredError,
    )
}
NAMED: dict[str, Callable[[str], Metric]] = {
    "accuracy": lambda name: Accuracy(name=name),
    "acc": lambda name: Accuracy(name=name),
    "binary_accuracy": lambda name: BinaryAccuracy(name=name),
    "categorical_accuracy": lambda name: CategoricalAccuracy(name=name),
    "sparse_categorical_accuracy": lambda name: SparseCategoricalAccuracy(name=name),
    "root_mean_squared_error": lambda name: RootMeanSquaredError(name=name),
    **{key: lambda name: LossMetric(losses.NAMED[name](), name) for key in losses.NAMED},
}


def get(where: str, argument: str, identifiers: Any, taken: Sequence[str] = ()) -> list[Metric]:
    """Return the metrics that names or objects stand for, with names that differ.

    Parameters
    ----------
    identifiers : list of str or Metric, or None
    taken : names in use, such as "loss"

    Raises
    ------
    ValueError
        A name is unknown or used twice.
    TypeError
        `identifiers` is no list, or holds something else.
    """
    if identifiers is None:
        return []
    if not isinstance(identifiers, list | tuple):
        raise TypeError(
            f"{where}: {argument} is {identifiers!r}; expected a list of names or Metric objects."
        )
    metrics: list[Metric] = []
    for identifier in identifiers:
        metric = _one(where, argument, identifier)
        if metric.name in taken and argument == "weighted_metrics":
            metric.name = f"weighted_{metric.name}"
        if metric.name in (*taken, *(other.name for other in metrics)):
            raise ValueError(
                f"{where}: {argument} has the name {metric.name!r} twice; expected names that "
                "differ (pass an object with a name of its own)."
            )
        metrics.append(metric)
    return metrics


def _one(where: str, argument: str, identifier: Any) -> Metric:
    if isinstance(identifier, str) and identifier in NAMED:
        return NAMED[identifier](identifier)
    if isinstance(identifier, Metric):
        return identifier
    if isinstance(identifier, type) and issubclass(identifier, Metric):
        return identifier()
    listed = ", ".join(f'"{name}"' for name in NAMED)
    kind = ValueError if isinstance(identifier, str) else TypeError
    raise kind(
        f"{where}: {argument} has {identifier!r}; expected one of {listed}, or a Metric object."
    )


def make_all(where: str, descriptions: Any) -> list[Any]:
    """Return metrics from a list of what `describe` returned."""
    if not isinstance(descriptions, list):
        raise ValueError(f"{where}: the metrics are no list.")
    return [
        entry if isinstance(entry, str) else lookup.make(where, "metric", entry, CLASSES)
        for entry in descriptions
    ]


def describe(metric: Metric) -> str | Config | None:
    """Return a name, or class and configuration, or None for a class of the user's."""
    if isinstance(metric, LossMetric):
        return metric.name if metric.name in losses.NAMED else None
    kind = type(metric)
    if CLASSES.get(kind.__name__) is not kind:
        return None
    return {"class": kind.__name__, "config": metric.get_config()}
