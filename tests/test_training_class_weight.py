"""class_weight: one class per sample, from class numbers or one-hot targets; nothing is guessed."""

import numpy as np
import pytest

from tidegate.layers import LSTM, Dense
from tidegate.models import Sequential
from tidegate.training import shapes


@pytest.mark.parametrize(
    "targets", [np.array([0, 2, 1]), np.eye(3)[[0, 2, 1]]], ids=["class numbers", "one-hot"]
)
def test_class_weight_of_each_sample(targets):
    weights = shapes.class_weights("fit", targets, {0: 2.0, 2: 0.5}, 3, (3,))
    np.testing.assert_array_equal(weights, [2.0, 0.5, 1.0])


@pytest.mark.parametrize("loss", ["sparse_categorical_crossentropy", "categorical_crossentropy"])
def test_class_weight_of_sequences_is_refused(loss):
    model = Sequential(
        [LSTM(4, return_sequences=True, input_shape=(5, 1)), Dense(3, activation="softmax")]
    )
    model.compile("adam", loss)
    x, y = np.zeros((6, 5, 1)), np.zeros((6, 5), int)
    if loss == "categorical_crossentropy":
        y = np.eye(3)[y]
    with pytest.raises(ValueError, match="use sample_weight for sequences"):
        model.fit(x, y, class_weight={0: 2.0}, verbose=0)
