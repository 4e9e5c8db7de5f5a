"""The reference's doors: layouts, empty sizes, defaults, errors."""

import numpy as np
import pytest

from cases import PLAIN_CELLS, TINY_SHAPE, make_problem, make_reference_weights
from engine_runs import assert_same_parts
from tidegate import reference


@pytest.fixture(params=PLAIN_CELLS, ids=str)
def problem(request):
    return make_problem(request.param, TINY_SHAPE, weights=make_reference_weights)


def forward_backward(problem, x, dy, **layout):
    out = reference.rnn_forward(problem.weights, x, problem.state, training=True, **layout)
    return out, reference.rnn_backward(out.saved, dy, problem.dstate)


def test_batch_first_is_the_transpose(problem):
    out, grads = forward_backward(problem, problem.x, problem.dy)
    swapped = (np.swapaxes(problem.x, 0, 1), np.swapaxes(problem.dy, 0, 1))
    out_b, grads_b = forward_backward(problem, *swapped, batch_first=True)
    np.testing.assert_array_equal(np.swapaxes(out_b.y, 0, 1), out.y)
    np.testing.assert_array_equal(np.swapaxes(grads_b.x, 0, 1), grads.x)
    np.testing.assert_array_equal(grads_b.weights.weight_ih, grads.weights.weight_ih)


@pytest.mark.parametrize("batch_first", [False, True])
def test_go_backwards_is_the_reversed_sequence(problem, batch_first):
    x, dy = problem.x, problem.dy
    out, grads = forward_backward(problem, x[::-1], dy[::-1])
    if batch_first:
        x, dy = np.swapaxes(x, 0, 1), np.swapaxes(dy, 0, 1)
    back, grads_back = forward_backward(problem, x, dy, go_backwards=True, batch_first=batch_first)
    y, dx = (np.swapaxes(q, 0, 1) if batch_first else q for q in (back.y, grads_back.x))
    np.testing.assert_array_equal(y[::-1], out.y)
    np.testing.assert_array_equal(dx[::-1], grads.x)
    assert_same_parts(back.state, out.state)
    assert_same_parts(grads_back.state, grads.state)


def test_two_halves_are_the_whole(problem):
    out, grads = forward_backward(problem, problem.x, problem.dy)
    first = reference.rnn_forward(problem.weights, problem.x[:1], problem.state, training=True)
    second = reference.rnn_forward(problem.weights, problem.x[1:], first.state, training=True)
    np.testing.assert_array_equal(np.concatenate([first.y, second.y]), out.y)
    back_2 = reference.rnn_backward(second.saved, problem.dy[1:], problem.dstate)
    back_1 = reference.rnn_backward(first.saved, problem.dy[:1], back_2.state)
    np.testing.assert_array_equal(np.concatenate([back_1.x, back_2.x]), grads.x)
    np.testing.assert_allclose(
        back_1.weights.weight_hh + back_2.weights.weight_hh, grads.weights.weight_hh, rtol=1e-14
    )


def test_omitted_arguments_are_zeros(problem):
    zeros = tuple(np.zeros_like(part) for part in problem.state)
    given = reference.rnn_forward(problem.weights, problem.x, zeros, training=True)
    out = reference.rnn_forward(problem.weights, problem.x, training=True)
    np.testing.assert_array_equal(out.y, given.y)
    nothing = reference.rnn_backward(out.saved)
    assert all(not array.any() for array in nothing.weights.arrays().values())
    one = reference.rnn_backward(out.saved, dstate=(problem.dstate[0], *zeros[1:]))
    same = reference.rnn_backward(out.saved, dstate=(problem.dstate[0], *[None] * len(zeros[1:])))
    np.testing.assert_array_equal(one.x, same.x)


def test_return_sequences_and_need_dx_leave_out_what_they_say(problem):
    out = reference.rnn_forward(problem.weights, problem.x, return_sequences=False)
    assert out.y is None
    assert out.saved is None
    out = reference.rnn_forward(problem.weights, problem.x, training=True)
    assert reference.rnn_backward(out.saved, problem.dy, need_dx=False).x is None


@pytest.mark.parametrize(("steps", "batch", "inputs"), [(0, 2, 3), (2, 0, 3), (2, 2, 0), (0, 0, 0)])
@pytest.mark.parametrize("case", PLAIN_CELLS, ids=str)
def test_empty_sizes(case, steps, batch, inputs):
    problem = make_problem(case, (steps, batch, inputs, 4), weights=make_reference_weights)
    out, grads = forward_backward(problem, problem.x, problem.dy)
    assert out.y.shape == (steps, batch, case.output_size(4))
    assert grads.x.shape == (steps, batch, inputs)
    if steps == 0:  # nothing happened: the state and its gradient pass through
        assert_same_parts(out.state, problem.state)
        assert_same_parts(grads.state, problem.dstate)
        assert not grads.weights.weight_hh.any()


def test_absent_biases_are_zeros_and_have_no_gradient():
    rng = np.random.default_rng(0)
    arrays = {"weight_ih": rng.normal(size=(12, 2)), "weight_hh": rng.normal(size=(12, 3))}
    x = rng.normal(size=(4, 2, 2))
    bare = reference.rnn_forward(reference.Weights("lstm", **arrays), x, training=True)
    zeros = reference.Weights("lstm", **arrays, bias_ih=np.zeros(12), bias_hh=np.zeros(12))
    np.testing.assert_array_equal(bare.y, reference.rnn_forward(zeros, x).y)
    grads = reference.rnn_backward(bare.saved, np.ones((4, 2, 3))).weights
    assert grads.bias_ih is None
    assert grads.bias_hh is None


def weights_of(cell="lstm", rows=12, **arrays):
    given = {"weight_ih": np.zeros((rows, 2)), "weight_hh": np.zeros((rows, 3))}
    return reference.Weights(cell, **given | arrays)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"cell": "lstn"}, r"cell has 'lstn'; expected one of \['gru', 'lstm', 'rnn'\]"),
        ({"activation": "tan"}, "activation has 'tan'"),
        ({"recurrent_activation": "tan"}, "recurrent_activation has 'tan'"),
        ({"output_activation": "tan"}, "output_activation has 'tan'"),
        ({"update": "keep"}, "update has 'keep'"),
        ({"weight_ih": np.zeros(3)}, r"weight_ih has shape \(3,\); expected two axes"),
        ({"weight_ih": np.zeros((9, 2))}, r"weight_ih has shape \(9, 2\); expected \(12, 2\)"),
        ({"weight_hh": np.zeros((9, 3))}, r"weight_hh has shape \(9, 3\); expected \(12, 3\)"),
        ({"bias_hh": np.zeros(3)}, r"bias_hh has shape \(3,\); expected \(12,\)"),
        ({"peephole": np.zeros(9)}, r"expected \(3, 3\) or \(3, 3, 3\)"),
        ({"cell": "gru", "peephole": np.zeros((3, 3))}, "peephole is given; expected None"),
    ],
)
def test_weights_that_disagree_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        weights_of(**arguments)


def test_shapes_that_disagree_are_refused():
    w = weights_of()
    with pytest.raises(ValueError, match=r"rnn_forward: x has shape \(2, 2\)"):
        reference.rnn_forward(w, np.zeros((2, 2)))
    with pytest.raises(ValueError, match=r"rnn_forward: x has shape \(4, 1, 5\)"):
        reference.rnn_forward(w, np.zeros((4, 1, 5)))
    with pytest.raises(ValueError, match=r"rnn_forward: state .* expected \[\(1, 3\), \(1, 3\)\]"):
        reference.rnn_forward(w, np.zeros((4, 1, 2)), (np.zeros((1, 3)),))
    saved = reference.rnn_forward(w, np.zeros((4, 1, 2)), training=True).saved
    with pytest.raises(ValueError, match=r"rnn_backward: dy has shape \(1, 4, 3\)"):
        reference.rnn_backward(saved, np.zeros((1, 4, 3)))
    with pytest.raises(ValueError, match="rnn_backward: dstate"):
        reference.rnn_backward(saved, dstate=(np.zeros((3, 1)), None))
