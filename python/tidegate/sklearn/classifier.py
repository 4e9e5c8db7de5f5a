"""RNNClassifier: one label for each sequence."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import assert_all_finite, check_consistent_length, column_or_1d

from tidegate.layers.types import Array
from tidegate.sklearn.estimator import RNNEstimator
from tidegate.sklearn.inputs import Sequences
from tidegate.sklearn.restoring import unchanged_on_failure


@dataclass(kw_only=True, eq=False, repr=False)
class RNNClassifier(ClassifierMixin, RNNEstimator):
    """A recurrent network that gives each sequence a label.

    Parameters
    ----------
    cell : {"lstm", "gru", "rnn"}
    units : int
        Hidden size of each recurrent layer.
    layers : int
        How many of them, one on another.
    bidirectional : bool
        Read each sequence in both directions.
    dropout : float
        Share of the outputs of each recurrent layer that is dropped in training, 0 <= p < 1.
    steps : int, optional
        Cut each row of 2-D X into so many steps of features/steps values. By default every column
        is a step of one value.
    optimizer : str or Optimizer
        "sgd", "rmsprop", "adam", "adamw"; or an object, of which each fit takes a fresh copy and
        which brings its own learning rate.
    learning_rate : float or LearningRateSchedule
        For an optimizer given by name; gradients are clipped to a norm of 1 then.
    batch_size, epochs : int
    early_stopping : bool
        Keep a part of the samples for validation, stop after `patience` epochs without a better
        validation loss, and end with the best weights.
    validation_fraction : float
    patience : int
    class_weight : dict of label to float or "balanced", optional
        Weight of the samples of each class, times `sample_weight`.
    warm_start : bool
        A further `fit` goes on from the weights and moments of the last one.
    random_state : int, RandomState or None
        Of first weights, order of samples, dropout and the validation part. With an int the bits
        are the same in every fit, at any number of threads.
    num_threads : int, optional
        Threads of each call into the core, for as long as it runs; by default those of
        `tidegate.get_num_threads`. In a worker of joblib that is joblib's share of the CPUs.
    dtype : {"float32", "float64"}
    verbose : {0, 1, 2}
        As in the native `fit`.

    Attributes
    ----------
    classes_ : (C,) array
        The labels, sorted.
    model_ : Sequential
        The fitted native model; `model_.save(path)` writes it to a file.
    n_features_in_ : int
        Columns of 2-D X, else values of each step.
    feature_names_in_ : (n_features_in_,) array of str
        Names of the columns, if fit saw a table with names.
    input_kind_ : {"columns", "sequences"}
    history_ : dict of str to list of float
        "loss" and, with early stopping, "val_loss" of each epoch of the last fit.
    n_iter_ : int
        Epochs of the last fit.

    Notes
    -----
    X is (n, features), (n, T, I), or a list of (T_i, I) arrays of different lengths. The number of
    steps of the latter two may differ from call to call. Inputs are not scaled: put a
    StandardScaler in front.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((60, 12, 2))
    >>> y = np.where(X[:, :, 0].mean(axis=1) > 0, "up", "down")
    >>> model = RNNClassifier(cell="gru", units=8, epochs=60, random_state=0).fit(X, y)
    >>> model.predict(X[:3]).shape, model.predict_proba(X[:3]).shape
    ((3,), (3, 2))
    >>> model.score(X, y) > 0.9
    True
    """

    class_weight: Any = None

    @unchanged_on_failure
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> "RNNClassifier":
        """Train.

        Parameters
        ----------
        X : (n, features) or (n, T, I) array, or list of (T_i, I) arrays
        y : (n,) array of labels
            Numbers, strings or booleans.
        sample_weight : (n,) array, optional

        Returns
        -------
        self

        Raises
        ------
        ValueError, TypeError
            An argument cannot be used; the message says what was expected.
        """
        method, first = "fit", not self._continues()
        sequences = self._read(method, X, reset=first)
        labels = self._labels(method, sequences, y)
        classes = np.unique(labels)
        if first:
            self.classes_ = classes
            self._start(method, sequences)
        elif not np.array_equal(classes, self.classes_):
            raise ValueError(
                f"{self._where(method)}: y has the classes {classes.tolist()} and warm_start is "
                f"True; expected {self.classes_.tolist()}, as in the fit before."
            )
        self._learn(method, sequences, labels, sample_weight, self.epochs)
        return self

    @unchanged_on_failure
    def partial_fit(
        self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None
    ) -> "RNNClassifier":
        """Go once over these samples, from the weights that are there.

        Parameters
        ----------
        X, y, sample_weight
            As in `fit`.
        classes : (C,) array, optional
            All labels that will ever come; needed in the first call.

        Returns
        -------
        self
        """
        method, first = "partial_fit", not hasattr(self, "model_")
        if first and classes is None:
            raise ValueError(
                f"{self._where(method)}: classes is None; expected all labels in the first call "
                "to partial_fit."
            )
        known = self.classes_ if classes is None else np.unique(classes)
        if not first and not np.array_equal(known, self.classes_):
            raise ValueError(
                f"{self._where(method)}: classes is {known.tolist()}; expected "
                f"{self.classes_.tolist()}, as in the first call."
            )
        sequences = self._read(method, X, reset=first)
        labels = self._labels(method, sequences, y)
        if strange := np.setdiff1d(labels, known).tolist():
            raise ValueError(
                f"{self._where(method)}: y has the label {strange[0]!r}; expected one of "
                f"{known.tolist()}."
            )
        if first:
            self.classes_ = known
            self._start(method, sequences)
        self._learn(method, sequences, labels, sample_weight, 1)
        return self

    def _labels(self, method: str, X: Sequences, y: Any) -> Array:
        """Return y as (n,) labels."""
        self._require_y(method, y)
        shape = getattr(y, "shape", None) or np.asarray(y).shape
        if len(shape) == 2 and shape[1] > 1:
            raise ValueError(
                f"{self._where(method)}: y has shape {tuple(shape)}; expected (n,), one label for "
                "each sample: y should be a 1d array (for several at once, wrap the estimator in "
                "sklearn.multioutput.MultiOutputClassifier)."
            )
        labels: Array = column_or_1d(y, warn=True)
        assert_all_finite(labels, input_name="y")
        check_consistent_length(X.x, labels)
        try:
            check_classification_targets(labels)
        except TypeError as error:
            raise TypeError(
                f"{self._where(method)}: y has labels of several kinds ({error}); expected all "
                "numbers, all strings or all booleans."
            ) from None
        return labels

    def _start(self, method: str, X: Sequences) -> None:
        self._new_model(
            method,
            X.x.shape[2],
            len(self.classes_),
            activation="softmax",
            loss="sparse_categorical_crossentropy",
        )

    def _learn(
        self, method: str, X: Sequences, labels: Array, sample_weight: Any, epochs: Any
    ) -> None:
        weights = self._weights(method, sample_weight, X)
        if self.class_weight is not None:
            by_class = compute_sample_weight(self.class_weight, labels)
            weights = self._weights(method, by_class if weights is None else weights * by_class, X)
        numbers = np.searchsorted(self.classes_, labels)
        self._train(method, X, numbers, weights, epochs=epochs, strata=numbers)

    def predict_proba(self, X: Any) -> Array:
        """Return the probability of each class.

        Parameters
        ----------
        X : as in `fit`

        Returns
        -------
        (n, C) float64 array
            Columns in the order of `classes_`; rows sum to 1.
        """
        shares = self._outputs("predict_proba", X)
        probabilities: Array = shares / shares.sum(axis=1, keepdims=True)
        return probabilities

    def predict_log_proba(self, X: Any) -> Array:
        """Return the logarithm of `predict_proba`, -inf for a probability of 0."""
        with np.errstate(divide="ignore"):
            logarithms: Array = np.log(self.predict_proba(X))
        return logarithms

    def predict(self, X: Any) -> Array:
        """Return the most probable label of each sequence, (n,)."""
        chosen: Array = self.predict_proba(X).argmax(axis=1)
        labels: Array = self.classes_[chosen]
        return labels
