"""Optimizers: formulas by hand in float64, clipping, taking back, schedules."""

import math

import numpy as np
import pytest

from tidegate.layers import Dense, Input
from tidegate.models import Sequential
from tidegate.training import optimizers
from tidegate.training.optimizers import clipping
from tolerances import BY_HAND

RNG = np.random.default_rng(0)


def parameters(*sizes, dtype="float64"):
    """A model whose kernels have these sizes."""
    return Sequential(
        [Input((1,)), *(Dense(size, use_bias=False, dtype=dtype) for size in sizes)], seed=0
    )


def steps(optimizer, model, count, scale=1.0):
    """Take steps on random gradients; return them, one flat array for each step."""
    if not optimizer.bound:
        optimizer.bind(model.buffers)
    gradients = []
    for _ in range(count):
        for flat in model.buffers:
            flat.gradients[...] = RNG.standard_normal(flat.gradients.size) * scale
        gradients.append(model.buffers[0].gradients.copy())
        optimizer.step()
    return gradients


def values(model):
    return model.buffers[0].values.copy()


def textbook_sgd(w, gradients, rate, momentum=0.0, nesterov=False):
    m = 0.0
    for g in gradients:
        m = momentum * m - rate * g
        w = w + (momentum * m - rate * g if nesterov else m)
    return w


def textbook_rmsprop(w, gradients, rate, rho=0.9, momentum=0.0, epsilon=1e-7, centered=False):
    v = a = m = 0.0
    for g in gradients:
        v = rho * v + (1 - rho) * g**2
        a = rho * a + (1 - rho) * g
        m = momentum * m + rate * g / np.sqrt(v - (a**2 if centered else 0) + epsilon)
        w = w - m
    return w


def textbook_adam(w, gradients, rate, b1=0.9, b2=0.999, epsilon=1e-7, decay=0.0):
    m = v = 0.0
    for t, g in enumerate(gradients, 1):
        w = w - rate * decay * w
        m = b1 * m + (1 - b1) * g
        v = b2 * v + (1 - b2) * g**2
        corrected = rate * math.sqrt(1 - b2**t) / (1 - b1**t)
        w = w - corrected * m / (np.sqrt(v) + epsilon)
    return w


NESTEROV = {"momentum": 0.5, "nesterov": True}
CENTRED = {"rho": 0.5, "momentum": 0.3, "centered": True}
CASES = [
    (optimizers.SGD, {}, textbook_sgd, {"rate": 0.01}),
    (optimizers.SGD, {"momentum": 0.9}, textbook_sgd, {"rate": 0.01, "momentum": 0.9}),
    (optimizers.SGD, NESTEROV, textbook_sgd, {"rate": 0.01, **NESTEROV}),
    (optimizers.RMSprop, {}, textbook_rmsprop, {"rate": 0.001}),
    (optimizers.RMSprop, CENTRED, textbook_rmsprop, {"rate": 0.001, **CENTRED}),
    (optimizers.Adam, {}, textbook_adam, {"rate": 0.001}),
    (
        optimizers.Adam,
        {"beta_1": 0.5, "beta_2": 0.7, "epsilon": 0.1},
        textbook_adam,
        {"rate": 0.001, "b1": 0.5, "b2": 0.7, "epsilon": 0.1},
    ),
    (optimizers.AdamW, {"learning_rate": 0.1}, textbook_adam, {"rate": 0.1, "decay": 0.004}),
]


@pytest.mark.parametrize("size", [3, 1_005])
@pytest.mark.parametrize(("kind", "options", "textbook", "settings"), CASES)
def test_formulas(kind, options, textbook, settings, size):
    model = parameters(size)
    start = values(model)
    optimizer = kind(**options)
    gradients = steps(optimizer, model, 5)
    expected = textbook(start, gradients, **settings)
    np.testing.assert_allclose(values(model), expected, rtol=1e3 * BY_HAND, atol=1e3 * BY_HAND)
    assert optimizer.iterations == 5


@pytest.mark.parametrize(("kind", "options", "textbook", "settings"), CASES)
def test_a_step_can_be_taken_back_whole(kind, options, textbook, settings):
    model = parameters(7)
    optimizer = kind(**options)
    steps(optimizer, model, 3)
    before = values(model), [slot.copy() for _, _, slot in optimizer.slots()]
    gradient = model.buffers[0].gradients
    gradient[...] = 1
    optimizer.step()
    after = values(model)
    assert optimizer.undo()
    assert optimizer.iterations == 3
    np.testing.assert_array_equal(values(model), before[0])
    for old, (_, _, slot) in zip(before[1], optimizer.slots(), strict=True):
        np.testing.assert_array_equal(slot, old)
    assert not optimizer.undo()
    gradient[...] = 1
    optimizer.step()
    np.testing.assert_array_equal(values(model), after)


def test_both_dtypes_take_steps():
    model = Sequential([Input((2,)), Dense(3), Dense(2, dtype="float64")], seed=0)
    optimizer = optimizers.Adam()
    before = [flat.values.copy() for flat in model.buffers]
    steps(optimizer, model, 2)
    for old, flat in zip(before, model.buffers, strict=True):
        moved = np.abs(flat.values - old)
        assert ((moved > 1e-5) & (moved < 2.5e-3)).all()


def gradients_after(model, **options):
    model.buffers[0].gradients[...] = [3, 4, 6, 8]
    optimizer = optimizers.SGD(1.0, **options)
    before = values(model)
    optimizer.bind(model.buffers)
    optimizer.step()
    return before - values(model)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [3, 4, 6, 8]),
        ({"clipnorm": 5.0}, [3, 4, 3, 4]),
        ({"clipnorm": 20.0}, [3, 4, 6, 8]),
        ({"global_clipnorm": math.sqrt(125) / 2}, [1.5, 2, 3, 4]),
        ({"global_clipnorm": 100.0}, [3, 4, 6, 8]),
        ({"clipvalue": 5.0}, [3, 4, 5, 5]),
    ],
    ids=str,
)
def test_clipping(options, expected):
    model = Sequential(
        [Input((2,)), Dense(1, use_bias=False, dtype="f8"), Dense(2, use_bias=False, dtype="f8")]
    )
    np.testing.assert_allclose(gradients_after(model, **options), expected, rtol=1e-12)


def test_a_norm_beyond_the_range_of_float32():
    gradient = np.full(4, 3e30, "f4")
    with np.errstate(over="ignore", invalid="ignore"):  # as in fit
        squared = clipping.squared_norm(gradient)
        assert squared == pytest.approx(3.6e61)
        clipping.scale_to_norm([gradient], math.sqrt(squared), 1.0)
        np.testing.assert_allclose(gradient, 0.5, rtol=1e-6)
        gradient[2] = np.inf
        assert math.isnan(clipping.squared_norm(gradient))


def test_moments_do_not_stay_denormal():
    """A unit that gets no gradient any more: its moments end at 0, not at 1e-45."""
    model = parameters(3, dtype="float32")
    optimizer = optimizers.Adam()
    steps(optimizer, model, 1)
    model.buffers[0].gradients[...] = 0
    for _ in range(1100):
        optimizer.step()
    first = next(slot for name, _, slot in optimizer.slots() if name == "momentum")
    assert (first == 0).all()


def test_a_centred_mean_square_below_its_mean_is_no_nan():
    """With equal gradients v = a², and rounding may leave v - a² < -epsilon in float32."""
    model = parameters(64, dtype="float32")
    optimizer = optimizers.RMSprop(centered=True, rho=0.37)
    optimizer.bind(model.buffers)
    model.buffers[0].gradients[...] = np.linspace(10, 1000, 64)
    for _ in range(50):
        optimizer.step()
    assert np.isfinite(values(model)).all()


def test_a_step_allocates_no_arrays_of_the_model_s_size():
    import tracemalloc

    model = parameters(200_000, dtype="float32")
    optimizer = optimizers.AdamW(global_clipnorm=1.0)
    steps(optimizer, model, 2)
    tracemalloc.start()
    optimizer.step()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20_000


def test_schedules_are_followed():
    schedule = optimizers.PiecewiseConstantDecay([1, 3], [1.0, 0.5, 0.25])
    model = parameters(1)
    optimizer = optimizers.SGD(schedule)
    optimizer.bind(model.buffers)
    seen = []
    for _ in range(5):
        before = values(model)
        model.buffers[0].gradients[...] = 1
        optimizer.step()
        seen.append(float((before - values(model))[0]))
    np.testing.assert_allclose(seen, [1, 1, 0.5, 0.5, 0.25])
    assert optimizer.learning_rate == 0.25
    with pytest.raises(TypeError, match="learning_rate follows PiecewiseConstantDecay and cannot"):
        optimizer.learning_rate = 0.1


def test_the_learning_rate_can_be_set():
    optimizer = optimizers.Adam()
    optimizer.learning_rate = 0.5
    assert optimizer.learning_rate == 0.5
    with pytest.raises(ValueError, match="learning_rate is -1; expected a finite number >= 0"):
        optimizer.learning_rate = -1


@pytest.mark.parametrize(
    ("optimizer", "kind", "message"),
    [
        ("adamm", ValueError, r'optimizer is \'adamm\'; expected one of "sgd", "rmsprop", "adam"'),
        ("adamm", ValueError, r"did you mean 'adam'\?"),
        (3, TypeError, "optimizer is 3 of type int; expected a name or an object of Optimizer"),
        (Dense, TypeError, "expected a name or an object of Optimizer"),
    ],
)
def test_unknown_optimizers(optimizer, kind, message):
    with pytest.raises(kind, match=message):
        Sequential().compile(optimizer, "mse")


@pytest.mark.parametrize("optimizer", ["Adam", "SGD", optimizers.RMSprop, optimizers.AdamW(0.1)])
def test_known_optimizers(optimizer):
    model = Sequential()
    model.compile(optimizer, "mse")
    assert isinstance(model.optimizer, optimizers.Optimizer)


def test_unknown_losses_are_answered_with_the_known():
    with pytest.raises(ValueError, match=r'loss is \'rmse\'; expected one of "mse", "mean_squared'):
        Sequential().compile("adam", "rmse")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: optimizers.Adam(-1), "learning_rate is -1"),
        (lambda: optimizers.Adam("0.1"), "learning_rate is '0.1' of type str; expected a number"),
        (lambda: optimizers.Adam(np.nan), "learning_rate is nan"),
        (lambda: optimizers.Adam(beta_1=1.0), "beta_1 is 1; expected a finite number >= 0 and < 1"),
        (lambda: optimizers.SGD(momentum=1.5), "momentum is 1.5; .* >= 0 and <= 1"),
        (lambda: optimizers.SGD(clipnorm=1, clipvalue=1), "are set; expected one of them"),
        (lambda: optimizers.AdamW(weight_decay=None), "weight_decay is None"),
        (lambda: optimizers.CosineDecay(0.1, 0), "decay_steps is 0"),
        (lambda: optimizers.CosineDecay(0.1, 5, warmup_target=1.0), "warmup_steps is 0"),
        (lambda: optimizers.PiecewiseConstantDecay([1], [1]), "values has 1 entries; expected 2"),
        (lambda: optimizers.PiecewiseConstantDecay([2, 1], [1, 1, 1]), "expected rising steps"),
    ],
)
def test_bad_arguments(make, message):
    with pytest.raises((ValueError, TypeError), match=message):
        make()


def test_an_optimizer_serves_one_model():
    optimizer = optimizers.Adam()
    models = [parameters(1), parameters(1)]
    for model in models:
        model.compile(optimizer, "mse")
    models[0].fit([[1.0]], [1.0], verbose=0)
    with pytest.raises(RuntimeError, match=r"trained other layers than the model has now; .*comp"):
        models[1].fit([[1.0]], [1.0], verbose=0)
    models[0].add(Dense(1))
    with pytest.raises(RuntimeError, match="trained other layers"):
        models[0].fit([[1.0]], [1.0], verbose=0)
    models[0].compile("adam", "mse")
    models[0].fit([[1.0]], [1.0], verbose=0)
