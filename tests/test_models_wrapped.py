"""Layers inside wrappers count as layers of the model: used through one wrapper, in one model."""

import numpy as np
import pytest

from tidegate.layers import GRU, Bidirectional, Dense, Input, Residual
from tidegate.models import Model, Sequential


def gru(**options):
    return GRU(3, return_sequences=True, **options)


def beside_its_wrapper(layer):
    entry = Input((None, 3))
    return Model(entry, Residual(layer)(layer(entry)))


def in_two_wrappers(layer):
    entry, wrappers = Input((None, 3)), [Residual(layer), Residual(layer)]
    return Model(entry, wrappers[1](wrappers[0](entry)))


def summed(layer):
    return Bidirectional(layer, "sum", input_shape=(None, 3))


INSIDE = "'gru', inside 'residual', is in this model already"
USED_TWICE = [
    (beside_its_wrapper, f"Model: layer {INSIDE}; expected a layer of its own"),
    (in_two_wrappers, f"Model: layer {INSIDE}, inside 'residual'; expected"),
    (lambda layer: Sequential([Residual(layer), Residual(layer)]), f"{INSIDE}, inside 'residual'"),
    (lambda layer: Sequential([layer, Residual(layer)]), f"Sequential.add: layer {INSIDE}; exp"),
    (lambda layer: Sequential([Residual(layer), layer]), "'gru' is in this model already, inside"),
    (lambda layer: Sequential([summed(layer), summed(layer)]), "inside 'bidirectional', is in th"),
    (
        lambda layer: Sequential([Residual(summed(layer)), summed(layer)]),
        "inside 'bidirectional', is in this model already, inside 'residual'",
    ),
]


@pytest.mark.parametrize(("build", "message"), USED_TWICE)
def test_a_layer_inside_a_wrapper_is_used_through_it_only(build, message):
    with pytest.raises(ValueError, match=message):
        build(gru())


def test_the_given_backward_layer_counts_too():
    back = gru(go_backwards=True)
    both = [Bidirectional(gru(), "sum", back) for _ in range(2)]
    with pytest.raises(ValueError, match=r"inside 'bidirectional', is in this model already"):
        Sequential(both)


def test_a_layer_inside_a_wrapper_belongs_to_one_model():
    layer = gru()
    wrapper = Residual(layer)
    first = Sequential([layer], name="first")
    with pytest.raises(ValueError, match="'gru', inside 'residual', is in the model 'first' alr"):
        Sequential([wrapper])
    first.pop()
    second = Sequential([wrapper], name="second")
    with pytest.raises(ValueError, match="'gru' is in the model 'second' already, inside 'resid"):
        first.add(layer)
    second.pop()
    first.add(layer)


def test_a_refused_layer_leaves_the_model_as_it_was():
    layer = gru()
    model = Sequential([Residual(layer, input_shape=(None, 3)), Dense(3)], seed=0)
    before = model.get_weights()
    with pytest.raises(ValueError, match="is in this model already"):
        model.add(layer)
    assert len(model.layers) == 2
    for array, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(array, other)
