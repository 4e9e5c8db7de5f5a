"""Gradients of a layer by its input and its parameters, against finite differences."""

import numpy as np

from numeric_gradient import numeric_slope
from tolerances import DIFFERENCE


def assert_layer_gradients_match_differences(layer, x, *, apart=lambda *_: False, wider=1, **call):
    """Check every entry but those of which apart("x" or a parameter's name, index) is true.

    NaN in x is a missing value: its gradient is 0.
    """
    y, saved = layer.forward(x, training=True, rng=np.random.default_rng(5), **call)
    dy = np.random.default_rng(3).standard_normal(y.shape)
    dx = layer.backward(saved, dy)
    pairs = [("x", x, dx)] + [(p.name, p.value, p.grad.copy()) for p in layer.parameters]

    def loss():
        layer.weights_changed()
        rng = np.random.default_rng(5)
        return np.sum(layer.forward(x, training=True, rng=rng, **call)[0] * dy)

    largest = max(np.max(np.abs(gradient), initial=0) for _, _, gradient in pairs)
    atol = DIFFERENCE[np.dtype(np.float64)] * largest * wider
    for what, array, gradient in pairs:
        assert gradient.shape == array.shape, what
        for index in np.ndindex(array.shape):
            if np.isnan(array[index]):
                assert gradient[index] == 0
            elif not apart(what, index):
                slope = numeric_slope(array, index, loss)
                assert abs(slope - gradient[index]) <= atol, (what, index)
    _, saved = layer.forward(x, training=True, rng=np.random.default_rng(5), **call)
    assert layer.backward(saved, dy, need_dx=False) is None
