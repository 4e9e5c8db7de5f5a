"""`fit`: batches, order, seeds, validation, weights, history."""

import numpy as np
import pytest

import tidegate as tg
from tidegate.layers import GRU, LSTM, Bidirectional, Dense, Dropout, Embedding, Input, SimpleRNN
from tidegate.models import Sequential
from tidegate.training import Callback
from tidegate.training.data import GATHER_BYTES, Samples, batches
from tidegate.training.random_streams import RandomStreams
from tolerances import KERAS_STEPS

RNG = np.random.default_rng(0)
X, Y = RNG.standard_normal((50, 4, 2)).astype("f4"), RNG.standard_normal((50, 1)).astype("f4")


def make(seed=1, dropout=0.3, optimizer="adam"):
    model = Sequential([GRU(5, input_shape=(4, 2)), Dropout(dropout), Dense(1)], seed=seed)
    model.compile(optimizer, "mse")
    return model


def bits(model):
    return b"".join(value.tobytes() for value in model.get_weights())


def test_learns():
    """A GRU learns to add up a sequence: the loss falls to a hundredth."""
    x = RNG.standard_normal((256, 6, 1))
    model = Sequential([GRU(16, input_shape=(6, 1)), Dense(1)], seed=0)
    model.compile(tg.training.optimizers.Adam(0.01), "mse")
    losses = model.fit(x, x.sum((1, 2)), epochs=60, verbose=0).history["loss"]
    assert losses[-1] < 0.01 * losses[0]
    assert model.evaluate(x, x.sum((1, 2))) < 0.01 * losses[0]


@pytest.mark.parametrize("size", [1, 7, 32, 50, 100])
@pytest.mark.parametrize("shuffle", [False, True])
def test_every_sample_comes_once_in_an_epoch(size, shuffle):
    number = np.arange(50)
    order = RNG.permutation(50) if shuffle else None
    samples = Samples(number, number, number.astype("f4"))
    parts = list(batches(samples, size, order))
    expected = number if order is None else order
    for column in range(3):
        np.testing.assert_array_equal(np.concatenate([p[column] for p in parts]), expected)
    assert [len(part.x) for part in parts[:-1]] == [size] * (len(parts) - 1)


def test_batches_of_large_samples_are_gathered_in_stretches():
    x = np.arange(40, dtype="f8").reshape(40, 1) * np.ones(GATHER_BYTES // 40)
    order = RNG.permutation(40)
    parts = [part.x[:, 0] for part in batches(Samples(x, x[:, :1], None), 4, order)]
    np.testing.assert_array_equal(np.concatenate(parts), order)
    assert {len(part) for part in parts} == {4}


def test_the_loss_of_an_epoch_is_the_mean_over_samples():
    """Without learning, whatever the batches: what evaluate says."""
    model = make(dropout=0.0, optimizer=tg.training.optimizers.SGD(0.0))
    expected = model.evaluate(X, Y)
    for size in (7, 32, 50):
        (loss,) = model.fit(X, Y, batch_size=size, verbose=0).history["loss"]
        np.testing.assert_allclose(loss, expected, **KERAS_STEPS)


def test_the_same_seed_gives_the_same_bits():
    one, two, other = make(), make(), make(seed=2)
    histories = [model.fit(X, Y, epochs=3, verbose=0).history for model in (one, two, other)]
    assert histories[0] == histories[1] != histories[2]
    assert bits(one) == bits(two) != bits(other)


LAYERS = {
    "lstm": [LSTM(33, input_shape=(4, 2), return_sequences=True), GRU(17), Dense(1)],
    "both": [Bidirectional(LSTM(20, input_shape=(4, 2), peephole="full")), Dense(1)],
    "rnn": [SimpleRNN(40, input_shape=(4, 2)), Dense(1)],
}


@pytest.mark.parametrize("name", LAYERS)
def test_threads_do_not_change_the_bits(name, threads_restored):
    start = [layer.get_config() for layer in LAYERS[name]]
    results = []
    for threads in (1, 2, 3):
        tg.set_num_threads(threads)
        layers = [
            type(layer).from_config(config)
            for layer, config in zip(LAYERS[name], start, strict=True)
        ]
        model = Sequential(layers, seed=5)
        model.compile("rmsprop", "mse")
        model.fit(X, Y, epochs=3, verbose=0)
        results.append(bits(model) + model.predict(X).tobytes())
    assert results[0] == results[1] == results[2]


def test_epochs_differ_and_a_second_fit_goes_on():
    orders = []

    class Order(Callback):
        def on_epoch_begin(self, epoch, logs=None):
            rng = RandomStreams(self.model.seed, "epoch").at(self.model.epochs_trained)
            orders.append(tuple(rng.permutation(50)))

    model = make()
    model.fit(X, Y, epochs=2, verbose=0, callbacks=[Order()])
    model.fit(X, Y, epochs=2, verbose=0, callbacks=Order())
    assert len(set(orders)) == 4
    assert model.epochs_trained == 4
    assert model.optimizer.iterations == 8
    twice, once = make(), make()
    twice.fit(X, Y, epochs=2, verbose=0)
    twice.fit(X, Y, epochs=2, verbose=0)
    once.fit(X, Y, epochs=4, verbose=0)
    assert bits(twice) == bits(once) == bits(model)


def test_streams_are_the_jumps_of_one_generator():
    for purpose, key in (("initial weights", 0), ("epoch", 1), ("batch", 2)):
        streams = RandomStreams(11, purpose)
        start = np.random.PCG64(np.random.SeedSequence(11, spawn_key=(key,)))
        for number in (3, 0, 1, 10**12):  # in any order
            expected = np.random.Generator(start.jumped(number)).integers(2**62, size=4)
            np.testing.assert_array_equal(streams.at(number).integers(2**62, size=4), expected)


def test_a_seed_of_fit_counts_from_its_own_first_epoch():
    one, two = make(), make()
    two.epochs_trained = 7  # as if trained before
    one.fit(X, Y, epochs=2, seed=3, verbose=0)
    two.fit(X, Y, epochs=2, seed=3, verbose=0)
    assert bits(one) == bits(two)
    three = make()
    three.fit(X, Y, epochs=2, seed=4, verbose=0)
    assert bits(three) != bits(one)
    four = make()
    four.fit(X, Y, epochs=1, seed=3, verbose=0)
    four.fit(X, Y, initial_epoch=1, epochs=2, seed=3, verbose=0)
    assert bits(four) == bits(one)


def test_without_shuffling_the_order_is_that_of_the_data():
    one, two = make(dropout=0.0), make(dropout=0.0)
    one.fit(X, Y, batch_size=10, shuffle=False, verbose=0)
    for start in range(0, 50, 10):
        two.train_on_batch(X[start : start + 10], Y[start : start + 10])
    assert bits(one) == bits(two)


def test_validation_split_is_the_last_part_before_shuffling():
    one, two = make(), make()
    history = one.fit(X, Y, epochs=3, validation_split=0.3, verbose=0)
    other = two.fit(X[:35], Y[:35], epochs=3, validation_data=(X[35:], Y[35:]), verbose=0)
    assert history.history == other.history
    assert set(history.history) == {"loss", "val_loss"}
    assert history.history["val_loss"][-1] == one.evaluate(X[35:], Y[35:])
    assert history.epoch == [0, 1, 2]
    assert history.params == {"epochs": 3, "steps": 2}
    assert one.history is history


def test_validation_weights():
    weight = np.linspace(0, 2, 50)
    model = make()
    history = model.fit(X, Y, validation_data=(X, Y, weight), verbose=0).history
    expected = model.evaluate(X, Y, sample_weight=weight)
    assert history["val_loss"] == [expected]
    assert expected != model.evaluate(X, Y)


def test_a_weight_of_zero_is_no_sample():
    weight = np.array([1.0] * 30 + [0.0] * 20)
    one, two = make(dropout=0.0, optimizer="sgd"), make(dropout=0.0, optimizer="sgd")
    one.fit(X, Y, batch_size=50, sample_weight=weight * 5 / 3, shuffle=False, verbose=0)
    two.fit(X[:30], Y[:30], batch_size=30, shuffle=False, verbose=0)
    for a, b in zip(one.get_weights(), two.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, **KERAS_STEPS)


def test_weights_of_steps():
    x, y = RNG.standard_normal((6, 4, 2)), RNG.standard_normal((6, 4, 1))
    model = Sequential([GRU(3, return_sequences=True, input_shape=(4, 2)), Dense(1)], seed=0)
    model.compile("sgd", "mse", weighted_metrics=["mae"])
    weight = RNG.random((6, 4))
    error = (model.predict(x) - y)[..., 0]
    for given in (weight, weight[..., None]):
        loss, mae = model.evaluate(x, y[..., 0], sample_weight=given)
        np.testing.assert_allclose(loss, (weight * error**2).mean(), **KERAS_STEPS)
        np.testing.assert_allclose(
            mae, (weight * np.abs(error)).sum() / weight.sum(), **KERAS_STEPS
        )
    loss, _ = model.evaluate(x, y, sample_weight=weight[:, 0])
    expected = (weight[:, :1] * error**2).mean()
    np.testing.assert_allclose(loss, expected, **KERAS_STEPS)


def test_results_of_evaluate_and_train_on_batch():
    model = make()
    assert isinstance(model.evaluate(X, Y), float)
    model.compile("sgd", "mse", metrics=["mae", "mse"])
    values = model.evaluate(X, Y)
    assert model.evaluate(X, Y, return_dict=True) == dict(
        zip(("loss", "mae", "mse"), values, strict=True)
    )
    np.testing.assert_allclose(values[0], values[2], **KERAS_STEPS)
    assert set(model.train_on_batch(X, Y, return_dict=True)) == {"loss", "mae", "mse"}


def test_train_on_batch_draws_new_dropout_each_time():
    one, two = make(), make()
    losses = [one.train_on_batch(X, Y) for _ in range(3)]
    assert losses == [two.train_on_batch(X, Y) for _ in range(3)]
    frozen = make(optimizer=tg.training.optimizers.SGD(0.0))
    assert len({frozen.train_on_batch(X, Y) for _ in range(3)}) == 3


def test_no_epochs_change_nothing():
    model = make()
    before = bits(model)
    history = model.fit(X, Y, epochs=3, initial_epoch=3, verbose=0)
    assert history.history == {}
    assert bits(model) == before


def test_a_joined_softmax_learns_where_probabilities_round_to_zero():
    """With a logit of 200 the wrong class has p = 0 in float32; its slope must not be 0."""
    model = Sequential([Input((1,)), Dense(2, "softmax", kernel_initializer="zeros")], seed=0)
    model.compile(tg.training.optimizers.SGD(1.0), "sparse_categorical_crossentropy")
    model.set_weights([[[200.0, -200.0]], [0, 0]])
    np.testing.assert_allclose(model.evaluate([[1.0]], [1]), 400.0, **KERAS_STEPS)
    model.train_on_batch([[1.0]], [1])
    np.testing.assert_allclose(model.get_weights()[0], [[199, -199]])


def test_metrics_of_a_joined_loss_see_probabilities():
    model = Sequential([Input((1,)), Dense(1, "sigmoid", kernel_initializer="ones")])
    model.compile("sgd", "binary_crossentropy", metrics=["mse", "accuracy"])
    _, mse, accuracy = model.evaluate([[0.3], [-0.3]], [1, 0])
    np.testing.assert_allclose(mse, (1 - 1 / (1 + np.exp(-0.3))) ** 2, **KERAS_STEPS)
    assert accuracy == 1  # of the logits, 0.3 would be below the threshold


def test_layers_of_two_dtypes_train_together():
    model = Sequential(
        [LSTM(4, input_shape=(4, 2), dtype="float64"), Dense(3, "tanh"), Dense(1, dtype="float64")]
    )
    model.compile("adam", "mse")
    losses = model.fit(X, Y, epochs=20, verbose=0).history["loss"]
    assert losses[-1] < losses[0]


def test_embedding_and_class_weights():
    x, y = RNG.integers(0, 9, (40, 5)), RNG.integers(0, 3, 40)
    options = {"epochs": 2, "verbose": 0}
    one_hot = np.eye(3)[y]
    for loss, target in (("sparse_categorical_crossentropy", y), ("mse", one_hot)):
        models = []
        for given in (
            {"class_weight": {1: 3.0}},
            {"sample_weight": np.where(y == 1, 3.0, 1.0)},
        ):
            model = Sequential(
                [Embedding(9, 4, input_shape=(5,)), GRU(4), Dense(3, "softmax")], seed=0
            )
            model.compile("adam", loss)
            model.fit(x, target, **options, **given)
            models.append(bits(model))
        assert models[0] == models[1]
