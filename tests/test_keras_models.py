"""Whole models from Keras and to Keras: predictions, one step of training, and what is refused."""

import numpy as np
import pytest

from keras_peer import keras
from random_runs import Draw
from tidegate.keras import from_keras, to_keras
from tidegate.keras import layers as engine_layers
from tidegate.layers import GRU, Dense, Embedding, Input, Masking
from tidegate.models import Model, Sequential

L = keras.layers
CLOSE = {"rtol": 1e-6, "atol": 1e-6}
ACTIVATIONS = ("tanh", "sigmoid", "relu", "hard_sigmoid", "leaky_relu", "softsign", "elu")


def random_recurrent(draw, sequences, masked):
    """An LSTM, GRU or SimpleRNN, or both directions of one, with random options."""
    kind = draw.one("LSTM", "GRU", "SimpleRNN")
    options = {
        "units": int(draw.one(1, 3, 8)),
        "activation": draw.one(*ACTIVATIONS),
        "use_bias": draw.chance(0.7),
        "bias_initializer": "random_normal",
        "dtype": np.dtype(draw.dtype).name,
        "zero_output_for_mask": draw.chance() and sequences,
    }
    if kind != "SimpleRNN":
        options["recurrent_activation"] = draw.one("sigmoid", "hard_sigmoid")
    if kind == "GRU":
        options["reset_after"] = draw.chance()
    both = draw.chance(0.4)
    if not both and not (masked and sequences):
        options["go_backwards"] = draw.chance(0.3)
    layer = getattr(L, kind)(return_sequences=sequences, **options)
    if not both:
        return layer
    mode = draw.one("concat", "sum", "mul", "ave")
    return L.Bidirectional(layer, merge_mode=mode, dtype=options["dtype"])


def random_stack(draw):
    """A Sequential, and data for it: tokens with padding, steps with gaps, or plain steps."""
    batch, steps, features = 5, 7, 3
    dtype = np.dtype(draw.dtype).name
    source = draw.one("tokens", "gaps", "plain")
    mask = draw.mask(batch, steps)
    if source == "tokens":
        x = draw.rng.integers(1, 9, (batch, steps)) * mask
        below = [keras.Input((None,), dtype="int32")]
        below.append(L.Embedding(9, 4, mask_zero=True, dtype=dtype))
    else:
        x = draw.normal(batch, steps, features)
        below = [keras.Input((None, features), dtype=dtype)]
        if source == "gaps":
            x[~mask] = -1
            below.append(L.Masking(-1.0, dtype=dtype))
    layers = int(draw.one(1, 2, 3))
    for k in range(layers):
        last = k == layers - 1
        below.append(random_recurrent(draw, not last, source != "plain"))
        if not last and draw.chance(0.3):
            dense = L.Dense(3, activation="tanh", dtype=dtype)
            below.append(L.TimeDistributed(dense, dtype=dtype) if draw.chance() else dense)
    below.append(L.Dense(2, draw.one("linear", "softmax", "leaky_relu"), dtype=dtype))
    return keras.Sequential(below), x


@pytest.mark.parametrize("seed", range(8))
def test_random_stacks(seed):
    keras.utils.set_random_seed(seed)
    draw = Draw(seed, np.float64 if seed % 2 else np.float32)
    theirs, x = random_stack(draw)
    ours = from_keras(theirs, seed=0)
    expected = theirs.predict(x, verbose=0)
    np.testing.assert_allclose(ours.predict(x), expected, **CLOSE)
    back = to_keras(ours)
    np.testing.assert_allclose(back.predict(x, verbose=0), expected, **CLOSE)
    for a, b in zip(back.get_weights(), theirs.get_weights(), strict=True):
        assert np.array_equal(a, b)
    assert_one_step_alike(ours, theirs, x, draw.normal(*expected.shape))


def assert_one_step_alike(ours, theirs, x, y):
    """A step of plain gradient descent: what it adds to the weights is the gradient."""
    before = theirs.get_weights()
    theirs.compile(keras.optimizers.SGD(1.0), "mse")
    theirs.fit(x, y, epochs=1, batch_size=len(y), shuffle=False, verbose=0)
    ours.compile("sgd", "mse")
    ours.optimizer.learning_rate = 1.0
    ours.fit(x, y, epochs=1, batch_size=len(y), shuffle=False, verbose=0)
    got = to_keras(ours).get_weights()
    moved = 0.0
    for a, b, start in zip(got, theirs.get_weights(), before, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=2e-6)
        moved += float(np.abs(b - start).sum())
    assert moved > 0


def functional_model():
    """Two inputs, states from one layer to another, attention, a shared layer, a model inside."""
    tokens, series = keras.Input((None,), dtype="int32", name="tokens"), keras.Input((6, 3))
    embedded = L.Embedding(9, 4, mask_zero=True)(tokens)
    shared = L.Bidirectional(L.GRU(4, return_sequences=True), merge_mode="ave")
    twice = shared(shared(embedded))
    attended = L.Attention(use_scale=True)([twice, L.LSTM(4, return_sequences=True)(embedded)])
    text = L.LSTM(5)(L.Add()([attended, twice]))
    steps, h, c = L.LSTM(5, return_sequences=True, return_state=True)(series)
    decoded = L.LSTM(5)(steps, initial_state=[h, c])
    inside = keras.Sequential([keras.Input((5,)), L.Dense(4, "relu"), L.Dropout(0.5)], name="head")
    joined = L.Concatenate()([inside(text), inside(decoded), L.Multiply()([h, text])])
    return keras.Model([tokens, series], L.Dense(2, "sigmoid")(joined))


def test_a_graph():
    keras.utils.set_random_seed(1)
    theirs = functional_model()
    rng = np.random.default_rng(0)
    x = [rng.integers(0, 9, (4, 8)), rng.standard_normal((4, 6, 3)).astype("f4")]
    ours = from_keras(theirs)
    assert isinstance(ours, Model)
    expected = theirs.predict(x, verbose=0)
    np.testing.assert_allclose(ours.predict(x), expected, **CLOSE)
    np.testing.assert_allclose(to_keras(ours).predict(x, verbose=0), expected, **CLOSE)


def test_states_with_a_mask_that_the_call_is_given():
    tokens = Input((None,), name="tokens")
    embedded = Embedding(9, 4, mask_zero=True)(tokens)
    _, h = GRU(4, return_state=True)(embedded)
    ours = Model(tokens, Dense(1)(GRU(4)(embedded, initial_state=[h])), seed=0)
    x = np.random.default_rng(0).integers(0, 9, (5, 6))
    theirs = to_keras(ours)
    np.testing.assert_allclose(theirs.predict(x, verbose=0), ours.predict(x), **CLOSE)
    np.testing.assert_allclose(from_keras(theirs).predict(x), ours.predict(x), **CLOSE)


def test_stateful_layers_carry_the_same():
    theirs = keras.Sequential(
        [keras.Input((4, 2), batch_size=3), L.LSTM(5, stateful=True, return_sequences=True)]
    )
    ours = from_keras(theirs)
    back = to_keras(ours, batch_size=3)
    for seed in range(3):
        x = np.random.default_rng(seed).standard_normal((3, 4, 2)).astype("f4")
        expected = theirs.predict(x, verbose=0, batch_size=3)
        np.testing.assert_allclose(ours.predict(x, batch_size=3), expected, **CLOSE)
        np.testing.assert_allclose(back.predict(x, batch_size=3, verbose=0), expected, **CLOSE)
    with pytest.raises(ValueError, match=r"batch_size is None and layer 'lstm.*' is stateful"):
        to_keras(ours)


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "SimpleRNN"])
def test_the_layers_of_tidegate_keras_are_read_too(kind):
    drop_in = getattr(engine_layers, kind)
    layers = [drop_in(4, return_sequences=True), L.Bidirectional(drop_in(3)), L.Dense(2)]
    theirs = keras.Sequential([keras.Input((5, 2)), *layers])
    x = np.random.default_rng(0).standard_normal((3, 5, 2)).astype("f4")
    expected = theirs.predict(x, verbose=0)
    np.testing.assert_allclose(from_keras(theirs).predict(x), expected, **CLOSE)


def test_rules_and_noise_are_taken_over():
    theirs = keras.Sequential(
        [
            keras.Input((4, 2)),
            L.LSTM(
                5,
                kernel_regularizer=keras.regularizers.L2(0.03),
                recurrent_constraint=keras.constraints.MaxNorm(0.7, axis=1),
                dropout=0.2,
                recurrent_dropout=0.1,
                return_sequences=True,
            ),
            L.SpatialDropout1D(0.25),
            L.GRU(2, bias_regularizer="l1"),
            L.Dense(3, kernel_constraint="non_neg"),
        ]
    )
    first, spatial, second, dense = from_keras(theirs).layers
    config = first.get_config()
    assert config["kernel_regularizer"]["config"]["l2"] == pytest.approx(0.03)
    assert config["recurrent_constraint"]["config"] == {"max_value": 0.7, "axis": 1}
    assert (config["dropout"], config["recurrent_dropout"]) == (0.2, 0.1)
    assert (spatial.rate, spatial.noise_shape) == (0.25, (None, 1, None))
    assert second.get_config()["bias_regularizer"]["class"] == "L1"
    assert dense.get_config()["kernel_constraint"]["class"] == "NonNeg"
    back = to_keras(from_keras(theirs))
    assert back.layers[0].recurrent_constraint.max_value == 0.7
    assert back.layers[0].kernel_regularizer.l2 == pytest.approx(0.03)


def test_a_gru_that_replaces_becomes_one_that_retains():
    ours = Sequential([GRU(4, update="replace", input_shape=(5, 2)), Dense(1)], seed=0)
    x = np.random.default_rng(0).standard_normal((3, 5, 2)).astype("f4")
    np.testing.assert_allclose(to_keras(ours).predict(x, verbose=0), ours.predict(x), **CLOSE)


def test_a_last_output_is_that_of_the_last_step_that_counts():
    layers = [Masking(), GRU(3, zero_output_for_mask=True), Dense(2)]
    ours = Sequential([Input((5, 2)), *layers], seed=0)
    x = np.random.default_rng(0).standard_normal((3, 5, 2)).astype("f4")
    x[1, 3:] = 0
    np.testing.assert_allclose(to_keras(ours).predict(x, verbose=0), ours.predict(x), **CLOSE)


@pytest.mark.parametrize("wrapped_first", [True, False])
def test_a_dense_layer_alone_and_inside_timedistributed_is_one(wrapped_first):
    x = keras.Input((4, 3))
    dense = L.Dense(3, activation="tanh")
    both = [L.TimeDistributed(dense), dense]
    y = L.Add()([layer(x) for layer in (both if wrapped_first else both[::-1])])
    values = Draw(0, np.float32).normal(2, 4, 3)
    models = [keras.Model(x, y), keras.Sequential([keras.Input((4, 3)), *both])]
    for model in models:
        ours = from_keras(model)
        assert ours.count_params() == model.count_params() == 12
        expected = model.predict(values, verbose=0)
        np.testing.assert_allclose(ours.predict(values), expected, **CLOSE)
