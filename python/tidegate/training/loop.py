"""The loop of `fit`: epochs, batches, callbacks, validation; and what happens when it breaks off.

Ctrl-C: the step that was under way is undone, so weights and moments are those of the last finished
step; `fit` says so on stderr and returns the history, with `interrupted` set.
NaN: the step that led to a NaN loss is undone, and TrainingDivergedError names epoch and batch.
"""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, cast

import numpy as np

from tidegate.training import buckets, data, progress
from tidegate.training.callbacks.base import Callback, hooks
from tidegate.training.carrying import keeping_states
from tidegate.training.data import Samples
from tidegate.training.errors import TrainingDivergedError
from tidegate.training.history import History
from tidegate.training.inference import evaluate
from tidegate.training.random_streams import RandomStreams
from tidegate.training.step import NonFiniteLossError, Step
from tidegate.training.steps import step_order
from tidegate.training.truncated import Truncated

if TYPE_CHECKING:
    from tidegate.models.base import BaseModel
    from tidegate.training.trainer import Trainer


@dataclass
class FitLoop:
    """One call of `fit`, with checked arguments.

    Parameters
    ----------
    model : Trainer
    samples, validation : Samples
    batch_size, validation_batch_size, first_epoch, epochs : int
    shuffle : bool
    tbptt : int or None
        Steps in a piece of truncated back-propagation.
    seed : int
        Of the random numbers, together with the number of each epoch.
    seed_is_fits : bool
        Whether the seed was given to `fit`: then epochs count from 0, else over the model's life.
    callbacks : list of Callback
    verbose, bucket_by_length : see `fit`
    """

    model: "Trainer"
    samples: Samples
    validation: Samples | None
    batch_size: int
    validation_batch_size: int
    first_epoch: int
    epochs: int
    shuffle: bool
    tbptt: int | None
    seed: int
    seed_is_fits: bool
    callbacks: list[Callback]
    verbose: object
    bucket_by_length: bool = False

    def __post_init__(self) -> None:
        self.batch_count = -(-len(self.samples.x) // self.batch_size)
        self.step = Step(self.model)
        self.train: Callable[..., float]
        if self.tbptt is None:
            self.train = keeping_states(self.model, self.step.train)
        else:
            self.train = Truncated(self.model, self.step.train_piece, self.tbptt).train
        params = {"epochs": self.epochs, "steps": self.batch_count}
        self.history = History(params)
        for callback in self.callbacks:
            callback.model, callback.params = cast("BaseModel", self.model), params
        self.batch_begin = hooks(self.callbacks, "on_train_batch_begin")
        self.batch_end = hooks(self.callbacks, "on_train_batch_end")
        self.streams = RandomStreams(self.seed, "epoch")
        self.needs_rng = self.shuffle or any(layer.random for layer in self.model.layers)

    def run(self) -> History:
        """Train; return the history."""
        model = self.model
        model.history = self.history
        model.stop_training = False
        model.optimizer.forget_copy()  # what an earlier fit did stays
        shown = progress.make("fit", self.verbose, self.first_epoch, self.epochs, self.batch_count)
        self.at_epoch, self.at_batch = self.first_epoch, 0
        logs: dict[str, float] | None = None
        try:
            self._call("on_train_begin")
            for epoch in range(self.first_epoch, self.epochs):
                logs = self._epoch(epoch, shown)
                if model.stop_training:
                    break
        except KeyboardInterrupt:
            model.recover()
            self.history.interrupted = True
            model.stop_training = True
        except BaseException:
            model.recover()
            raise
        finally:
            if shown is not None:
                shown.close()
        if self.history.interrupted:
            self._say_interrupted()
        self._call("on_train_end", logs)
        return self.history

    def _call(self, hook: str, *arguments: object) -> None:
        for method in hooks(self.callbacks, hook):
            method(*arguments)

    def _epoch(self, epoch: int, shown: progress.Progress | None) -> dict[str, float]:
        """Train one epoch, validate, call back; return the logs."""
        self.at_epoch, self.at_batch = epoch, 0
        self._call("on_epoch_begin", epoch)
        self.step.reset_metrics()
        # What overflows shows in the loss or the gradients, which are checked.
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            loss = self._batches(epoch, shown)
        self._require_finite_weights()
        logs = {"loss": loss, **self.step.results()}
        if self.validation is not None:
            logs |= self._validate()
        self.model.epochs_trained += 1
        self._call("on_epoch_end", epoch, logs)
        self.history.append(epoch, logs)
        if shown is not None:
            shown.epoch_done(epoch, logs)
        return logs

    def _batches(self, epoch: int, shown: progress.Progress | None) -> float:
        """Take the steps of an epoch; return the mean loss of its samples."""
        rng = order = None
        if self.needs_rng:
            rng = self.streams.at(epoch if self.seed_is_fits else self.model.epochs_trained)
            if self.shuffle:
                order = data.permutation(rng, len(self.samples.x))
        batches: Callable[..., Iterator[Samples]] = data.batches
        if self.bucket_by_length:
            order = buckets.order(self.samples.mask, self.batch_size, order, rng)
            batches = partial(buckets.batches, target_steps=step_order(self.model, self.samples.x))
        train, model = self.train, self.model
        batch_done = None if shown is None else shown.batch_done
        total, seen = 0.0, 0
        batch = 0
        for batch, (x, y, weight, mask) in enumerate(batches(self.samples, self.batch_size, order)):
            for method in self.batch_begin:
                method(batch)
            try:
                loss = train(x, y, weight, rng, mask)
            except FloatingPointError as error:
                self.at_batch = batch
                raise self._diverged(error) from None
            except KeyboardInterrupt:
                self.at_batch = batch
                raise
            total += loss * len(x)
            seen += len(x)
            if self.batch_end:
                logs = {"loss": total / seen, **self.step.results()}
                for method in self.batch_end:
                    method(batch, logs)
            if batch_done is not None:
                batch_done()
            if model.stop_training:
                break
        self.at_batch = batch + 1
        return total / seen

    def _validate(self) -> dict[str, float]:
        assert self.validation is not None
        logs = evaluate(self.step, self.validation, self.validation_batch_size)
        return {f"val_{key}": value for key, value in logs.items()}

    def _require_finite_weights(self) -> None:
        """Raise if the last step made a weight overflow."""
        if not self.model.has_finite_weights():
            self.at_batch -= 1
            raise self._diverged(NonFiniteLossError("a weight is not finite"))

    def _diverged(self, error: FloatingPointError) -> TrainingDivergedError:
        place = (
            f"epoch {self.at_epoch + 1} of {self.epochs}, "
            f"batch {self.at_batch + 1} of {self.batch_count}"
        )
        return diverged(self.model, error, "fit", place, self.at_epoch, self.at_batch)

    def _say_interrupted(self) -> None:
        print(
            f"fit: interrupted in epoch {self.at_epoch + 1} of {self.epochs}, after "
            f"{self.at_batch} of {self.batch_count} batches; the model can be used, with the "
            "weights of the last finished step.",
            file=sys.stderr,
        )


def diverged(
    model: "Trainer",
    error: FloatingPointError,
    where: str,
    place: str,
    epoch: int = 0,
    batch: int = 0,
) -> TrainingDivergedError:
    """Undo the step that led to a loss which is not finite; return the error that says so."""
    if isinstance(error, NonFiniteLossError):
        model.optimizer.undo()
    model.recover()
    return TrainingDivergedError(
        f"{where}: {error} in {place}; training stopped, and the model keeps the weights of the "
        "last step with a finite loss (lower the learning rate, set clipnorm=1.0, or scale y).",
        epoch,
        batch,
    )
