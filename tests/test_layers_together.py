"""A model runs consecutive recurrent layers in one call; results are those of layer by layer."""

import copy

import numpy as np
import pytest

from tidegate import set_num_threads
from tidegate.layers import GRU, LSTM, Bidirectional, Dense, Dropout, Embedding, SimpleRNN, plan
from tidegate.layers.call import Call, chain
from tidegate.layers.recurrent_run import RecurrentRun, join_recurrent
from tidegate.models import Sequential

RNG = np.random.default_rng(5)
X = RNG.standard_normal((20, 30, 3)).astype("f4")


class OwnLSTM(LSTM):
    """A layer of the user's own."""


MODELS = {
    "two": [LSTM(6, return_sequences=True), LSTM(5), Dense(2)],
    "projections": [LSTM(9, projection=4, return_sequences=True), LSTM(8, projection=3), Dense(2)],
    "sequences": [GRU(6, return_sequences=True), SimpleRNN(5, return_sequences=True), Dense(2)],
    "dropout": [
        LSTM(6, return_sequences=True),
        GRU(7, return_sequences=True),
        Dropout(0.3),
        SimpleRNN(4, return_sequences=True),
        LSTM(3, return_sequences=True),
        GRU(5),
        Dense(2),
    ],
    "bidirectional": [
        Bidirectional(GRU(4, return_sequences=True)),
        LSTM(5, return_sequences=True),
        LSTM(5),
        Dense(2),
    ],
    "first": [Dense(4), LSTM(6, return_sequences=True), LSTM(5), Dense(2)],
}


def model_of(name):
    model = Sequential([copy.deepcopy(layer) for layer in MODELS[name]])
    model.build(X.shape[1:])
    rng = np.random.default_rng(11)
    for parameter in model.parameters.values():
        parameter.assign(rng.uniform(-0.5, 0.5, parameter.shape).astype("f4"))
    model.weights_changed()
    model.compile(optimizer="adam", loss="mse")
    return model


def run(name):
    """Prediction, losses of a short training, and its weights."""
    model = model_of(name)
    y = model.predict(X)
    target = np.zeros_like(y)
    losses = model.fit(X, target, batch_size=8, epochs=3, verbose=0, seed=3).history["loss"]
    return [y, np.array(losses), model.predict(X), *model.get_weights()]


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("name", MODELS)
def test_models_are_layer_by_layer(name, threads, monkeypatch, threads_restored):
    set_num_threads(threads)
    together = run(name)
    monkeypatch.setattr(plan, "join_recurrent", lambda calls, output: calls)
    apart = run(name)
    assert len(together) == len(apart)
    for got, expected in zip(together, apart, strict=True):
        np.testing.assert_array_equal(got, expected, strict=True)


def joined(*layers):
    """How many layers each part of the model takes together."""
    return sizes(join_recurrent(chain(layers), len(layers)))


def sizes(calls):
    return [len(c.layer.layers) if isinstance(c.layer, RecurrentRun) else 1 for c in calls]


def test_what_is_joined():
    def seq(kind=LSTM, **options):
        return kind(3, return_sequences=True, **options)

    assert joined(seq(), seq(GRU), SimpleRNN(3), Dense(1)) == [3, 1]
    assert joined(Embedding(5, 2), seq(), LSTM(3)) == [1, 2]
    assert joined(seq(), Dropout(0.1), seq(), seq()) == [1, 1, 2]
    assert joined(seq(), seq(go_backwards=True), seq(), seq()) == [1, 1, 2]
    assert joined(seq(), OwnLSTM(3, return_sequences=True), seq()) == [1, 1, 1]
    assert joined(seq(), seq(dtype="float64"), seq(dtype="float64")) == [1, 2]
    assert joined(Bidirectional(seq()), seq(), Bidirectional(seq())) == [1, 1, 1]
    assert joined(Dense(3)) == [1]
    assert joined() == []


def test_what_is_joined_in_a_graph():
    first, second, third = (LSTM(3, return_sequences=True) for _ in range(3))
    up = [Call(first, (0,), (1,)), Call(second, (1,), (2,)), Call(third, (2,), (3,))]
    assert sizes(join_recurrent(up, 3)) == [3]
    assert sizes(join_recurrent(up, 2)) == [2, 1]  # the output is read from outside
    add = Call(Dense(1), (1, 3), (4,))
    assert sizes(join_recurrent([*up, add], 4)) == [1, 2, 1]
    branches = [
        up[0],
        Call(third, (0,), (5,)),
        Call(second, (1,), (2,)),
        Call(Dense(1), (2,), (3,)),
    ]
    assert sizes(join_recurrent(branches, 3)) == [2, 1, 1]
    shared = [up[0], Call(first, (1,), (2,)), Call(second, (2,), (3,))]
    assert sizes(join_recurrent(shared, 3)) == [1, 1, 1]
