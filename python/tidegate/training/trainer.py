"""Trainer: fit, evaluate, predict. The part of a model that is not its layers."""

import math
from typing import Any

import numpy as np

from tidegate.layers import checks
from tidegate.layers.stack import Stack
from tidegate.layers.types import Array
from tidegate.training import data, inference
from tidegate.training.buckets import known_mask
from tidegate.training.callbacks.base import checked
from tidegate.training.carrying import (
    is_stateful,
    keeping_states,
    require_order,
    require_rows,
    require_validation_rows,
)
from tidegate.training.compiled import Compiled
from tidegate.training.history import History
from tidegate.training.loop import FitLoop, diverged
from tidegate.training.optimizers.clipping import squared_norm
from tidegate.training.random_streams import RandomStreams
from tidegate.training.step import Step
from tidegate.training.truncated import require_pieces

FIT_BATCH = 32
# Only fit's results depend on the batch; the rest takes what runs fast.
PREDICT_BATCH = 256


class Trainer(Stack, Compiled):
    """Base of models: everything that needs layers, whoever holds them.

    Attributes
    ----------
    history : History or None
        Of the last fit.
    stop_training : bool
        A callback sets it to end a fit.
    epochs_trained : int
        Finished epochs of all fits; saved with the model.
    """

    def __init__(self, seed: int | None) -> None:
        Stack.__init__(self)
        Compiled.__init__(self)
        if seed is not None:
            seed = checks.integer(type(self).__name__, "seed", seed, least=0)
        entropy = np.random.SeedSequence(seed).entropy
        assert isinstance(entropy, int)
        self.seed = entropy
        self.history: History | None = None
        self.stop_training = False
        self.epochs_trained = 0

    # What a model adds.

    def prepare_input(
        self, where: str, x: Any, lengths: Any = None, mask: Any = None
    ) -> tuple[Array, Any]:
        """Return x as the first layer takes it, and the mask; build the model on first data."""
        raise NotImplementedError

    # -- fit ---------------------------------------------------------------------------------------

    def fit(
        self,
        x: Any,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        class_weight: Any = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        *,
        validation_batch_size: int | None = None,
        tbptt: int | None = None,
        seed: int | None = None,
        lengths: Any = None,
        mask: Any = None,
        bucket_by_length: bool = False,
    ) -> History:
        """Train for a number of epochs.

        Parameters
        ----------
        x : (N, ...) array
            Samples; (N, T) is taken as (N, T, 1) where the model expects that. A list of (T_i, I)
            arrays of different lengths is padded, and its lengths are known then.
        y : (N, ...) array
            Targets, in the shape of the output; its last axis may be left out if it is 1.
        batch_size : int
            Default 32; the last batch of an epoch may be smaller.
        epochs : int
            Number of the epoch to stop before; `initial_epoch` is where to start.
        verbose : {"auto", 0, 1, 2}
            0 is silent, 1 shows a bar by tqdm, 2 prints a line per epoch. "auto" is 1 where tqdm is
            installed and 2 where it is not.
        callbacks : list of Callback
        validation_split : float
            Share of the samples, from the end, that is kept for validation.
        validation_data : (x, y), (x, y, sample_weight) or dict of the arguments of `evaluate`
            Instead of a split.
        shuffle : bool
            Draw the order of the samples anew for each epoch.
        class_weight : dict of class to float
        sample_weight : (N,) array, or (N, T) for sequences
            Weight of each sample in the loss.
        validation_batch_size : int
        tbptt : int, optional
            Truncated back-propagation through time: walk each batch (N, T, ...) in pieces of that
            many steps, with one step of the optimizer each; the state goes on from piece to piece,
            gradients end there. Every layer must return sequences.
        seed : int
            Of the order of samples and of dropout, whatever was trained before. By default these
            follow from the model's seed and the epochs it was trained for.
        lengths : (N,) integers, optional
            Valid steps of each sample, counted from step 0.
        mask : (N, T) bool, optional
            True at the steps that count. Not both.
        bucket_by_length : bool
            Put samples of similar length into one batch, cut to its longest one: of the drawn
            order each stretch of 16 batches is sorted by length, then the batches are shuffled.

        Returns
        -------
        History
            `history.history["loss"]` and so on, one number per epoch.

        Raises
        ------
        ValueError, TypeError
            An argument cannot be used; the message says what was expected.
        RuntimeError
            The model is not compiled.
        TrainingDivergedError
            The loss became NaN or inf. The weights are those of the last step with a finite loss.

        Notes
        -----
        The same model seed, data and calls give the same bits, at any number of threads. Saving
        after 5 of 10 epochs, loading and `fit(initial_epoch=5, epochs=10)` gives the bits of one
        fit. Ctrl-C undoes the step under way, prints a message and returns the history so far,
        with `history.interrupted` set: the model stays usable.
        """
        where = "fit"
        first = checks.integer(where, "initial_epoch", initial_epoch, least=0)
        last = checks.integer(where, "epochs", epochs, least=0)
        size = data.batch_size(where, batch_size, FIT_BATCH)
        checks.boolean(where, "shuffle", shuffle)
        length = None if tbptt is None else checks.integer(where, "tbptt", tbptt)
        if seed is not None:
            seed = checks.integer(where, "seed", seed, least=0)
        watching = checked(where, callbacks)
        checks.boolean(where, "bucket_by_length", bucket_by_length)
        samples = data.prepare(self, where, x, y, sample_weight, class_weight, lengths, mask)
        if bucket_by_length:
            samples = samples._replace(mask=known_mask(self, where, samples))
        validation: data.Samples | None
        if validation_data is not None:
            validation = data.prepare_validation(self, where, validation_data)
        else:
            samples, validation = data.split(where, samples, validation_split)
        require_order(self, where, shuffle)
        require_rows(self, where, "x", len(samples.x), size)
        validation_size = size if is_stateful(self) else PREDICT_BATCH
        validation_size = data.batch_size(where, validation_batch_size, validation_size)
        if validation is not None:
            count, trained = len(validation.x), min(len(samples.x), size)
            require_validation_rows(self, where, count, validation_size, trained)
        if length is not None:
            require_pieces(self, where, samples.x)
        self.bind_optimizer(where)
        return FitLoop(
            model=self,
            samples=samples,
            validation=validation,
            batch_size=size,
            validation_batch_size=validation_size,
            first_epoch=first,
            epochs=last,
            shuffle=shuffle,
            tbptt=length,
            seed=self.seed if seed is None else seed,
            seed_is_fits=seed is not None,
            callbacks=watching,
            verbose=verbose,
            bucket_by_length=bucket_by_length,
        ).run()

    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        *,
        return_dict: bool = False,
        lengths: Any = None,
        mask: Any = None,
    ) -> Any:
        """Take one step; return the loss before it, with metrics a list or a dict."""
        where = "train_on_batch"
        samples = data.prepare(self, where, x, y, sample_weight, None, lengths, mask)
        self.bind_optimizer(where)
        step = Step(self)
        step.reset_metrics()
        rng = RandomStreams(self.seed, "batch").at(self.optimizer.iterations)
        try:
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
                loss = keeping_states(self, step.train)(*samples[:3], rng, samples.mask)
        except FloatingPointError as error:
            raise diverged(self, error, where, f"step {self.optimizer.iterations + 1}") from None
        except BaseException:
            self.recover()
            raise
        return inference.as_keras_returns({"loss": loss, **step.results()}, return_dict)

    # -- evaluate and predict ----------------------------------------------------------------------

    def evaluate(
        self,
        x: Any,
        y: Any = None,
        batch_size: int | None = None,
        verbose: Any = 0,
        sample_weight: Any = None,
        *,
        return_dict: bool = False,
        lengths: Any = None,
        mask: Any = None,
    ) -> Any:
        """Return the loss of samples; with metrics a list [loss, ...] or a dict.

        Parameters
        ----------
        x, y, sample_weight, lengths, mask
            As in `fit`.
        batch_size : int
            Default 256. Without masks in the output the result does not depend on it but for
            rounding; with them, as in Keras, the mean over valid steps is taken batch by batch.
        verbose : any
            Taken for Keras's sake; nothing is shown.
        return_dict : bool
            Return {"loss": ..., metric: ...}.
        """
        samples = data.prepare(self, "evaluate", x, y, sample_weight, None, lengths, mask)
        size = data.batch_size("evaluate", batch_size, PREDICT_BATCH)
        require_rows(self, "evaluate", "x", len(samples.x), size)
        logs = inference.evaluate(Step(self), samples, size)
        return inference.as_keras_returns(logs, return_dict)

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: Any = 0,
        *,
        lengths: Any = None,
        mask: Any = None,
    ) -> Array:
        """Return the outputs for samples.

        Parameters
        ----------
        x, lengths, mask
            As in `fit`; N may be 0.
        batch_size : int
            Default 256.
        verbose : any
            Taken for Keras's sake; nothing is shown.

        Returns
        -------
        (N, ...) array
            In the dtype of the last layer that has parameters. Sequences of different lengths are
            padded to the longest with what the layers output there (docs/sequences.md).
        """
        inputs, steps = self.prepare_input("predict", x, lengths, mask)
        size = data.batch_size("predict", batch_size, PREDICT_BATCH)
        require_rows(self, "predict", "x", len(inputs), size)
        return inference.predict(self, inputs, steps, size)

    # -- state -------------------------------------------------------------------------------------

    def recover(self) -> None:
        """After an exception: weights and moments are those of the last finished step."""
        self.optimizer.finish_or_undo()
        self.weights_changed()

    def has_finite_weights(self) -> bool:
        """Whether no parameter is NaN or inf."""
        return not any(math.isnan(squared_norm(flat.values)) for flat in self.buffers)
