"""What callbacks that watch one number share: which way is better, and by how much."""

import warnings

from tidegate.layers import checks
from tidegate.training.callbacks.base import Callback, Logs


class MonitorCallback(Callback):
    """Base of callbacks that watch `monitor`, a key of the logs.

    Parameters
    ----------
    monitor : str
        Such as "loss", "val_loss" or the name of a metric.
    mode : {"auto", "min", "max"}
        Which way is better; "auto" asks the metric.
    min_delta : float
        Smaller changes are no improvement.
    """

    def __init__(self, monitor: str, mode: str, min_delta: float) -> None:
        where = type(self).__name__
        self.monitor = monitor
        self.mode = checks.choice(where, "mode", mode, ("auto", "min", "max"))
        self.min_delta = abs(checks.number(where, "min_delta", min_delta))
        self.best: float | None = None

    def is_improvement(self, current: float, reference: float | None) -> bool:
        """Whether `current` beats the reference by more than min_delta; anything beats None."""
        if reference is None:
            return True
        if self._more_is_better():
            return current - self.min_delta > reference
        return current + self.min_delta < reference

    def _more_is_better(self) -> bool:
        if self.mode != "auto":
            return self.mode == "max"
        name = self.monitor.removeprefix("val_")
        if name == "loss":
            return False
        for metric in self.model.metrics:
            if metric.name == name:
                return metric.direction == "max"
        known = ["loss", *(metric.name for metric in self.model.metrics)]
        raise ValueError(
            f"{type(self).__name__}: monitor is {self.monitor!r}, of which more may be better or "
            f'worse; expected one of {", ".join(known)} (or set mode="min" or mode="max").'
        )

    def watched(self, logs: Logs | None) -> float | None:
        """Return the number that is watched; warn where the logs do not have it."""
        logs = logs or {}
        if self.monitor not in logs:
            warnings.warn(
                f"{type(self).__name__}: monitor is {self.monitor!r}, which the logs do not have; "
                f"they have {', '.join(logs)}. Nothing is done.",
                stacklevel=2,
            )
        return logs.get(self.monitor)
