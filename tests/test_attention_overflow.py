"""Scores beyond the largest float: their differences still say where attention goes."""

import numpy as np
import pytest

from tidegate.layers import Attention
from tolerances import assert_forward_close

OPTIONS = [{}, {"use_scale": True}, {"score_mode": "scaled_dot", "use_scale": True}]


def inputs(dtype, large):
    """Three sequences; the scores of the second overflow, and two of its keys are one."""
    rng = np.random.default_rng(5)
    query, value = rng.standard_normal((3, 2, 4)), rng.standard_normal((3, 5, 4))
    query[1] *= large
    value[1] *= large
    value[1, 3] = value[1, 0]
    query[1, 1] = value[1, 0]
    return [query.astype(dtype), value.astype(dtype)]


def run(layer, x, mask=None):
    y, weights = layer(x, mask=mask, return_attention_scores=True)
    saved = layer.forward(x, training=True, mask=mask)[1]
    dy = np.ones_like(y)
    dx = layer.backward(saved, dy)
    return y, weights, dx, [p.grad.copy() for p in layer.parameters]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("mask", [None, [True, False, True, True, True]], ids=["all", "masked"])
def test_scores_that_overflow_float32_give_the_weights_of_float64(options, mask):
    x = inputs("f4", 1e20)
    masks = None if mask is None else [None, np.array([mask] * 3)]
    layer, exact = Attention(**options), Attention(dtype="float64", **options)
    y, weights, dx, dscale = run(layer, x, masks)
    wide = run(exact, [part.astype("f8") for part in x], masks)
    for found, expected in zip([y, weights], wide[:2], strict=True):
        for row in range(3):
            assert_forward_close(found[row], expected[row])
    np.testing.assert_array_equal(weights[1, 1], [0.5, 0, 0, 0.5, 0])
    assert all(np.isfinite(part).all() for part in dx + dscale)
    np.testing.assert_array_equal(dx[0][1], 0)  # the weights stay where they are


def test_scores_that_overflow_float64_give_weights():
    y, weights, dx, _ = run(Attention(dtype="float64"), inputs("f8", 1e160))
    small = run(Attention(dtype="float64"), inputs("f8", 1e10))
    np.testing.assert_array_equal(weights[1], small[1][1])
    assert np.isfinite(y).all()
    assert np.isfinite(dx[0]).all()


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_a_sequence_whose_scores_overflow_changes_no_other(options):
    layer = Attention(**options)
    x, calm = inputs("f4", 1e20), inputs("f4", 1.0)
    for found, expected in zip(run(layer, x)[:2], run(layer, calm)[:2], strict=True):
        np.testing.assert_array_equal(found[::2], expected[::2])
    alone = run(layer, [part[1:2] for part in x])
    np.testing.assert_array_equal(run(layer, x)[0][1], alone[0][0])


def test_scores_of_hidden_steps_may_overflow():
    mask = [None, np.array([[True, True, True, True, False]] * 3)]
    x, calm = inputs("f4", 1e20), inputs("f4", 1e20)
    x[1][1, 4] = calm[1][1, 4] * 1e10
    layer = Attention()
    for found, expected in zip(run(layer, x, mask)[:2], run(layer, calm, mask)[:2], strict=True):
        np.testing.assert_array_equal(found, expected)
