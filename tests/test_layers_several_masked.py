"""Layers with several inputs, on arrays: what a mask excludes need not be finite, as in a Model."""

import numpy as np
import pytest

from test_models_graph_gradients import F8, MASK, NONE_VALID, X, Z
from tidegate.layers import (
    Add,
    AdditiveAttention,
    Attention,
    Average,
    Concatenate,
    Dense,
    Input,
    Multiply,
)
from tidegate.models import Model


@pytest.mark.parametrize("kind", [Attention, AdditiveAttention])
def test_attention_takes_anything_at_masked_steps(kind):
    masks = [MASK, NONE_VALID]
    hidden = [np.where(m[..., None], a, np.nan) for a, m in zip((X, Z), masks, strict=True)]
    for inputs, nans in (([X, Z], hidden), ([X, Z, Z + 1], [*hidden, hidden[1] + 1])):
        layer = kind(**F8)
        expected, weights = layer(inputs, mask=masks, return_attention_scores=True)
        np.testing.assert_array_equal(layer(nans, mask=masks), expected)
        found, others = layer(nans, mask=masks, return_attention_scores=True)
        np.testing.assert_array_equal(found, expected)
        np.testing.assert_array_equal(others[MASK], weights[MASK])


def test_attention_refuses_nan_that_counts():
    """The mask of the key hides nothing: weights come from that of the value."""
    hidden = np.where(NONE_VALID[..., None], Z, np.nan)
    with pytest.raises(ValueError, match=r"Attention: x\[0\] has the value nan at index .0, 2, 0"):
        Attention()([np.where(MASK[..., None], X, np.nan), Z], mask=[None, NONE_VALID])
    with pytest.raises(ValueError, match=r"Attention: x\[2\] has the value nan at index .0, 2, 0"):
        Attention()([X, Z, hidden], mask=[None, None, NONE_VALID])
    with pytest.raises(ValueError, match=r"Attention: x\[2\] has the value nan at index .0, 2, 0"):
        Attention()([X, Z, hidden[:, :4]], mask=[None, NONE_VALID])


def test_wrong_inputs_with_masks_are_named():
    with pytest.raises(ValueError, match=r"x has 4 inputs; expected 2 to 3"):
        Attention()([X, Z, Z, Z], mask=[None, NONE_VALID])
    with pytest.raises(ValueError, match=r"Add: x\[0\] has the value nan at index \(\)"):
        Add()([np.nan, X], mask=[None, MASK])


JOINING = [Add(), Average(), Multiply(), Concatenate(), Concatenate(axis=1)]


@pytest.mark.parametrize("layer", JOINING, ids=repr)
def test_joining_takes_anything_at_masked_steps(layer):
    """It counts as 0, as in a Model."""
    shown = MASK[..., None]
    other, hidden = X + 1, np.where(shown, X, np.nan)
    found = layer([other, hidden], mask=[None, MASK])
    np.testing.assert_array_equal(found, layer([other, np.where(shown, X, 0)]))
    inputs = [Input((4, 2)), Input((4, 2))]
    model = Model(inputs, layer(inputs))
    np.testing.assert_array_equal(model.predict([other, hidden], mask=[None, MASK]), found)
    with pytest.raises(ValueError, match=r"x\[1\] has the value nan"):
        layer([other, hidden], mask=[MASK, None])


def test_a_call_leaves_what_the_layer_knows_of_its_inputs_alone():
    """Else two threads that call it at once see each other's shapes."""

    class Watched(Add):
        def __setattr__(self, name, value):
            assert name != "input_shape" or not getattr(self, "input_shape", None)
            super().__setattr__(name, value)

    layer = Watched(**F8)
    for _ in range(2):
        np.testing.assert_array_equal(layer([X, X]), 2 * X)
    with pytest.raises(ValueError, match=r"Watched: the input has shape \(N, 4, 1\); expected"):
        layer([X, X[..., :1]])


@pytest.mark.parametrize("bad", [7.0, np.nan])
def test_what_a_mask_hides_is_0_whatever_the_rest_of_the_batch_holds(bad):
    mask = np.array([[True, True, False, True]] * len(X))
    mask[1, 0] = False
    hidden = X + 0.0
    hidden[1, 0] = bad
    zeros = np.where(mask[..., None], X, 0)
    for layer in (Add(**F8), Concatenate(**F8)):
        expected = layer([zeros, X])
        np.testing.assert_array_equal(layer([hidden, X], mask=[mask, None]), expected)
        inputs = [Input((4, 2)), Input((4, 2))]
        model = Model(inputs, Dense(3, **F8)(layer(inputs)), seed=0)
        found = model.predict([hidden, X], mask=[mask, None])
        np.testing.assert_array_equal(found, model.predict([zeros, X]))
    dense = Dense(2, **F8)
    np.testing.assert_array_equal(dense(hidden, mask=mask), dense(zeros))
