"""Losses: values by hand, slopes by finite differences, extremes; what targets they take."""

import numpy as np
import pytest

from numeric_gradient import numeric_gradient
from tidegate.layers import Dense, Input
from tidegate.models import Sequential
from tidegate.training import losses, metrics
from tolerances import BY_HAND, assert_differences_close

RNG = np.random.default_rng(0)
TARGETS = {
    "real": RNG.standard_normal((5, 4)),
    "one column": RNG.standard_normal((5, 1)),
    "binary": RNG.integers(0, 2, (5, 4)).astype(float),
    "one hot": np.eye(4)[RNG.integers(0, 4, 5)],
    "soft": RNG.dirichlet(np.ones(4), 5) * 1.5,  # not even probabilities
    "classes": RNG.integers(0, 4, 5),
}
CASES = [
    (losses.MeanSquaredError(), "real"),
    (losses.MeanAbsoluteError("sum"), "real"),
    (losses.Huber(0.6), "real"),
    (losses.QuantileLoss(0.9), "real"),
    (losses.QuantileLoss([0.05, 0.3, 0.5, 0.95], "sum"), "one column"),
    (losses.BinaryCrossentropy(), "binary"),
    (losses.BinaryCrossentropy(True, 0.3), "binary"),
    (losses.CategoricalCrossentropy(), "one hot"),
    (losses.CategoricalCrossentropy(label_smoothing=0.2), "soft"),
    (losses.CategoricalCrossentropy(True, 0.3), "soft"),
    (losses.SparseCategoricalCrossentropy(), "classes"),
    (losses.SparseCategoricalCrossentropy(True, "sum"), "classes"),
]


@pytest.mark.parametrize("weight", [None, np.linspace(0, 3, 5)], ids=["plain", "weighted"])
@pytest.mark.parametrize(("loss", "kind"), CASES)
def test_slopes(loss, kind, weight):
    target = TARGETS[kind]
    output = RNG.uniform(0.05, 0.9, (5, 4))
    _, analytic = loss.value_and_gradient(target, output.copy(), weight)
    numeric = numeric_gradient(output, lambda: loss.value(target, output.copy(), weight))
    assert_differences_close({"output": analytic}, {"output": numeric}, np.float64)


@pytest.mark.parametrize(("loss", "kind"), CASES)
def test_arguments_are_not_changed(loss, kind):
    target, output = TARGETS[kind].copy(), RNG.uniform(0.05, 0.9, (5, 4))
    before = output.copy()
    loss.value_and_gradient(target, output, np.ones(5))
    np.testing.assert_array_equal(output, before)
    np.testing.assert_array_equal(target, TARGETS[kind])


@pytest.mark.parametrize(
    ("loss", "target", "output", "expected"),
    [
        (losses.MeanSquaredError(), [[1, 2]], [[2, 4]], 2.5),
        (losses.MeanSquaredError("sum"), [[1, 2], [0, 0]], [[2, 4], [0, 2]], 4.5),
        (losses.MeanAbsoluteError(), [[1, 2]], [[2, 4]], 1.5),
        (losses.Huber(), [[0, 0]], [[0.5, 3]], (0.125 + 2.5) / 2),
        (losses.QuantileLoss(0.9), [[1.0, 2.0]], [[0.0, 4.0]], (0.9 + 0.2) / 2),
        (losses.QuantileLoss([0.1, 0.8]), [[1.0], [0.0]], [[0.0, 0.0], [2.0, 0.0]], 2.7 / 4),
        (losses.BinaryCrossentropy(), [[1]], [[0.25]], np.log(4)),
        (losses.BinaryCrossentropy(from_logits=True), [[1]], [[0.0]], np.log(2)),
        (losses.CategoricalCrossentropy(), [[0, 1]], [[0.25, 0.75]], np.log(4 / 3)),
        (losses.CategoricalCrossentropy(), [[0, 1]], [[0.5, 1.5]], np.log(4 / 3)),
        (losses.SparseCategoricalCrossentropy(), [1], [[0.25, 0.75]], np.log(4 / 3)),
        (losses.SparseCategoricalCrossentropy(True), [1], [[0.0, np.log(3)]], np.log(4 / 3)),
    ],
)
def test_values_by_hand(loss, target, output, expected):
    got = loss.value(np.array(target), np.array(output, dtype=float))
    np.testing.assert_allclose(got, expected, rtol=BY_HAND)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize(("kind", "wrong"), [("binary", 0), ("sparse", 1), ("one hot", [0, 1])])
def test_logits_of_any_size(kind, wrong, dtype):
    """A wrong answer with a logit of 1e4 costs 1e4, and keeps its slope; a right one costs 0."""
    loss = {
        "binary": losses.BinaryCrossentropy,
        "sparse": losses.SparseCategoricalCrossentropy,
        "one hot": losses.CategoricalCrossentropy,
    }[kind](from_logits=True)
    logits = np.array([[1e4]] if kind == "binary" else [[1e4, 0]], dtype)
    target = np.array(
        [[wrong]] if kind == "binary" else [wrong], None if kind == "sparse" else dtype
    )
    value, slope = loss.value_and_gradient(target, logits)
    assert value == 1e4
    assert slope[0, 0] == 1
    assert slope.dtype == dtype
    assert loss.value(target, -logits) == 0


def test_probabilities_of_zero_cost_a_finite_amount():
    for loss, target in (
        (losses.BinaryCrossentropy(), np.array([[1.0, 0.0]])),
        (losses.CategoricalCrossentropy(), np.array([[1.0, 0.0]])),
        (losses.SparseCategoricalCrossentropy(), np.array([0])),
    ):
        value, slope = loss.value_and_gradient(target, np.array([[0.0, 1.0]]))
        assert 8 < value < 17
        assert np.isfinite(slope).all()


def evaluate(loss, outputs, y, *, shape=(), watched=None, **options):
    """A model that passes its input on, so that y alone is tested."""
    model = Sequential([Input((*shape, outputs)), Dense(outputs, kernel_initializer="zeros")])
    model.compile("sgd", loss, metrics=watched)
    return model.evaluate(np.ones((4, *shape, outputs)), y, **options)


@pytest.mark.parametrize(
    ("outputs", "shape", "y"),
    [
        (1, (), np.ones(4)),
        (1, (), np.ones((4, 1), bool)),
        (1, (), [1, 1, 1, 1]),
        (1, (3,), np.ones((4, 3))),
        (2, (), np.ones((4, 2))),
        (2, (), np.ones((4, 2, 1))),
        (2, (), np.asfortranarray(np.ones((4, 2)))[:, ::-1]),
    ],
)
def test_targets_that_fit(outputs, shape, y):
    assert evaluate("mse", outputs, y, shape=shape) == 1


def test_a_loss_without_a_number_is_nan_and_no_warning():
    """Probabilities that sum to 0, as a relu may make them."""
    assert np.isnan(evaluate("categorical_crossentropy", 2, np.eye(4)[:, :2]))


def test_labels_that_fit():
    for y in ([0, 1, 1, 0], np.zeros((4, 1), "i1"), np.ones(4, "f4"), [True] * 4):
        np.testing.assert_allclose(
            evaluate("sparse_categorical_crossentropy", 2, y), np.log(2), rtol=1e-6
        )


def test_quantiles_of_one_target():
    """Several outputs answer one target: the loss is least at the quantiles of the targets."""
    loss = losses.QuantileLoss([0.1, 0.5, 0.9])
    assert evaluate(loss, 3, np.ones(4)) == 0.5
    assert evaluate(loss, 3, np.ones((4, 5, 1)), shape=(5,)) == 0.5
    drawn = RNG.exponential(size=(4000, 1))
    quantiles = np.quantile(drawn, [0.1, 0.5, 0.9])
    _, slope = loss.value_and_gradient(drawn, np.tile(quantiles, (4000, 1)))
    np.testing.assert_allclose(slope.sum(axis=0), 0, atol=2 / 4000)


SPARSE = "sparse_categorical_crossentropy"
BAD_TARGETS = [
    (
        losses.QuantileLoss([0.5]),
        2,
        np.ones(4),
        ValueError,
        r"\(N, 2\) and the loss 1 quantiles; ex",
    ),
    (losses.QuantileLoss([0.1, 0.9]), 2, np.ones((4, 2)), ValueError, r"y has shape \(4, 2\)"),
    ("mse", 1, np.ones(3), ValueError, "y has 3 samples; expected 4, as x has"),
    ("mse", 1, 3.0, ValueError, "y has no samples; expected 4"),
    ("mse", 1, None, ValueError, "evaluate: y is missing; expected one target"),
    ("mse", 2, np.ones(4), ValueError, r"y has shape \(4,\); expected \(N, 2\)"),
    ("mse", 1, np.ones((4, 3)), ValueError, r"y has shape \(4, 3\); expected \(N, 1\)"),
    ("mse", 1, [1, np.nan, 2, 3], ValueError, r"y has the value nan at index \(1,\).*drop those"),
    ("mse", 1, ["a"] * 4, TypeError, "y has dtype <U1"),
    (SPARSE, 2, np.eye(4)[:, :2], ValueError, r"\(4, 2\); expected \(N,\), one class number"),
    (
        "binary_crossentropy",
        1,
        [0, 1, 2, 0],
        ValueError,
        r"evaluate: y has the value 2; .* 0\.\.1, as",
    ),
    ("binary_crossentropy", 1, [1, -1, 1, -1], ValueError, r"y has the value -1; .*\(y \+ 1\) / 2"),
    (SPARSE, 2, [0, 1, 2, 0], ValueError, r"y has the class 2; expected 0\.\.1, as the model has"),
    (SPARSE, 2, [0, -1, 1, 0], ValueError, "y has the class -1"),
    (SPARSE, 2, [0, 0.5, 1, 0], ValueError, "y has the value 0.5; expected class numbers"),
]


@pytest.mark.parametrize(("loss", "outputs", "y", "kind", "message"), BAD_TARGETS)
def test_bad_targets(loss, outputs, y, kind, message):
    with pytest.raises(kind, match=message):
        evaluate(loss, outputs, y)


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (np.ones(3), "sample_weight has 3 samples; expected 4"),
        (np.ones((4, 2)), r"sample_weight has shape \(4, 2\); expected \(4,\)"),
        ([1, 1, np.inf, 1], "sample_weight has the value inf"),
    ],
)
def test_bad_weights(weight, message):
    with pytest.raises(ValueError, match=message):
        evaluate("mse", 1, np.ones(4), sample_weight=weight)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: losses.Huber(-1), "Huber: delta is -1; expected a finite number >= 0"),
        (lambda: losses.QuantileLoss(1), "QuantileLoss: quantiles is 1; expected a finite number"),
        (lambda: losses.QuantileLoss([0.5, 0]), "QuantileLoss: quantiles is 0"),
        (lambda: losses.QuantileLoss([]), "QuantileLoss: quantiles is empty; expected at least"),
        (lambda: losses.QuantileLoss("0.5"), "QuantileLoss: quantiles is '0.5' of type str"),
        (lambda: losses.MeanSquaredError("mean"), "reduction is 'mean'; expected one of"),
        (lambda: losses.BinaryCrossentropy(label_smoothing=2), "label_smoothing is 2"),
        (lambda: losses.BinaryCrossentropy(from_logits=1), "from_logits is 1 of type int"),
    ],
)
def test_bad_arguments(make, message):
    with pytest.raises((ValueError, TypeError), match=message):
        make()


# -- metrics --


def test_accuracy_chooses_by_keras_s_rule():
    y = np.array([1, 0, 1, 1])
    assert evaluate("binary_crossentropy", 1, y, watched=["accuracy"])[1] == 0.25  # all 0
    assert evaluate(SPARSE, 2, y, watched=["acc"])[1] == 0.25  # all class 0
    one_hot = evaluate("mse", 2, np.eye(2)[y], watched=["accuracy"])
    assert one_hot[1] == 0.25


def test_a_metric_is_a_mean_over_batches_of_any_size():
    metric = metrics.BinaryAccuracy()
    metric.update(np.array([[1.0]]), np.array([[0.9]]))
    metric.update(np.array([[1.0], [1.0], [0.0]]), np.array([[0.1], [0.2], [0.3]]))
    assert metric.result() == 0.5
    metric.reset()
    assert metric.result() == 0
    metric.update(np.array([[1.0], [0.0]]), np.array([[1.0], [1.0]]), np.array([3.0, 1.0]))
    assert metric.result() == 0.75


def test_root_mean_squared_error():
    watched = ["root_mean_squared_error", metrics.RootMeanSquaredError(name="again")]
    values = evaluate("mse", 1, [3, 0, 0, 4], watched=watched)
    np.testing.assert_allclose(values, [6.25, 2.5, 2.5], rtol=1e-6)


@pytest.mark.parametrize(
    ("watched", "kind", "message"),
    [
        (["accurcy"], ValueError, 'metrics has \'accurcy\'; expected one of "accuracy", "acc"'),
        ("accuracy", TypeError, "metrics is 'accuracy'; expected a list"),
        ([np.mean], TypeError, "expected one of .* or a Metric object"),
        (["mae", "mae"], ValueError, "metrics has the name 'mae' twice"),
        ([metrics.Accuracy("loss")], ValueError, "the name 'loss' twice"),
    ],
)
def test_bad_metrics(watched, kind, message):
    with pytest.raises(kind, match=message):
        Sequential().compile("sgd", "mse", metrics=watched)
