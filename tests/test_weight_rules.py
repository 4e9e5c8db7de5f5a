"""Regularizers and constraints: gradients, what a step leaves, files, and what is refused."""

import copy

import numpy as np
import pytest

import tidegate as tg
from numeric_gradient import numeric_gradient
from tidegate.layers import GRU, LSTM, Dense, Embedding, SimpleRNN, constraints, regularizers
from tidegate.layers.constraints import MaxNorm, NonNeg, UnitNorm
from tidegate.layers.regularizers import L1, L1L2, L2
from tidegate.models import Sequential
from tidegate.training.step import Step
from tolerances import assert_differences_close
from training_probes import NoStep

RNG = np.random.default_rng(3)
X, Y = RNG.standard_normal((12, 4, 2)), RNG.standard_normal((12, 1))
F8 = {"dtype": "float64"}
ALL = {
    "kernel_regularizer": L1L2(0.1, 0.2),
    "recurrent_regularizer": L1(0.3),
    "bias_regularizer": L2(0.4),
}


def make(layer=LSTM, **options):
    recurrent = layer(3, bias_initializer="random_normal", input_shape=(4, 2), **options, **F8)
    model = Sequential([recurrent, Dense(1, **F8)], seed=1)
    model.compile("sgd", "mse")
    return model


@pytest.mark.parametrize("layer", [LSTM, GRU, SimpleRNN])
def test_gradients_with_penalties(layer):
    model = make(layer, **ALL)
    model.optimizer = NoStep()
    x, y = X[:3], Y[:3]

    def loss():
        model.weights_changed()
        return Step(model).train(x, y, None, None)

    loss()
    analytic = {name: parameter.grad.copy() for name, parameter in model.parameters.items()}
    numeric = {name: numeric_gradient(p.value, loss) for name, p in model.parameters.items()}
    assert_differences_close(analytic, numeric, np.float64)


def test_loss_is_that_of_the_targets_and_the_penalty():
    plain, model = make(), make(**ALL)
    lstm = model.layers[0]
    w, r, b = (parameter.value for parameter in lstm.parameters)
    penalty = 0.1 * np.abs(w).sum() + 0.2 * (w**2).sum() + 0.3 * np.abs(r).sum()
    penalty += 0.4 * (b**2).sum()
    assert model.evaluate(X, Y) == pytest.approx(plain.evaluate(X, Y) + penalty, rel=1e-12)
    first = model.train_on_batch(X, Y)
    assert first == pytest.approx(plain.train_on_batch(X, Y) + penalty, rel=1e-12)


def test_constraints_hold_after_every_step():
    model = make(
        kernel_constraint=UnitNorm(), recurrent_constraint=MaxNorm(0.5), bias_constraint=NonNeg()
    )
    for _ in range(3):
        model.train_on_batch(X, Y)
        w, r, b = (parameter.value for parameter in model.layers[0].parameters)
        np.testing.assert_allclose(np.linalg.norm(w, axis=1), 1, rtol=1e-6)
        assert np.linalg.norm(r, axis=1).max() <= 0.5
        assert b.min() == 0


def test_a_step_whose_constraint_breaks_off_is_undone():
    class Broken(constraints.Constraint):
        def __call__(self, w):
            raise KeyboardInterrupt

    model = make(kernel_constraint=Broken())
    before = model.get_weights()
    history = model.fit(X, Y, verbose=0)
    assert history.interrupted
    assert model.optimizer.iterations == 0
    assert all(map(np.array_equal, before, model.get_weights()))


def test_a_rule_of_the_user_s_sees_keras_s_shapes():
    seen = {}

    class Penalty(regularizers.Regularizer):
        def value(self, w):
            seen[w.shape] = True
            return float(w[0].sum())  # the weights of the first input

        def gradient(self, w):
            gradient = np.zeros_like(w)
            gradient[0] = 1
            return gradient

    model = make(GRU, kernel_regularizer=Penalty(), bias_regularizer=Penalty())
    plain = make(GRU)
    model.optimizer.learning_rate = plain.optimizer.learning_rate = 1.0
    model.train_on_batch(X, Y)
    plain.train_on_batch(X, Y)
    assert set(seen) == {(2, 9), (2, 9)}
    w, b = plain.layers[0].parameters[0].value, plain.layers[0].parameters[2].value
    np.testing.assert_allclose(model.layers[0].parameters[0].value[:, 0], w[:, 0] - 1, rtol=1e-9)
    np.testing.assert_array_equal(model.layers[0].parameters[0].value[:, 1], w[:, 1])
    np.testing.assert_allclose(model.layers[0].parameters[2].value, b - 1, rtol=1e-9)
    with pytest.raises(ValueError, match="kernel_regularizer is of class Penalty, which a config"):
        model.layers[0].get_config()


def test_rules_are_saved_and_copied(tmp_path):
    model = make(kernel_constraint=MaxNorm(0.4, axis=(0, 1)), **ALL)
    model.save(tmp_path / "m.safetensors")
    for other in (tg.load(tmp_path / "m.safetensors"), copy.deepcopy(model)):
        assert other.layers[0].get_config() == model.layers[0].get_config()
        assert other.evaluate(X, Y) == model.evaluate(X, Y)
    embedding = Embedding(5, 2, embeddings_regularizer="l2", embeddings_constraint="unit_norm")
    assert Embedding.from_config(embedding.get_config()).get_config() == embedding.get_config()
    dense = Dense(2, "relu", True, "ones", "zeros", "l1", "l2", bias_constraint="max_norm")
    assert Dense.from_config(dense.get_config()).get_config() == dense.get_config()


def test_rules_print_as_they_are_written():
    assert repr(L1L2(0.5)) == "L1L2(l1=0.5, l2=0.0)"
    assert repr(MaxNorm(1.0, (0, 1))) == "MaxNorm(max_value=1.0, axis=(0, 1))"


def test_rules_that_cannot_be():
    with pytest.raises(
        ValueError, match="LSTM: kernel_regularizer is 'l3'; expected one of \"l1\""
    ):
        LSTM(2, kernel_regularizer="l3")
    with pytest.raises(TypeError, match=r'GRU: bias_regularizer is 0\.1; expected "l1", "l2"'):
        GRU(2, bias_regularizer=0.1)
    with pytest.raises(TypeError, match='kernel_constraint is 3; expected "max_norm"'):
        Dense(2, kernel_constraint=3)
    with pytest.raises(ValueError, match="recurrent_constraint is 'l2'; expected one of \"max"):
        SimpleRNN(2, recurrent_constraint="l2")
    with pytest.raises(ValueError, match="L2: l2 is -1; expected a finite number >= 0"):
        L2(-1)
    with pytest.raises(ValueError, match="MaxNorm: max_value is nan; expected"):
        MaxNorm(np.nan)
    with pytest.raises(ValueError, match="the class of bias_constraint is 'L2'; expected one of"):
        LSTM(2, bias_constraint={"class": "L2", "config": {}})
    with pytest.raises(ValueError, match="the config of bias_regularizer is no table"):
        LSTM(2, bias_regularizer={"class": "L2", "config": 1})
    with pytest.raises(
        ValueError, match=r"bias_constraint is UnitNorm\(axis=1\); expected axes of"
    ):
        make(bias_constraint=UnitNorm(axis=1)).fit(X, Y)
    with pytest.raises(NotImplementedError, match="Regularizer: a regularizer writes value"):
        make(kernel_regularizer=regularizers.Regularizer()).evaluate(X, Y)
    with pytest.raises(NotImplementedError, match="Constraint: a constraint writes __call__"):
        make(kernel_constraint=constraints.Constraint()).fit(X, Y)
