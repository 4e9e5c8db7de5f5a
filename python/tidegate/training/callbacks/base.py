"""Callback: what a program can do between the steps of `fit`."""

from collections.abc import Callable as Function
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tidegate.models.base import BaseModel

Logs = dict[str, float]


class Callback:
    """Base of all callbacks: override what you need, leave the rest.

    Attributes
    ----------
    model : Sequential or Model
        Set before training starts. `model.stop_training = True` ends `fit` after this batch.
    params : dict
        "epochs" and "steps", the batches of an epoch.

    Notes
    -----
    `logs` holds the loss and the metrics so far; what `on_epoch_end` adds to it enters the history.
    A hook that is not overridden costs nothing.
    """

    model: "BaseModel"
    params: dict[str, int]

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Before the first epoch."""

    def on_train_end(self, logs: Logs | None = None) -> None:
        """After the last epoch, also when it was interrupted by Ctrl-C."""

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Before an epoch; the first is 0."""

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """After an epoch and its validation."""

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Before a batch; the first of an epoch is 0."""

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """After a batch."""


def hooks(callbacks: Iterable[Callback], name: str) -> list[Function[..., Any]]:
    """Return the methods of that name which do something."""
    return [
        getattr(callback, name)
        for callback in callbacks
        if getattr(type(callback), name) is not getattr(Callback, name) or name in vars(callback)
    ]


def checked(where: str, callbacks: Any) -> list[Callback]:
    """Return the callbacks as a list; a single one is fine too."""
    given = [] if callbacks is None else callbacks
    given = list(given) if isinstance(given, list | tuple) else [given]
    for callback in given:
        if not isinstance(callback, Callback):
            raise TypeError(
                f"{where}: callbacks has {callback!r}; expected objects of Callback "
                "(a class needs parentheses)."
            )
    return given
