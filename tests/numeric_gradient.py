"""Gradients by finite differences of `rnn_forward`: the judge of every `rnn_backward`."""

import numpy as np

from tolerances import DIFFERENCE_STEP, WIDE_DIFFERENCE_STEP


def loss_of(forward, problem, arrays, wide):
    """sum(y * dy) + sum(state * dstate) with the named arrays in place of the problem's."""
    given = {name: array.astype(wide) for name, array in arrays.items()}
    state = tuple(given.pop(f"state[{k}]") for k in range(len(problem.state)))
    x = given.pop("x")
    out = forward(given, x, state)
    loss = np.sum(out.y * problem.dy)
    return loss + sum(np.sum(q * dq) for q, dq in zip(out.state, problem.dstate, strict=True))


def numeric_gradients(forward, problem, wide):
    """Gradients of the loss by x, state[k] and every array of the weights, by their names.

    forward(weight_arrays, x, state) returns what rnn_forward returns, in dtype `wide`.
    """
    arrays = {"x": problem.x, **problem.weights.arrays()}
    arrays |= {f"state[{k}]": part for k, part in enumerate(problem.state)}
    arrays = {name: array.astype(wide) for name, array in arrays.items()}
    return {
        name: numeric_gradient(array, lambda: loss_of(forward, problem, arrays, wide), wide)
        for name, array in arrays.items()
    }


def numeric_gradient(array, loss, wide=np.float64):
    """Gradient of loss() by an array, whose entries are changed in place and put back."""
    gradient = np.zeros(array.shape, wide)
    for index in np.ndindex(array.shape):
        gradient[index] = numeric_slope(array, index, loss, wide)
    return gradient


def numeric_slope(array, index, loss, wide=np.float64):
    """Derivative of loss() by one entry: (f(-2s) - 8 f(-s) + 8 f(s) - f(2s)) / 12s."""
    step = wide(WIDE_DIFFERENCE_STEP if wide is np.longdouble else DIFFERENCE_STEP)
    centre, total = array[index], wide(0)
    for distance, factor in ((-2, 1), (-1, -8), (1, 8), (2, -1)):
        array[index] = centre + distance * step
        total += factor * loss()
    array[index] = centre
    return total / (12 * step)


def analytic_gradients(grads):
    """Name what rnn_backward returns as `numeric_gradients` does."""
    named = {"x": grads.x, **grads.weights.arrays()}
    return named | {f"state[{k}]": part for k, part in enumerate(grads.state)}
