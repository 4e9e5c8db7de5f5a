"""RNNRegressor: one number, or several, for each sequence."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.utils.validation import check_array, check_consistent_length

from tidegate.layers.types import Array
from tidegate.sklearn.estimator import RNNEstimator
from tidegate.sklearn.inputs import Sequences
from tidegate.sklearn.restoring import unchanged_on_failure
from tidegate.training import losses


@dataclass(kw_only=True, eq=False, repr=False)
class RNNRegressor(RegressorMixin, RNNEstimator):
    """A recurrent network that gives each sequence one number or several.

    Parameters
    ----------
    cell, units, layers, bidirectional, dropout, steps, optimizer, learning_rate, batch_size, \
epochs, early_stopping, validation_fraction, patience, warm_start, random_state, num_threads, \
dtype, verbose
        As in RNNClassifier.
    loss : str or Loss
        "mse", "mae", "huber", or an object such as QuantileLoss(0.9).
    normalize_y : bool
        Train on targets less their mean, divided by their standard deviation, both of the first
        fit. A network learns targets of about 1; the loss is in that unit.

    Attributes
    ----------
    model_ : Sequential
        The fitted native model, whose outputs are normalized targets.
    y_mean_, y_scale_ : (K,) float64 arrays
        0 and 1 with normalize_y=False.
    n_features_in_ : int
        Columns of 2-D X, else values of each step.
    feature_names_in_ : (n_features_in_,) array of str
        Names of the columns, if fit saw a table with names.
    input_kind_, history_, n_iter_
        As in RNNClassifier.

    Examples
    --------
    >>> X = np.random.default_rng(0).standard_normal((80, 10))
    >>> y = 100 + 20 * X[:, -3:].sum(axis=1)
    >>> model = RNNRegressor(units=16, epochs=150, learning_rate=0.01, random_state=0).fit(X, y)
    >>> model.score(X, y) > 0.9
    True
    """

    loss: Any = "mse"
    normalize_y: bool = True

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> "RNNRegressor":
        """Train; X, sample_weight and errors as in `RNNClassifier.fit`.

        Parameters
        ----------
        y : (n,) or (n, K) array of numbers
        """
        self._learn("fit", X, y, sample_weight, self.epochs, not self._continues())
        return self

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> "RNNRegressor":
        """Go once over these samples, from the weights that are there; arguments as in `fit`."""
        self._learn("partial_fit", X, y, sample_weight, 1, not hasattr(self, "model_"))
        return self

    @unchanged_on_failure
    def _learn(
        self, method: str, X: Any, y: Any, sample_weight: Any, epochs: Any, first: bool
    ) -> None:
        sequences = self._read(method, X, reset=first)
        targets = self._targets(method, sequences, y)
        weights = self._weights(method, sample_weight, sequences)
        if first:
            self._start(method, sequences, targets, weights)
        elif targets.shape[1] != len(self.y_mean_):
            raise ValueError(
                f"{self._where(method)}: y has {targets.shape[1]} columns; expected "
                f"{len(self.y_mean_)}, as in the fit before."
            )
        self._one_number = np.asarray(y).ndim == 1
        scaled = (targets - self.y_mean_) / self.y_scale_
        self._train(method, sequences, scaled, weights, epochs=epochs)

    def _targets(self, method: str, X: Sequences, y: Any) -> Array:
        """Return y as (n, K) float64."""
        self._require_y(method, y)
        targets: Array = check_array(
            y, dtype=np.float64, ensure_2d=False, estimator=self, input_name="y"
        )
        check_consistent_length(X.x, targets)
        return targets.reshape(len(targets), -1)

    def _start(self, method: str, X: Sequences, targets: Array, weights: Array | None) -> None:
        self.y_mean_ = np.zeros(targets.shape[1])
        self.y_scale_ = np.ones(targets.shape[1])
        if self.normalize_y:
            self.y_mean_ = np.average(targets, axis=0, weights=weights)
            variance = np.average((targets - self.y_mean_) ** 2, axis=0, weights=weights)
            self.y_scale_ = np.where(variance > 0, np.sqrt(variance), 1.0)
        loss = losses.get(self._where(method), self.loss)
        self._new_model(method, X.x.shape[2], targets.shape[1], activation="linear", loss=loss)

    def predict(self, X: Any) -> Array:
        """Return the predicted numbers, float64.

        Parameters
        ----------
        X : as in `fit`

        Returns
        -------
        (n,) or (n, K) array, as y was in fit
        """
        outputs: Array = self._outputs("predict", X) * self.y_scale_ + self.y_mean_
        return outputs[:, 0] if self._one_number else outputs

    def __sklearn_tags__(self) -> Any:
        """Say that y may have several columns."""
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
