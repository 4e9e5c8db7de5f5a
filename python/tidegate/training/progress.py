"""Progress of `fit`: a bar by tqdm, or one plain line per epoch, or nothing."""

import importlib.util
from typing import Any, Protocol

from tidegate._extras import require


class Progress(Protocol):
    """What `fit` tells about its progress."""

    def batch_done(self) -> None:
        """After each batch."""

    def epoch_done(self, epoch: int, logs: dict[str, float]) -> None:
        """After each epoch."""

    def close(self) -> None:
        """At the end, whatever happened."""


class Bar:
    """One bar over all batches of the fit."""

    def __init__(self, first_epoch: int, epochs: int, batches: int) -> None:
        tqdm = require("tqdm", extra="progress", purpose="fit with verbose=1").tqdm
        self._epochs = epochs
        self._bar: Any = tqdm(total=max(epochs - first_epoch, 0) * batches, unit="batch")
        self._bar.set_description(f"epoch {first_epoch + 1}/{epochs}", refresh=False)

    def batch_done(self) -> None:
        """See Progress."""
        self._bar.update()

    def epoch_done(self, epoch: int, logs: dict[str, float]) -> None:
        """See Progress."""
        self._bar.set_postfix_str(_text(logs), refresh=False)
        self._bar.set_description(f"epoch {min(epoch + 2, self._epochs)}/{self._epochs}")

    def close(self) -> None:
        """See Progress."""
        self._bar.close()


class Lines:
    """One line per epoch."""

    def __init__(self, first_epoch: int, epochs: int, batches: int) -> None:
        self._epochs = epochs

    def batch_done(self) -> None:
        """See Progress."""

    def epoch_done(self, epoch: int, logs: dict[str, float]) -> None:
        """See Progress."""
        print(f"epoch {epoch + 1}/{self._epochs}: {_text(logs)}", flush=True)

    def close(self) -> None:
        """See Progress."""


def _text(logs: dict[str, float]) -> str:
    return ", ".join(f"{key} {value:.4g}" for key, value in logs.items())


def make(where: str, verbose: Any, first_epoch: int, epochs: int, batches: int) -> Progress | None:
    """Return what shows the progress, or None for silence."""
    if verbose is None or (not isinstance(verbose, str) and verbose == 0):
        return None
    if verbose == "auto":
        verbose = 1 if importlib.util.find_spec("tqdm") else 2
    if verbose == 1:
        return Bar(first_epoch, epochs, batches)
    if verbose == 2:
        return Lines(first_epoch, epochs, batches)
    raise ValueError(
        f'{where}: verbose is {verbose!r}; expected "auto", 0 (silent), 1 (a bar) or 2 (one line '
        "per epoch)."
    )
