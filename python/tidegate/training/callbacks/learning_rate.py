"""Callbacks that change the learning rate between epochs; as in Keras."""

import inspect
from collections.abc import Callable as Function

from tidegate.layers import checks
from tidegate.training.callbacks.base import Callback, Logs
from tidegate.training.callbacks.monitor import MonitorCallback


class LearningRateScheduler(Callback):
    """Set the learning rate of each epoch; the history gets "learning_rate".

    Parameters
    ----------
    schedule : function
        Called with the epoch, from 0, and the current rate (or the epoch alone); returns the rate.
    verbose : {0, 1}
    """

    def __init__(self, schedule: Function[..., float], verbose: int = 0) -> None:
        if not callable(schedule):
            raise TypeError(
                f"LearningRateScheduler: schedule is {schedule!r}; expected a function."
            )
        self.schedule = schedule
        self.verbose = verbose
        try:
            inspect.signature(schedule).bind(0, 0.0)
            self._takes_rate = True
        except TypeError:
            self._takes_rate = False

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Ask the schedule."""
        optimizer = self.model.optimizer
        arguments = (epoch, optimizer.learning_rate) if self._takes_rate else (epoch,)
        rate = self.schedule(*arguments)
        optimizer.learning_rate = checks.number(
            "LearningRateScheduler", "the rate that schedule returned", rate, least=0
        )
        if self.verbose:
            print(f"Epoch {epoch + 1}: learning rate {optimizer.learning_rate:g}")

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Log the rate."""
        if logs is not None:
            logs["learning_rate"] = self.model.optimizer.learning_rate


class ReduceLROnPlateau(MonitorCallback):
    """Lower the learning rate when a number stops improving; the history gets "learning_rate".

    Parameters
    ----------
    monitor : str
    factor : float
        The rate is multiplied by it; less than 1.
    patience : int
        Epochs without improvement before that.
    verbose : {0, 1}
    mode : {"auto", "min", "max"}
    min_delta : float
    cooldown : int
        Epochs after a change in which nothing is counted.
    min_lr : float
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
    ) -> None:
        super().__init__(monitor, mode, min_delta)
        where = "ReduceLROnPlateau"
        self.factor = checks.number(where, "factor", factor, least=0, below=1)
        self.patience = checks.integer(where, "patience", patience, least=0)
        self.verbose = verbose
        self.cooldown = checks.integer(where, "cooldown", cooldown, least=0)
        self.min_lr = checks.number(where, "min_lr", min_lr, least=0)
        self._start()

    def _start(self) -> None:
        self.best = None
        self.wait = 0
        self.cooldown_counter = 0

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Forget an earlier fit."""
        self._start()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Compare, log the rate, perhaps lower it."""
        if logs is not None:
            logs["learning_rate"] = self.model.optimizer.learning_rate
        current = self.watched(logs)
        if current is None:
            return
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.wait = 0
        if self.is_improvement(current, self.best):
            self.best = current
            self.wait = 0
        elif self.cooldown_counter == 0:
            self.wait += 1
            if self.wait >= self.patience:
                self._reduce(epoch)

    def _reduce(self, epoch: int) -> None:
        optimizer = self.model.optimizer
        old = optimizer.learning_rate
        if old <= self.min_lr:
            return
        optimizer.learning_rate = max(old * self.factor, self.min_lr)
        self.cooldown_counter = self.cooldown
        self.wait = 0
        if self.verbose:
            print(f"Epoch {epoch + 1}: learning rate lowered to {optimizer.learning_rate:g}")
