"""One forward and one backward of the engine and of the reference, compared."""

import re

import numpy as np
import pytest

from tidegate import functional, reference
from tolerances import NORMALIZED, assert_forward_close, assert_gradient_close


def run(doors, problem, **layout):
    """Forward and backward of `problem` through `tidegate.functional` or `tidegate.reference`."""
    out = doors.rnn_forward(problem.weights, problem.x, problem.state, training=True, **layout)
    return out, doors.rnn_backward(out.saved, problem.dy, problem.dstate)


def assert_outputs_close(out, expected, weights):
    engines = 1 if weights.gamma_ih is None else NORMALIZED
    assert out.y.dtype == out.state[0].dtype
    assert_forward_close(out.y, expected.y, engines=engines)
    assert len(out.state) == len(expected.state)
    for k, part in enumerate(expected.state):
        assert_forward_close(out.state[k], part, f"state[{k}]", engines)


def assert_gradients_close(grads, expected):
    assert_gradient_close(grads.x, expected.x, "x")
    for k, part in enumerate(expected.state):
        assert_gradient_close(grads.state[k], part, f"state[{k}]")
    arrays, expected_arrays = grads.weights.arrays(), expected.weights.arrays()
    assert arrays.keys() == expected_arrays.keys()
    for name, array in expected_arrays.items():
        assert_gradient_close(arrays[name], array, name)


def assert_engine_matches_reference(problem, **layout):
    out, grads = run(functional, problem, **layout)
    expected_out, expected_grads = run(reference, problem, **layout)
    assert_outputs_close(out, expected_out, problem.weights)
    assert_gradients_close(grads, expected_grads)


def assert_same_parts(got, expected):
    """Compare states, whose parts may differ in width, element by element."""
    for part, expected_part in zip(got, expected, strict=True):
        np.testing.assert_array_equal(part, expected_part)


def all_arrays(out, grads):
    """Every array that a forward and a backward return, by name."""
    named = {"y": out.y, "dx": grads.x, **grads.weights.arrays()}
    for k, (part, dpart) in enumerate(zip(out.state, grads.state, strict=True)):
        named |= {f"state[{k}]": part, f"dstate[{k}]": dpart}
    return named


def assert_same_bits(got, expected):
    """Compare two results of `all_arrays` bit for bit (NaN and the sign of zero included)."""
    assert got.keys() == expected.keys()
    for name, array in expected.items():
        same = np.array_equal(
            np.ascontiguousarray(got[name]).view(np.uint8),
            np.ascontiguousarray(array).view(np.uint8),
        )
        assert same, f"{name} differs by up to {np.max(np.abs(got[name] - array))}"


def refuses(error, *parts):
    """Expect an error whose message has these parts, in this order."""
    return pytest.raises(error, match="(?s)" + ".*".join(re.escape(part) for part in parts))
