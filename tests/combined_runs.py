"""Layers that run together, compared with the same layers one after the other."""

import numpy as np

from cases import make_problem
from tidegate import functional


def assert_same_arrays(got, expected):
    for name, array in expected.arrays().items():
        np.testing.assert_array_equal(getattr(got, name), array, err_msg=name)


def assert_same_bits_in_a_stack_and_in_two_directions(case, steps):
    """Float32: outputs and gradients of two stacked cells, and of one cell in both directions."""
    first = make_problem(case, (steps, 3, 5, 17), np.float32)
    second = make_problem(case, (steps, 3, 17, 17), np.float32, seed=1)
    below = functional.rnn_forward(first.weights, first.x, training=True)
    above = functional.rnn_forward(second.weights, below.y, training=True)
    grads = functional.rnn_backward(above.saved, second.dy)
    grads_below = functional.rnn_backward(below.saved, grads.x)
    stack = functional.rnn_stack_forward([first.weights, second.weights], first.x, training=True)
    np.testing.assert_array_equal(stack.y, above.y)
    stacked = functional.rnn_stack_backward(stack.saved, second.dy)
    np.testing.assert_array_equal(stacked.x, grads_below.x)
    for got, expected in zip(stacked.weights, (grads_below, grads), strict=True):
        assert_same_arrays(got, expected.weights)

    back = functional.rnn_forward(second.weights, below.y, go_backwards=True, training=True)
    both = functional.birnn_forward(second.weights, second.weights, below.y, training=True)
    np.testing.assert_array_equal(both.y, np.concatenate([above.y, back.y], axis=2))
    dy = np.concatenate([np.zeros_like(second.dy), second.dy], axis=2)
    grads = functional.rnn_backward(back.saved, second.dy)
    both = functional.birnn_backward(both.saved, dy)
    assert_same_arrays(both.backward_weights, grads.weights)
