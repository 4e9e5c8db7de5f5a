"""First values: their spread, their shapes, their seeds."""

import numpy as np
import pytest

from tidegate.layers import LSTM, Dense, initializers


def draw(name, shape, seed=0, **options):
    kind = initializers.get("test", "initializer", name)
    return kind(shape, np.random.default_rng(seed), **options)


@pytest.mark.parametrize(
    ("name", "variance"),
    [
        ("glorot_uniform", 2 / 700),
        ("glorot_normal", 2 / 700),
        ("he_uniform", 2 / 300),
        ("he_normal", 2 / 300),
        ("lecun_uniform", 1 / 300),
        ("lecun_normal", 1 / 300),
        ("random_normal", 0.05**2),
        ("random_uniform", 0.05**2 / 3),
    ],
)
def test_variance(name, variance):
    values = draw(name, (300, 400))
    assert abs(values.mean()) < 5 * np.sqrt(variance / values.size)
    assert abs(values.var() / variance - 1) < 0.02
    if name.endswith("uniform"):
        assert np.abs(values).max() <= np.sqrt(3 * variance)


def test_cut_normal_has_no_tails():
    values = draw("he_normal", (300, 400))
    stddev = np.sqrt(2 / 300) / 0.87962566103423978
    assert 1.99 * stddev < np.abs(values).max() <= 2 * stddev


@pytest.mark.parametrize("shape", [(4, 4), (3, 12), (12, 3), (1, 4), (1, 1)], ids=str)
def test_orthogonal(shape):
    values = draw("orthogonal", shape)
    small = min(shape)
    product = values @ values.T if shape[0] <= shape[1] else values.T @ values
    np.testing.assert_allclose(product, np.eye(small), atol=1e-12)


def test_orthogonal_has_both_signs():
    signs = {float(np.sign(draw("orthogonal", (1, 1), seed)[0, 0])) for seed in range(20)}
    assert signs == {-1.0, 1.0}


def test_orthogonal_refuses_a_vector():
    with pytest.raises(ValueError, match=r"shape is \(3,\); expected a matrix"):
        draw("orthogonal", (3,))


def test_constants():
    assert (draw("zeros", (2, 3)) == 0).all()
    assert (draw("ones", (2, 3)) == 1).all()
    assert (draw(initializers.Constant(2.5), (2, 3)) == 2.5).all()


def test_a_seed_of_its_own_draws_the_same_every_time():
    seeded = initializers.VarianceScaling(1.0, "fan_avg", "uniform", seed=3)
    assert np.array_equal(draw(seeded, (3, 4), seed=0), draw(seeded, (3, 4), seed=1))
    assert not np.array_equal(draw("glorot_uniform", (3, 4), 0), draw("glorot_uniform", (3, 4), 1))


def test_recurrent_kernels_are_filled_whole():
    layer = LSTM(5, recurrent_initializer="orthogonal")
    layer.build((None, 3))
    weight_ih, weight_hh, bias = layer.get_weights()
    assert weight_ih.shape == (20, 3)
    np.testing.assert_allclose(weight_hh.T @ weight_hh, np.eye(5), atol=1e-6)
    np.testing.assert_array_equal(bias, [0] * 5 + [1] * 5 + [0] * 10)


def test_unit_forget_bias_can_be_left_out():
    layer = LSTM(2, unit_forget_bias=False, bias_initializer=initializers.Constant(3.0))
    layer.build((None, 3))
    assert (layer.get_weights()[2] == 3).all()


def test_an_initializer_of_the_users_sees_keras_s_shapes():
    seen = []

    class Mine(initializers.Initializer):
        def draw(self, shape, rng):
            seen.append(shape)
            return np.arange(np.prod(shape), dtype=float).reshape(shape)

    layer = LSTM(2, kernel_initializer=Mine(), recurrent_initializer=Mine())
    layer.build((None, 3))
    assert seen == [(3, 8), (2, 8)]
    np.testing.assert_array_equal(layer.get_weights()[0], np.arange(24).reshape(3, 8).T)


@pytest.mark.parametrize("name", sorted(initializers.NAMED))
def test_configuration_makes_an_equal_initializer(name):
    first = initializers.get("test", "initializer", name)
    again = initializers.get("test", "initializer", initializers.describe(first))
    assert type(again) is type(first)
    assert np.array_equal(draw(first, (3, 4)), draw(again, (3, 4)))


def test_an_unknown_name_lists_the_known():
    with pytest.raises(ValueError, match=r"kernel_initializer is 'glorot'; expected one of.*he_un"):
        Dense(3, kernel_initializer="glorot")
    with pytest.raises(TypeError, match="expected a name such as"):
        Dense(3, kernel_initializer=3)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: initializers.VarianceScaling(-1.0), "scale is -1; expected a finite number >= 0"),
        (lambda: initializers.VarianceScaling(mode="fan"), "mode is 'fan'; expected one of"),
        (lambda: initializers.RandomUniform(1.0, 0.0), "maxval is 0; expected .* >= 1"),
        (lambda: initializers.Constant(np.nan), "value is nan; expected a finite number"),
    ],
)
def test_bad_arguments(make, message):
    with pytest.raises(ValueError, match=message):
        make()
