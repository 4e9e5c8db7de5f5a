"""RNNClassifier and RNNRegressor on data: what they learn, options, determinism."""

import numpy as np
import pytest

pytest.importorskip("sklearn", reason='needs scikit-learn: pip install "tidegate[sklearn]"')

from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_digits
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import tidegate as tg
from sklearn_problems import ragged, sequences
from tidegate.sklearn import RNNClassifier, RNNRegressor
from tidegate.training.losses import MeanAbsoluteError
from tidegate.training.optimizers import CosineDecay, RMSprop

# Results do not depend on the threads, and small data need no second one.
ONE = {"random_state": 0, "num_threads": 1}
FAST = {"units": 8, "epochs": 3, **ONE}


def same_bits(a, b, X):
    np.testing.assert_array_equal(a.predict(X), b.predict(X))
    for mine, other in zip(a.model_.get_weights(), b.model_.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, other)


def test_digits_row_by_row_beat_a_linear_model():
    X, y = load_digits(return_X_y=True)
    X, X_new, y, y_new = train_test_split(X / 16, y, stratify=y, random_state=0)
    model = RNNClassifier(steps=8, units=32, epochs=40, learning_rate=0.01, **ONE)
    score = model.fit(X, y).score(X_new, y_new)
    assert model.model_.input_shape == (None, 8)
    assert score > LogisticRegression(max_iter=1000).fit(X, y).score(X_new, y_new)
    assert score > 0.95


def test_a_pipeline_on_columns_is_worth_a_linear_model():
    """Columns have no order in time here, yet the network finds what they hold."""
    X, y = load_diabetes(return_X_y=True)
    rnn = make_pipeline(
        StandardScaler(), RNNRegressor(units=16, epochs=30, learning_rate=0.01, **ONE)
    )
    score = cross_val_score(rnn, X, y, cv=3).mean()
    assert score > 0.8 * cross_val_score(LinearRegression(), X, y, cv=3).mean()


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_ragged_sequences_are_learnt_and_padding_is_not_seen(cell):
    X, y = ragged(160)
    model = RNNRegressor(cell=cell, units=16, epochs=60, learning_rate=0.01, **ONE)
    model.fit(X[:120], y[:120])
    assert model.score(X[120:], y[120:]) > 0.8
    assert (model.input_kind_, model.n_features_in_) == ("sequences", 2)
    alone = np.concatenate([model.predict([x]) for x in X[:5]])
    np.testing.assert_allclose(alone, model.predict(X[:5]), rtol=1e-5, atol=1e-5)
    as_objects = np.array([*X, None], object)[:-1]
    np.testing.assert_array_equal(model.predict(as_objects), model.predict(X))


def test_ragged_sequences_of_one_value():
    X = [x[:, 0] for x in ragged()[0]]
    model = RNNRegressor(**FAST).fit(X, np.arange(48.0))
    np.testing.assert_array_equal(model.predict(X), model.predict([x[:, None] for x in X]))


def test_each_column_is_a_step_and_steps_cuts_rows():
    X, y = sequences(values=1)
    columns = RNNRegressor(**FAST).fit(X[..., 0], y)
    np.testing.assert_array_equal(
        columns.predict(X[..., 0]), RNNRegressor(**FAST).fit(X, y).predict(X)
    )
    assert (columns.input_kind_, columns.n_features_in_) == ("columns", 7)
    X, y = sequences(steps=6, values=3)
    cut = RNNRegressor(**FAST, steps=6).fit(X.reshape(48, 18), y)
    np.testing.assert_array_equal(
        cut.predict(X.reshape(48, 18)), RNNRegressor(**FAST).fit(X, y).predict(X)
    )


def test_columns_keep_their_names():
    pandas = pytest.importorskip("pandas", reason="needs pandas")
    X, y = sequences(values=1)
    table = pandas.DataFrame(X[..., 0], columns=list("abcdefg"))
    for model in (RNNRegressor(**FAST).fit(table, y), RNNClassifier(**FAST).fit(table, y > 0)):
        assert model.feature_names_in_.tolist() == list("abcdefg")
        assert model.predict(table).shape == (48,)  # and no warning
        with pytest.raises(ValueError, match="feature names should match"):
            model.predict(table[list("bacdefg")])
        model.fit(X, y > 0)  # sequences have none
        assert not hasattr(model, "feature_names_in_")


def test_sequences_may_be_longer_than_in_fit():
    X, y = sequences()
    model = RNNRegressor(**FAST).fit(X, y)
    assert model.predict(sequences(5, 30)[0]).shape == (5,)


@pytest.mark.parametrize("options", [{"layers": 2, "dropout": 0.3}, {"bidirectional": True}])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_bits_depend_on_random_state_alone(options, dtype, threads_restored):
    X, y = ragged()
    labels = np.where(y > 0, "up", "down")
    arguments = {**FAST, **options, "dtype": dtype, "early_stopping": True}
    one = RNNClassifier(**arguments).fit(X, labels)
    tg.set_num_threads(1)
    again = RNNClassifier(**{**arguments, "num_threads": 2}).fit(X, labels)
    assert tg.get_num_threads() == 1
    same_bits(one, again, X)
    other = RNNClassifier(**{**arguments, "random_state": 1}).fit(X, labels)
    assert (one.predict_proba(X) != other.predict_proba(X)).any()


def test_labels_may_be_strings_and_probabilities_follow_classes():
    X, y = sequences(120)
    labels = np.array(["low", "middle", "high"])[np.digitize(y, [-1, 1])]
    model = RNNClassifier(units=16, epochs=40, learning_rate=0.02, **ONE).fit(X, labels)
    assert model.classes_.tolist() == ["high", "low", "middle"]
    shares = model.predict_proba(X)
    np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-12)
    np.testing.assert_array_equal(model.classes_[shares.argmax(axis=1)], model.predict(X))
    np.testing.assert_allclose(np.exp(model.predict_log_proba(X)), shares, rtol=1e-12)
    assert model.score(X, labels) > 0.9


def test_several_targets_are_scaled_each_by_itself():
    X, y = sequences(120)
    targets = np.stack([y, 1000 + 300 * X[:, -1, 1]], axis=1)
    model = RNNRegressor(units=16, epochs=80, learning_rate=0.01, **ONE)
    predicted = model.fit(X, targets).predict(X)
    assert predicted.shape == targets.shape
    errors = np.std(predicted - targets, axis=0) / np.std(targets, axis=0)
    assert (errors < 0.4).all()
    np.testing.assert_allclose(model.y_mean_, targets.mean(axis=0), rtol=1e-12)


def test_class_weight_favours_the_rare_class():
    X, y = sequences(200)
    rare = y + np.random.default_rng(1).normal(0, 2, 200) > 3.5
    plain = RNNClassifier(**{**FAST, "epochs": 20}).fit(X, rare)
    balanced = clone(plain).set_params(class_weight="balanced").fit(X, rare)
    table = clone(plain).set_params(class_weight={True: 1 / rare.mean(), False: 1 / (~rare).mean()})
    assert balanced.predict(X).sum() > plain.predict(X).sum() + 10
    np.testing.assert_allclose(
        table.fit(X, rare).predict_proba(X), balanced.predict_proba(X), rtol=1e-4
    )
    by_sample = clone(plain).fit(
        X, rare, sample_weight=np.where(rare, 1 / rare.mean(), 1 / (~rare).mean())
    )
    np.testing.assert_allclose(by_sample.predict_proba(X), balanced.predict_proba(X), rtol=1e-4)


def test_early_stopping_ends_with_the_best_epoch():
    X, y = sequences(80)
    noise = np.random.default_rng(5).standard_normal(80)
    model = RNNRegressor(
        **{**FAST, "epochs": 300, "learning_rate": 0.03},
        early_stopping=True,
        validation_fraction=0.25,
        patience=4,
    ).fit(X, noise)
    losses = model.history_["val_loss"]
    assert model.n_iter_ == len(losses) < 300
    assert int(np.argmin(losses)) == len(losses) - 1 - 4
    plain = RNNRegressor(**{**FAST, "epochs": 4}).fit(X, y)
    assert "val_loss" not in plain.history_


def test_warm_start_goes_on_where_fit_stopped():
    X, y = sequences()
    once = RNNRegressor(**{**FAST, "epochs": 6}).fit(X, y)
    warm = RNNRegressor(**{**FAST, "epochs": 2}, warm_start=True).fit(X, y)
    warm.set_params(epochs=4).fit(X, y)
    same_bits(once, warm, X)
    cold = RNNRegressor(**{**FAST, "epochs": 2}).fit(X, y).set_params(epochs=6).fit(X, y)
    same_bits(once, cold, X)


def test_partial_fit_is_one_epoch_per_call():
    X, y = sequences()
    labels = np.where(y > 0, "up", "down")
    whole = RNNClassifier(**FAST).fit(X, labels)
    parts = RNNClassifier(**FAST)
    for _ in range(3):
        parts.partial_fit(X, labels, classes=["up", "down"])
    same_bits(whole, parts, X)
    parts.partial_fit(X[:5], np.full(5, "up"))  # a part without some class
    assert parts.classes_.tolist() == ["down", "up"]
    numbers = RNNRegressor(**{**FAST, "epochs": 2}).fit(X, y)
    same_bits(numbers, RNNRegressor(**FAST).partial_fit(X, y).partial_fit(X, y), X)


def test_optimizers_losses_and_schedules():
    X, y = sequences()
    optimizer = RMSprop(0.01)
    one = RNNRegressor(**FAST, optimizer=optimizer, loss=MeanAbsoluteError()).fit(X, y)
    same_bits(one, clone(one).fit(X, y), X)
    assert optimizer.iterations == 0
    named = RNNRegressor(
        **FAST, optimizer="AdamW", learning_rate=CosineDecay(0.01, 3), loss="huber"
    )
    assert np.isfinite(named.fit(X, y).predict(X)).all()
