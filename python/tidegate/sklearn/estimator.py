"""RNNEstimator: what classifier and regressor have in common. Arguments: RNNClassifier."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from tidegate._thread_limit import limited
from tidegate.layers import checks
from tidegate.layers.types import Array
from tidegate.sklearn.inputs import Sequences, read
from tidegate.sklearn.network import build
from tidegate.sklearn.pickles import SafetensorsState
from tidegate.training.callbacks import EarlyStopping


@dataclass(kw_only=True, eq=False, repr=False)
class RNNEstimator(SafetensorsState, BaseEstimator):
    """Base of RNNClassifier and RNNRegressor, which say what the outputs are.

    A dataclass, whose constructor stores its arguments and does nothing else, as scikit-learn asks.
    """

    cell: str = "lstm"
    units: int = 32
    layers: int = 1
    bidirectional: bool = False
    dropout: float = 0.0
    steps: int | None = None
    optimizer: Any = "adam"
    learning_rate: Any = 0.003
    batch_size: int = 64
    epochs: int = 100
    early_stopping: bool = False
    validation_fraction: float = 0.1
    patience: int = 10
    warm_start: bool = False
    random_state: Any = None
    num_threads: int | None = None
    dtype: Any = "float32"
    verbose: int = 0

    # -- input -------------------------------------------------------------------------------------

    def _where(self, method: str) -> str:
        return f"{type(self).__name__}.{method}"

    def _read(self, method: str, X: Any, *, reset: bool) -> Sequences:
        where = self._where(method)
        return read(self, where, X, reset=reset, dtype=checks.float_dtype(where, self.dtype))

    def _require_y(self, method: str, y: Any) -> None:
        if y is None:
            raise ValueError(
                f"{self._where(method)}: requires y to be passed, but the target y is None."
            )

    def _continues(self) -> bool:
        """Whether `fit` goes on from what is fitted."""
        return bool(self.warm_start) and hasattr(self, "model_")

    def _weights(self, method: str, sample_weight: Any, X: Sequences) -> Array | None:
        """Return sample weights with a mean of 1: a weight of 2 is a sample given twice."""
        if sample_weight is None:
            return None
        where = self._where(method)
        # Whatever NumPy can read, as scikit-learn does.
        sample_weight = np.asarray(sample_weight)
        weights = checks.finite(where, "sample_weight", sample_weight, np.dtype(np.float64))
        if weights.ndim != 1:
            raise ValueError(
                f"{where}: sample_weight has shape {weights.shape}; expected "
                f"({len(X.x)},). Sample weights must be 1D array or scalar."
            )
        check_consistent_length(X.x, weights)
        if (weights < 0).any() or not weights.any():
            raise ValueError(
                f"{where}: sample_weight is {'negative' if weights.any() else 'zero'} for "
                f"{'some samples' if weights.any() else 'all samples'}; expected weights >= 0, "
                "not all of them zero."
            )
        mean: Array = weights / weights.mean()
        return mean

    # -- fit ---------------------------------------------------------------------------------------

    def _new_model(self, method: str, values: int, outputs: int, **ends: Any) -> None:
        """Set `model_` to a network with first weights."""
        seed = int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))
        where = self._where(method)
        self.model_ = build(self, where, values=values, outputs=outputs, seed=seed, **ends)

    def _train(
        self,
        method: str,
        X: Sequences,
        y: Array,
        weights: Array | None,
        *,
        epochs: Any,
        strata: Array | None = None,
    ) -> None:
        """Train `model_`; `strata`, the classes, are in both parts of a validation split."""
        where = self._where(method)
        options: dict[str, Any] = {
            "batch_size": checks.integer(where, "batch_size", self.batch_size),
            "epochs": checks.integer(where, "epochs", epochs),
            "verbose": self.verbose,
            "bucket_by_length": X.lengths is not None,
        }
        training = np.arange(len(X.x))
        stops = method == "fit" and checks.boolean(where, "early_stopping", self.early_stopping)
        if stops:
            training, kept = self._split(where, len(X.x), strata)
            options["validation_data"] = _samples(X, y, weights, kept)
            options["callbacks"] = EarlyStopping(
                patience=checks.integer(where, "patience", self.patience),
                restore_best_weights=True,
            )
            X, y = X.take(training), y[training]
            weights = None if weights is None else weights[training]
        with limited(self.num_threads):
            history = self.model_.fit(**_samples(X, y, weights), **options)
        if history.interrupted:
            raise KeyboardInterrupt
        self.history_ = {key: list(values) for key, values in history.history.items()}
        self.n_iter_ = len(history.epoch)

    def _split(self, where: str, count: int, strata: Array | None) -> tuple[Array, Array]:
        """Return the numbers of the samples for training and for validation."""
        fraction = checks.number(
            where, "validation_fraction", self.validation_fraction, least=0, below=1
        )
        if not 1 <= count * fraction < count:
            raise ValueError(
                f"{where}: validation_fraction is {fraction:g} of {count} samples; expected at "
                "least one for validation and one for training."
            )
        if strata is not None and (
            np.bincount(strata).min() < 2 or int(count * fraction) < strata.max() + 1
        ):
            strata = None
        numbers = np.arange(count)
        seed = self.model_.seed % 2**32
        training, kept = train_test_split(
            numbers, test_size=fraction, random_state=seed, stratify=strata
        )
        return np.sort(training), np.sort(kept)

    # -- predict -----------------------------------------------------------------------------------

    def _outputs(self, method: str, X: Any) -> Array:
        """Return the outputs of the network (n, outputs) float64."""
        check_is_fitted(self)
        sequences = self._read(method, X, reset=False)
        with limited(self.num_threads):
            outputs = self.model_.predict(sequences.x, lengths=sequences.lengths)
        return outputs.astype(np.float64)

    def __sklearn_is_fitted__(self) -> bool:
        """Whether there is a model."""
        return hasattr(self, "model_")

    def __sklearn_tags__(self) -> Any:
        """Say that sequences are taken, too."""
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags


def _samples(
    X: Sequences, y: Array, weights: Array | None, rows: Array | None = None
) -> dict[str, Any]:
    """Return arguments of a native fit for all samples or for some."""
    if rows is not None:
        return _samples(X.take(rows), y[rows], None if weights is None else weights[rows])
    return {"x": X.x, "y": y, "sample_weight": weights, "lengths": X.lengths}
