"""X as sequences.

    2-D (n, features)         each row is a sequence of `features` steps of one value, or, with
                              steps=T, of T steps of features/T values, row by row
    3-D (n, T, I)             n sequences of T steps of I values
    list of (T_i, I) arrays   sequences of different lengths

2-D data are checked by scikit-learn's own rules (names of columns, their number, NaN). The number
of steps of 3-D and ragged data may differ from call to call; the number of values may not.
"""

from typing import Any, NamedTuple

import numpy as np
from sklearn.utils.validation import check_array, validate_data

from tidegate._arrays import is_masked
from tidegate.layers import checks
from tidegate.layers.types import Array, Dtype
from tidegate.sequences.ragged import is_ragged, padded_batch

COLUMNS, SEQUENCES = "columns", "sequences"


class Sequences(NamedTuple):
    """x (n, T, I), and the valid steps of each sequence (n,), None where all are."""

    x: Array
    lengths: Array | None

    def take(self, rows: Array) -> "Sequences":
        """Return the sequences of these numbers, copied."""
        return Sequences(self.x[rows], None if self.lengths is None else self.lengths[rows])


def is_sequences(X: Any) -> bool:
    """Whether X is 3-D or a list of sequences, and not a table of rows and columns."""
    if isinstance(X, np.ndarray) and X.dtype != object:
        return X.ndim == 3
    if not isinstance(X, np.ndarray | list | tuple) or np.ndim(X[:0]) != 1 or not len(X):
        return False
    try:
        return np.ndim(X[0]) == 2 or (np.ndim(X[0]) == 1 and is_ragged(X))
    except ValueError:  # a list of lists that do not have one length
        return True


def read(estimator: Any, where: str, X: Any, *, reset: bool, dtype: Dtype) -> Sequences:
    """Return X as checked sequences; with `reset`, as in a first fit, learn what to expect.

    Raises
    ------
    ValueError
        X is empty, has NaN, or has another number of columns or values than in fit.
    TypeError
        X is sparse, masked, or not numbers.
    """
    if is_masked(X):
        raise TypeError(
            f"{where}: X is a masked array, whose mask would be lost; expected a plain array (use "
            "X.filled(...), or drop the masked samples)."
        )
    kind = SEQUENCES if is_sequences(X) else COLUMNS
    if not reset and kind != estimator.input_kind_:
        given, expected = ("3-D or a list of sequences", "2-D (n, features)")
        if kind == COLUMNS:
            given, expected = ("2-D", "3-D (n, T, I) or a list of (T_i, I) arrays")
        raise ValueError(f"{where}: X is {given}; expected {expected}, as in fit.")
    if kind == COLUMNS:
        sequences = Sequences(_columns(estimator, where, X, reset, dtype), None)
    else:
        sequences = _sequences(estimator, where, X, dtype)
        _check_values(estimator, where, sequences.x.shape[2], reset)
    if reset:
        estimator.input_kind_ = kind
    return sequences


def _columns(estimator: Any, where: str, X: Any, reset: bool, dtype: Dtype) -> Array:
    """Return rows of a table as sequences (n, T, I)."""
    if isinstance(X, np.ndarray) and X.ndim > 3:
        raise ValueError(
            f"{where}: X has shape {X.shape}; expected 2-D (n, features), or 3-D (n, T, I) with "
            "the values of a step in one axis (reshape it)."
        )
    table: Array = validate_data(estimator, X, reset=reset, dtype=dtype, order="C")
    if estimator.steps is None:
        return table[:, :, None]
    steps = checks.integer(where, "steps", estimator.steps)
    if table.shape[1] % steps:
        raise ValueError(
            f"{where}: X has {table.shape[1]} features and steps is {steps}; expected a multiple "
            "of steps, each of which has features/steps values."
        )
    return table.reshape(len(table), steps, -1)


def _sequences(estimator: Any, where: str, X: Any, dtype: Dtype) -> Sequences:
    """Return 3-D or ragged X as (n, T, I), with lengths where they differ."""
    if estimator.steps is not None:
        raise ValueError(
            f"{where}: steps is {estimator.steps!r} and X is 3-D or a list of sequences; expected "
            "2-D X (n, features), whose rows steps cuts, or steps=None."
        )
    lengths: Array | None = None
    if not isinstance(X, np.ndarray) or X.dtype == object:
        X, lengths = padded_batch(where, "X", X)
        if (empty := lengths == 0).any():
            raise ValueError(
                f"{where}: X[{int(empty.argmax())}] has no steps; expected at least one."
            )
        X = X[..., None] if X.ndim == 2 else X
        lengths = None if (lengths == X.shape[1]).all() else lengths
    if X.ndim != 3 or 0 in X.shape[1:]:
        raise ValueError(
            f"{where}: X has shape {X.shape}; expected (n, T, I) with T >= 1 and I >= 1."
        )
    # Padding is 0, which is finite.
    x: Array = check_array(
        X, dtype=dtype, order="C", allow_nd=True, estimator=estimator, input_name="X"
    )
    return Sequences(x, lengths)


def _check_values(estimator: Any, where: str, values: int, reset: bool) -> None:
    """Learn, or compare, the number of values per step."""
    if reset:
        estimator.n_features_in_ = values
        if hasattr(estimator, "feature_names_in_"):
            del estimator.feature_names_in_
    elif values != estimator.n_features_in_:
        raise ValueError(
            f"{where}: X has {values} values per step; expected {estimator.n_features_in_}, as in "
            "fit."
        )
