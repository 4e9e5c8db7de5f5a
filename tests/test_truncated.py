"""`fit(..., tbptt=k)`: pieces make the whole, each is one step, and what breaks off stays right."""

import numpy as np
import pytest

import tidegate as tg
from tidegate.layers import (
    GRU,
    LSTM,
    Add,
    Bidirectional,
    Concatenate,
    Dense,
    Dropout,
    Embedding,
    Input,
    SimpleRNN,
)
from tidegate.layers.several import Several
from tidegate.models import Model, Sequential
from tidegate.training import Callback, metrics
from tidegate.training.optimizers import SGD
from tidegate.training.random_streams import RandomStreams
from tidegate.training.step import Step
from tidegate.training.truncated import require_pieces
from training_probes import Outputs

RNG = np.random.default_rng(9)
X = RNG.standard_normal((6, 11, 3)).astype("f4")
Y = RNG.standard_normal((6, 11, 5)).astype("f4")
SEQUENCES = {"return_sequences": True}
LAYERS = {
    "lstm": lambda **o: [LSTM(5, **SEQUENCES, **o)],
    "gru": lambda **o: [GRU(5, **SEQUENCES, **o)],
    "stack": lambda **o: [
        LSTM(7, **SEQUENCES, **o),
        SimpleRNN(4, **SEQUENCES, **o),
        Dense(4, "tanh"),
        GRU(5, **SEQUENCES, **o),
    ],
}


def make(name="stack", rate=0.05, watched=None, **options):
    layers = LAYERS[name](**options)
    layers[0].declared_input_shape = (None, 3)
    model = Sequential(layers, seed=3)
    model.compile(SGD(rate, momentum=0.9), "mse", None if watched is None else [watched])
    return model


def fit(model, x=X, y=Y, **options):
    return model.fit(x, y, **{"batch_size": 3, "verbose": 0, **options})


def weights(model):
    return [value.tobytes() for value in model.get_weights()]


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("name", ["lstm", "gru"])
def test_pieces_with_frozen_weights_are_the_unbroken_run(name, threads, threads_restored):
    tg.set_num_threads(threads)
    watched = Outputs()
    model = make(name, 0.0, watched)
    loss = fit(model, tbptt=4, shuffle=False).history["loss"][0]
    seen = [np.concatenate(watched.seen[k : k + 3], axis=1) for k in (0, 3)]
    whole = model.predict(X)
    np.testing.assert_array_equal(np.concatenate(seen), whole)
    stateful = make(name, stateful=True)
    pieces = [stateful.predict(X[:, k : k + 4]) for k in (0, 4, 8)]
    np.testing.assert_array_equal(np.concatenate(pieces, axis=1), whole)
    assert loss == pytest.approx(model.evaluate(X, Y)[0], rel=1e-6)


@pytest.mark.parametrize("name", LAYERS)
def test_each_piece_is_one_step_of_stateful_training(name):
    model, by_hand = make(name), make(name, stateful=True)
    history = fit(model, tbptt=4, shuffle=False, epochs=2)
    assert model.optimizer.iterations == 2 * 2 * 3
    losses = []
    for _ in range(2):
        for rows in (slice(0, 3), slice(3, 6)):
            by_hand.reset_states()
            for k in (0, 4, 8):
                here = slice(k, k + 4)
                losses.append(by_hand.train_on_batch(X[rows, here], Y[rows, here]))
    assert weights(model) == weights(by_hand)
    steps = np.tile([4, 4, 3], 4).reshape(2, 6)
    means = np.average(np.reshape(losses, (2, 6)), axis=1, weights=steps)
    np.testing.assert_allclose(history.history["loss"], means, rtol=1e-12)


def test_graphs_go_in_pieces():
    def graph(axis=-1, **options):
        x = Input((None, 3))
        h = GRU(4, **SEQUENCES, **options)(x)
        h = Add()([h, LSTM(4, weight_drop=0.3, **SEQUENCES, **options)(h)])
        joined = Concatenate(axis)([h, Dense(4)(x)])
        model = Model(x, Dense(5)(joined), seed=4)
        model.compile("sgd", "mse")
        return model

    model, by_hand = graph(), graph(stateful=True)
    fit(model, X[:3], Y[:3], tbptt=8)
    rng = RandomStreams(model.seed, "epoch").at(0)
    order = rng.permutation(3)
    step = Step(by_hand)
    by_hand.bind_optimizer("test")
    for here in (slice(0, 8), slice(8, 11)):
        step.train(X[order, here], Y[order, here], None, rng)
    assert weights(model) == weights(by_hand)
    with pytest.raises(ValueError, match="layer 'concatenate' is a Concatenate; expected layers"):
        fit(graph(axis=1), X, np.concatenate([Y, Y], axis=1), tbptt=4)


def test_one_piece_is_plain_training():
    plain, pieces = make(), make()
    options = {"sample_weight": RNG.random((6, 11)), "epochs": 2}
    fit(plain, **options)
    fit(pieces, tbptt=11, **options)
    assert weights(plain) == weights(pieces)


def test_weights_of_samples_and_of_steps_follow_the_pieces():
    once, twice = make(), make()
    per_sample = RNG.random(6)
    fit(once, tbptt=5, sample_weight=per_sample)
    fit(twice, tbptt=5, sample_weight=np.repeat(per_sample[:, None], 11, axis=1))
    assert weights(once) == weights(twice)


def test_masked_steps_hold_the_state_across_pieces():
    lengths = np.array([11, 4, 0, 7, 8, 1])
    valid = np.arange(11) < lengths[:, None]
    model = make("stack", 0.0)
    history = fit(model, tbptt=4, shuffle=False, batch_size=6, lengths=lengths)
    expected = model.evaluate(X, Y, lengths=lengths)
    assert history.history["loss"][0] == pytest.approx(expected, rel=1e-6)
    stateful = make("gru", stateful=True)
    whole = make("gru").predict(X, mask=valid)
    pieces = [stateful.predict(X[:, k : k + 4], mask=valid[:, k : k + 4]) for k in (0, 4, 8)]
    np.testing.assert_array_equal(np.concatenate(pieces, axis=1)[valid], whole[valid])
    fit(short := make("gru"), tbptt=4, batch_size=6, lengths=np.minimum(lengths, 3))
    assert short.optimizer.iterations == 1  # later pieces have no valid step


def test_a_stateful_model_goes_on_over_batches():
    model, by_hand = make("gru", stateful=True), make("gru", stateful=True)
    fit(model, tbptt=6, shuffle=False, epochs=2)
    for _ in range(2):
        for rows in (slice(0, 3), slice(3, 6)):
            for here in (slice(0, 6), slice(6, 11)):
                by_hand.train_on_batch(X[rows, here], Y[rows, here])
    assert weights(model) == weights(by_hand)


def test_tokens_labels_and_dropout():
    tokens = RNG.integers(0, 4, (6, 10))

    def trained(seed):
        layers = [Embedding(4, 3, input_shape=(None,)), Dropout(0.3), GRU(6, **SEQUENCES)]
        model = Sequential([*layers, Dense(4, "softmax")], seed=seed)
        model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
        history = fit(model, tokens, tokens, tbptt=4, epochs=100).history
        return weights(model), history

    first, history = trained(1)
    assert history["accuracy"][-1] > 0.8
    assert first == trained(1)[0]


def test_resumed_training_is_that_of_one_fit(tmp_path):
    once = make()
    fit(once, tbptt=4, epochs=4)
    parts = make()
    fit(parts, tbptt=4, epochs=2)
    parts.save(tmp_path / "m.safetensors")
    parts = tg.load(tmp_path / "m.safetensors")
    fit(parts, tbptt=4, initial_epoch=2, epochs=4)
    assert weights(parts) == weights(once)


def test_a_bad_piece_is_undone_and_nothing_is_carried_on():
    model = make("gru")
    y = Y.copy()
    y[:, 8:] = 1e30
    with pytest.raises(tg.training.TrainingDivergedError, match="epoch 1 of 1, batch 1 of 2"):
        fit(model, y=y, tbptt=4, shuffle=False)
    good = make("gru")
    good.train_on_batch(X[:3, :4], Y[:3, :4])
    assert weights(model) == weights(good)
    assert model.layers[0].carried is None


def test_ctrl_c_leaves_the_last_finished_piece():
    class Stop(metrics.Metric):
        name = "stop"

        def __init__(self):
            self.calls = 0

        def reset(self):
            pass

        def update(self, y, output, weight=None, mask=None):
            self.calls += 1
            if self.calls == 2:
                raise KeyboardInterrupt

        def result(self):
            return 0.0

    model = make("gru", watched=Stop())
    assert fit(model, tbptt=4, shuffle=False).interrupted
    assert model.optimizer.iterations == 2
    assert model.layers[0].carried is None
    by_hand = make("gru", stateful=True)
    for k in (0, 4):
        by_hand.train_on_batch(X[:3, k : k + 4], Y[:3, k : k + 4])
    assert weights(model) == weights(by_hand)


def test_callbacks_see_batches():
    seen = []

    class Watch(Callback):
        def on_train_batch_end(self, batch, logs=None):
            assert self.model.layers[0].carried is None
            seen.append(batch)

    fit(make(), tbptt=2, callbacks=[Watch()])
    assert seen == [0, 1]


def test_models_that_cannot_go_in_pieces():
    def pieces(*layers, y=Y):
        layers[0].declared_input_shape = (None, 3)
        model = Sequential(layers)
        model.compile("sgd", "mse")
        model.fit(X, y, tbptt=4)

    with pytest.raises(ValueError, match="layer 'gru' returns the last step only; expected return"):
        pieces(GRU(5), y=Y[:, 0])
    with pytest.raises(ValueError, match="layer 'bidirectional' starts at the last step; expected"):
        pieces(Bidirectional(GRU(5, **SEQUENCES), "sum"))
    with pytest.raises(ValueError, match="layer 'lstm' starts at the last step; expected layers"):
        pieces(LSTM(5, go_backwards=True, **SEQUENCES))
    with pytest.raises(ValueError, match="tbptt is given and no layer is recurrent; expected one"):
        pieces(Dense(5))
    with pytest.raises(ValueError, match="fit: tbptt is 0; expected an integer >= 1"):
        fit(make(), tbptt=0)

    class Mean(tg.layers.Layer):
        def _declare(self, input_shape):
            return (), input_shape

    with pytest.raises(ValueError, match="layer 'mean' is a Mean; expected layers that need no st"):
        pieces(Mean(), GRU(5, **SEQUENCES))


def test_models_with_several_inputs_are_refused():
    with pytest.raises(ValueError, match="has several inputs; expected one, to be cut into"):
        require_pieces(make(), "fit", Several([X, X]))


def graph_of(connect):
    x = Input((None, 3))
    model = Model(x, Dense(5)(connect(x)), seed=4)
    model.compile("sgd", "mse")
    return model


def test_states_between_layers_are_not_dropped_in_pieces():
    def reader(x):
        start = LSTM(4)(x)
        return GRU(4, **SEQUENCES)(x, initial_state=[start])

    def writer(x):
        y, h = GRU(4, return_state=True, **SEQUENCES)(x)
        return Add()([y, SimpleRNN(4, **SEQUENCES)(x, initial_state=[h])])

    with pytest.raises(ValueError, match="layer 'gru' takes or returns states; expected sequences"):
        fit(graph_of(writer), tbptt=4)
    with pytest.raises(ValueError, match="layer 'lstm' returns the last step only; expected ret"):
        fit(graph_of(reader), tbptt=4)


def test_a_shared_layer_does_not_leak_its_state_in_pieces():
    layer = GRU(3, **SEQUENCES)
    with pytest.raises(ValueError, match="layer 'gru' is used 2 times; expected one use, as it ca"):
        fit(graph_of(lambda x: layer(layer(x))), tbptt=4)
