"""Stateful layers: pieces make the whole, rows go on, and what follows an undone step."""

import copy

import numpy as np
import pytest

import tidegate as tg
from tidegate.layers import GRU, LSTM, Bidirectional, Dense, SimpleRNN
from tidegate.models import Sequential
from tidegate.training import Callback

RNG = np.random.default_rng(5)
X = RNG.standard_normal((4, 12, 3)).astype("f4")
Y = RNG.standard_normal((4, 12, 2)).astype("f4")
SEQUENCES = {"return_sequences": True}
STACKS = {
    "lstm": lambda **o: [LSTM(9, peephole="full", **SEQUENCES, **o)],
    "gru": lambda **o: [GRU(9, reset_after=False, **SEQUENCES, **o)],
    "rnn": lambda **o: [SimpleRNN(9, **SEQUENCES, **o)],
    "stack": lambda **o: [LSTM(9, **SEQUENCES, **o), GRU(5, **SEQUENCES, **o), LSTM(3, **o)],
}


def make(name="stack", head=False, **options):
    layers = STACKS[name](**options)
    layers[0].declared_input_shape = (None, 3)
    model = Sequential([*layers, Dense(2)] if head else layers, seed=3)
    model.compile("sgd", "mse")
    return model


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("name", STACKS)
def test_predict_in_pieces_is_one_long_predict(name, threads, threads_restored):
    tg.set_num_threads(threads)
    whole = make(name).predict(X)
    model = make(name, stateful=True)
    for _ in range(2):
        pieces = [model.predict(X[:, a:b]) for a, b in ((0, 1), (1, 6), (6, 12))]
        if name == "stack":
            np.testing.assert_array_equal(pieces[-1], whole)
        else:
            np.testing.assert_array_equal(np.concatenate(pieces, axis=1), whole)
        model.reset_states()


def test_batch_after_batch_goes_on_row_by_row():
    model = make("gru", stateful=True)
    batches = np.concatenate([X[:, :6], X[:, 6:]])
    y = model.predict(batches, batch_size=4)
    whole = make("gru").predict(X)
    np.testing.assert_array_equal(np.concatenate([y[:4], y[4:]], axis=1), whole)


def test_a_layer_goes_on_from_its_own_state_or_a_given_one():
    layer = LSTM(4, stateful=True, return_state=True)
    _, *state = layer(X)
    state = [part.copy() for part in state]
    y = layer(X)[0].copy()
    np.testing.assert_array_equal(layer(X, initial_state=state)[0], y)
    layer.reset_states()
    np.testing.assert_array_equal(layer(X)[1], state[0])
    layer(X[:0])  # nothing to carry
    assert layer.carried.state is not None
    assert copy.deepcopy(layer).carried.state is None


def test_directions_carry_states_of_their_own():
    layer = Bidirectional(GRU(4, stateful=True))
    layer(X)
    ahead, back = (part.carried.state[0] for part in layer.recurrent_parts())
    assert not np.array_equal(ahead, back)
    first = layer(X).copy()
    layer.reset_states()
    assert not np.array_equal(layer(X), first)


def test_training_goes_on_and_is_saved(tmp_path):
    model = make(head=True, stateful=True)
    seen = []

    class Watch(Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self.model.reset_states()

        def on_epoch_end(self, epoch, logs=None):
            seen.append(self.model.layers[0].carried.state[0].copy())

    x, y = X.reshape(8, 6, 3), Y[:, :1].repeat(2, 0)[:, 0]
    model.fit(x, y, batch_size=4, shuffle=False, epochs=2, verbose=0, callbacks=[Watch()])
    assert not np.array_equal(*seen)
    model.save(tmp_path / "m.safetensors")
    loaded = tg.load(tmp_path / "m.safetensors")
    assert loaded.layers[0].stateful
    model.reset_states()
    np.testing.assert_array_equal(loaded.predict(x[:4]), model.predict(x[:4]))


@pytest.mark.parametrize("name", ["lstm", "stack"])
def test_a_step_that_breaks_off_leaves_the_states(name):
    model = make(name, head=True, stateful=True)
    y = Y if name == "lstm" else Y[:, 0]
    model.train_on_batch(X, y)
    before = [layer.carried.state for layer in model.layers[:-1]]
    with pytest.raises(tg.training.TrainingDivergedError):
        model.train_on_batch(X, y * np.float32(1e30))
    after = [layer.carried.state for layer in model.layers[:-1]]
    assert all(a is b for a, b in zip(after, before, strict=True))


def test_batches_that_cannot_go_on():
    model = make("gru", stateful=True)
    model.predict(X)
    with pytest.raises(ValueError, match="gru: a batch has 3 sequences and the state of the one"):
        model.predict(X[:3])
    model.reset_states()
    with pytest.raises(ValueError, match="predict: x has 4 samples and batch_size is 3, which lea"):
        model.predict(X, batch_size=3)
    with pytest.raises(ValueError, match="fit: shuffle is True and the model has a stateful layer"):
        model.fit(X, np.zeros((4, 12, 9)), batch_size=2)
    with pytest.raises(ValueError, match="evaluate: x has 4 samples and batch_size is 3, which"):
        model.evaluate(X, np.zeros((4, 12, 9)), batch_size=3)
    with pytest.raises(ValueError, match="fit: x has 4 samples and batch_size is 3, which"):
        model.fit(X, np.zeros((4, 12, 9)), batch_size=3, shuffle=False)
    with pytest.raises(ValueError, match="fit: the validation data has 3 samples and batch_size"):
        data = X[:3], np.zeros((3, 12, 9))
        model.fit(X, np.zeros((4, 12, 9)), 2, shuffle=False, validation_data=data)
    with pytest.raises(ValueError, match="data have 1 samples and those of x 2; expected"):
        data = X[:1], np.zeros((1, 12, 9))
        model.fit(X, np.zeros((4, 12, 9)), 2, shuffle=False, validation_data=data)
    with pytest.raises(ValueError, match="data have 1 samples and those of x 2; expected"):
        options = {"shuffle": False, "validation_batch_size": 1, "verbose": 0}
        model.fit(X, np.zeros((4, 12, 9)), 2, validation_split=0.5, **options)
    with pytest.raises(TypeError, match="GRU: stateful is 1 of type int; expected True or False"):
        GRU(2, stateful=1)
