"""ModelCheckpoint: save the model while it trains; a file is whole or not there."""

import os

from tidegate._files import refuse_foreign
from tidegate.layers import checks
from tidegate.training.callbacks.base import Logs
from tidegate.training.callbacks.monitor import MonitorCallback


class ModelCheckpoint(MonitorCallback):
    """Save the model after each epoch, or whenever it is the best so far.

    Parameters
    ----------
    filepath : str or path
        May hold `{epoch}` and keys of the logs, such as "m-{epoch:02d}-{val_loss:.3f}.safetensors".
        Missing folders are made. Refused, as by `save`, with the ending of another format.
    monitor : str
    verbose : {0, 1}
    save_best_only : bool
    mode : {"auto", "min", "max"}
    save_freq : "epoch" or int
        After each epoch, or after so many batches.
    initial_value_threshold : float, optional
        What the first save must beat.
    """

    def __init__(
        self,
        filepath: "str | os.PathLike[str]",
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        mode: str = "auto",
        save_freq: "str | int" = "epoch",
        initial_value_threshold: float | None = None,
    ) -> None:
        super().__init__(monitor, mode, 0)
        where = "ModelCheckpoint"
        if not isinstance(filepath, str | bytes | os.PathLike):
            raise TypeError(f"{where}: filepath is {filepath!r}; expected a string or path.")
        self.filepath = os.fsdecode(filepath)
        refuse_foreign(where, "filepath", self.filepath)
        self.verbose = verbose
        self.save_best_only = checks.boolean(where, "save_best_only", save_best_only)
        if save_freq != "epoch":
            save_freq = checks.integer(where, "save_freq", save_freq)
        self.save_freq = save_freq
        if initial_value_threshold is not None:
            self.best = checks.number(where, "initial_value_threshold", initial_value_threshold)
        self._epoch = 0
        self._batches = 0

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Remember the epoch for the names of files."""
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Save after every `save_freq` batches."""
        self._batches += 1
        if self.save_freq != "epoch" and self._batches >= int(self.save_freq):
            self._batches = 0
            self._save(self._epoch, logs or {}, batch=batch + 1)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Save after the epoch."""
        if self.save_freq == "epoch":
            self._save(epoch, logs or {})

    def _save(self, epoch: int, logs: Logs, **numbers: int) -> None:
        if self.save_best_only:
            current = self.watched(logs)
            if current is None or not self.is_improvement(current, self.best):
                return
            self.best = current
        names = logs | numbers
        try:
            path = self.filepath.format(epoch=epoch + 1, **names)
        except (KeyError, ValueError, IndexError, AttributeError, TypeError) as error:
            raise ValueError(
                f"ModelCheckpoint: filepath is {self.filepath!r}; expected a pattern of epoch, "
                f"{', '.join(names)} ({type(error).__name__}: {error})."
            ) from None
        if folder := os.path.dirname(path):
            os.makedirs(folder, exist_ok=True)
        self.model.save(path)
        if self.verbose:
            print(f"Epoch {epoch + 1}: saved the model to {path}")
