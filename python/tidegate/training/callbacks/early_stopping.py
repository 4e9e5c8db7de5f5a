"""EarlyStopping: end training when a number stops improving; as in Keras."""

from tidegate.layers import checks
from tidegate.layers.types import Array
from tidegate.training.callbacks.base import Logs
from tidegate.training.callbacks.monitor import MonitorCallback


class EarlyStopping(MonitorCallback):
    """Stop after `patience` epochs without improvement.

    Parameters
    ----------
    monitor : str
    min_delta : float
        Smaller changes are no improvement.
    patience : int
    verbose : {0, 1}
        1 prints why and when.
    mode : {"auto", "min", "max"}
    baseline : float, optional
        The number must beat this too.
    restore_best_weights : bool
        End with the weights of the best epoch.
    start_from_epoch : int
        Do not watch before.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ) -> None:
        super().__init__(monitor, mode, min_delta)
        where = "EarlyStopping"
        self.patience = checks.integer(where, "patience", patience, least=0)
        self.verbose = verbose
        self.baseline = None if baseline is None else checks.number(where, "baseline", baseline)
        self.restore_best_weights = checks.boolean(
            where, "restore_best_weights", restore_best_weights
        )
        self.start_from_epoch = checks.integer(where, "start_from_epoch", start_from_epoch, least=0)
        self._start()

    def _start(self) -> None:
        self.wait = 0
        self.stopped_epoch = 0
        self.best = None
        self.best_epoch = 0
        self.best_weights: list[Array] | None = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Forget an earlier fit."""
        self._start()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Compare, remember, perhaps stop."""
        current = self.watched(logs)
        if current is None or epoch < self.start_from_epoch:
            return
        if self.restore_best_weights and self.best_weights is None:
            self._remember(epoch)
        self.wait += 1
        if self.is_improvement(current, self.best):
            self.best = current
            self._remember(epoch)
            if self.baseline is None or self.is_improvement(current, self.baseline):
                self.wait = 0
        elif self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def _remember(self, epoch: int) -> None:
        self.best_epoch = epoch
        if self.restore_best_weights:
            self.best_weights = self.model.get_weights()

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Put the best weights back."""
        if self.stopped_epoch and self.verbose:
            print(f"Epoch {self.stopped_epoch + 1}: early stopping")
        if self.restore_best_weights and self.best_weights is not None:
            if self.verbose:
                print(f"Restoring the weights of the best epoch: {self.best_epoch + 1}.")
            self.model.set_weights(self.best_weights)
