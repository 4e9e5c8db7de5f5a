"""What the estimators refuse, and what they say."""

import numpy as np
import pytest

pytest.importorskip("sklearn", reason='needs scikit-learn: pip install "tidegate[sklearn]"')

from sklearn.exceptions import NotFittedError

from conftest import run_python
from sklearn_problems import ragged, sequences
from tidegate.sklearn import RNNClassifier, RNNRegressor
from tidegate.training.optimizers import Adam

X, Y = sequences()
TABLE = X.reshape(48, 14)
RAGGED = ragged()[0]
FAST = {"units": 2, "epochs": 1, "num_threads": 1, "random_state": 0}
HOLE = X.copy()
HOLE[3, 2, 1] = np.nan


class OwnAdam(Adam):
    pass


@pytest.mark.parametrize(
    ("bad", "kind", "message"),
    [
        (HOLE, ValueError, "Input X contains NaN"),
        (HOLE[..., 1], ValueError, "Input X contains NaN"),
        (np.ma.masked_array(X, X > 1), TypeError, "fit: X is a masked array, whose mask would be"),
        (np.ma.masked_array(TABLE, TABLE > 1), TypeError, "fit: X is a masked array"),
        ([np.ma.masked_array(x, x > 1) for x in X], TypeError, "fit: X is a masked array"),
        ([*RAGGED[:47], HOLE[3]], ValueError, "Input X contains NaN"),
        (np.full((48, 3), "a"), ValueError, "could not convert string"),
        (np.full((48, 3, 1), "a"), ValueError, "could not convert string"),
        ([*RAGGED[:47], np.array([["a", "b"]])], TypeError, r"fit: X\[47\] has dtype <U1"),
        (
            [*RAGGED[:47], np.ones((3, 5))],
            ValueError,
            r"X\[47\] has shape \(3, 5\); exp.* \(T, 2\)",
        ),
        (
            [*RAGGED[:47], np.ones((0, 2))],
            ValueError,
            r"fit: X\[47\] has no steps; expected at lea",
        ),
        (X[:47], ValueError, "inconsistent numbers of samples.*47, 48"),
        (RAGGED[:40], ValueError, "inconsistent numbers of samples.*40, 48"),
        (X[:, :0], ValueError, r"X has shape \(48, 0, 2\); expected \(n, T, I\) with T >= 1"),
        (X[:0], ValueError, "Found array with 0 sample"),
        ([], ValueError, "Expected 2D array, got 1D array"),
        (X[..., None], ValueError, r"fit: X has shape \(48, 7, 2, 1\); expected 2-D .*or 3-D"),
        (X * 1j, ValueError, "Complex data not supported"),
    ],
)
def test_bad_x(bad, kind, message):
    with pytest.raises(kind, match=message):
        RNNRegressor(**FAST).fit(bad, Y)


@pytest.mark.parametrize(
    ("fitted", "given", "message"),
    [
        (X, X[..., :1], "predict: X has 1 values per step; expected 2, as in fit"),
        (TABLE, TABLE[:, :5], "X has 5 features, but RNNRegressor is expecting 14 features"),
        (
            TABLE,
            X,
            r"predict: X is 3-D or a list of sequences; expected 2-D \(n, features\), as in",
        ),
        (
            X,
            TABLE,
            r"predict: X is 2-D; expected 3-D \(n, T, I\) or a list of \(T_i, I\) arrays, as",
        ),
    ],
)
def test_other_data_than_in_fit(fitted, given, message):
    with pytest.raises(ValueError, match=message):
        RNNRegressor(**FAST).fit(fitted, Y).predict(given)


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        (
            {"cell": "elman"},
            ValueError,
            "RNNRegressor.fit: cell is 'elman'; expected one of \"lstm\"",
        ),
        ({"units": 0}, ValueError, "RNNRegressor.fit: units is 0; expected an integer >= 1"),
        ({"layers": 1.5}, TypeError, "fit: layers is 1.5 of type float"),
        ({"bidirectional": 1}, TypeError, "fit: bidirectional is 1 of type int; expected True or"),
        ({"dropout": 1.0}, ValueError, "fit: dropout is 1"),
        ({"optimizer": "adams"}, ValueError, "fit: optimizer is 'adams'.*did you mean 'adam'"),
        ({"optimizer": OwnAdam()}, ValueError, "optimizer is of class OwnAdam; expected a name or"),
        ({"learning_rate": -1.0}, ValueError, "fit: learning_rate is -1"),
        ({"loss": "mses"}, ValueError, "fit: loss is 'mses'"),
        ({"batch_size": 0}, ValueError, "fit: batch_size is 0"),
        ({"epochs": 0}, ValueError, "fit: epochs is 0"),
        ({"dtype": "float16"}, TypeError, "fit: dtype is 'float16'"),
        ({"num_threads": 0}, ValueError, "set_num_threads: n is 0"),
        ({"steps": 7}, ValueError, r"steps is 7 and X is 3-D .*expected 2-D X"),
        (
            {"early_stopping": True, "validation_fraction": 0.01},
            ValueError,
            "fraction is 0.01 of 48",
        ),
    ],
)
def test_bad_options(options, kind, message):
    with pytest.raises(kind, match=message):
        RNNRegressor(**{**FAST, **options}).fit(X, Y)


def test_steps_that_do_not_divide_the_features():
    with pytest.raises(
        ValueError, match="X has 14 features and steps is 4; expected a multiple of"
    ):
        RNNRegressor(**FAST, steps=4).fit(TABLE, Y)


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (np.zeros(48), "sample_weight is zero for all samples; expected weights >= 0"),
        (np.linspace(-1, 1, 48), "sample_weight is negative for some samples"),
        (np.ones((48, 2)), r"sample_weight has shape \(48, 2\); expected \(48,\)"),
        (np.ones(7), "inconsistent numbers of samples"),
        (np.full(48, np.nan), "sample_weight has the value nan"),
    ],
)
def test_bad_weights(weight, message):
    with pytest.raises(ValueError, match=message):
        RNNRegressor(**FAST).fit(X, Y, sample_weight=weight)


def test_bad_labels():
    model = RNNClassifier(**FAST)
    several = np.ones((48, 3), int)
    with pytest.raises(ValueError, match=r"y has shape \(48, 3\).*MultiOutputClassifier"):
        model.fit(X, several)
    with pytest.raises(ValueError, match="Unknown label type: continuous"):
        model.fit(X, Y)
    with pytest.raises(TypeError, match=r"fit: y has labels of several kinds .*expected all numb"):
        model.fit(X, np.array(["a", None] * 24, object))
    for kind in (RNNClassifier, RNNRegressor):
        with pytest.raises(ValueError, match="fit: requires y to be passed, but the target y is N"):
            kind(**FAST).fit(X, None)
    with pytest.raises(ValueError, match="Input y contains NaN"):
        RNNRegressor(**FAST).fit(X, np.where(Y > 1, np.nan, Y))


def test_classes_that_change():
    labels = (Y > 0).astype(int)
    model = RNNClassifier(**FAST, warm_start=True)
    with pytest.raises(
        ValueError, match="partial_fit: classes is None; expected all labels in the"
    ):
        model.partial_fit(X, labels)
    with pytest.raises(ValueError, match=r"y has the label 1; expected one of \[0, 2\]"):
        model.partial_fit(X, labels, classes=[0, 2])
    model.partial_fit(X, labels, classes=[0, 1])
    with pytest.raises(ValueError, match=r"classes is \[0, 1, 2\]; expected \[0, 1\], as in"):
        model.partial_fit(X, labels, classes=[0, 1, 2])
    with pytest.raises(
        ValueError, match=r"the classes \[0, 1, 2\] and warm_start.*expected \[0, 1\]"
    ):
        model.fit(X, np.arange(48) % 3)
    numbers = RNNRegressor(**FAST).partial_fit(X, Y)
    with pytest.raises(ValueError, match="y has 2 columns; expected 1, as in the fit before"):
        numbers.partial_fit(X, np.stack([Y, Y], axis=1))


def test_predict_before_fit():
    with pytest.raises(NotFittedError, match="not fitted yet"):
        RNNClassifier().predict(X)


def test_ctrl_c_ends_a_search_too(monkeypatch):
    model = RNNRegressor(**FAST).fit(X, Y)

    def interrupted(*arguments, **options):
        history = type(model.model_).fit(model.model_, *arguments, **options)
        history.interrupted = True
        return history

    monkeypatch.setattr(model.model_, "fit", interrupted)
    with pytest.raises(KeyboardInterrupt):
        model.partial_fit(X, Y)


@pytest.mark.parametrize("kind", [RNNClassifier, RNNRegressor])
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_a_fit_that_fails_leaves_the_estimator_as_it_was(kind, method):
    labels = (np.median(Y) < Y).astype(int)
    model, untouched = (kind(**FAST).fit(X, labels) for _ in range(2))
    before = dict(vars(model))
    model.batch_size = "many"
    with pytest.raises(TypeError, match="batch_size is 'many'"):
        getattr(model, method)(TABLE if method == "fit" else X, 1 - labels)
    model.batch_size = before["batch_size"]
    assert vars(model) == before
    np.testing.assert_array_equal(model.predict(X), untouched.predict(X))


def test_a_first_fit_that_fails_fits_nothing():
    model = RNNRegressor(**FAST, batch_size=0)
    with pytest.raises(ValueError, match="batch_size is 0"):
        model.fit(X, Y)
    with pytest.raises(NotFittedError, match="not fitted yet"):
        model.predict(X)


def test_without_scikit_learn_the_error_names_the_extra():
    done = run_python(
        "import sys\nsys.modules['sklearn'] = None\n"
        "import tidegate as tg\ntg.models\n"
        "try:\n    import tidegate.sklearn\n"
        "except ImportError as error:\n    print(error)\n"
    )
    assert 'pip install "tidegate[sklearn]"' in done.stdout, done.stderr
