"""Whole models from Keras and to Keras: predictions, one step of training, and what is refused."""

import numpy as np
import pytest

from keras_peer import keras
from random_runs import Draw
from tidegate.keras import from_keras, to_keras
from tidegate.keras import layers as engine_layers
from tidegate.layers import GRU, LSTM, Bidirectional, Dense, Dropout, Embedding, Input, Masking
from tidegate.layers import AttentionPooling as Pooling
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
    theirs = stack_of(drop_in(4, return_sequences=True), L.Bidirectional(drop_in(3)), L.Dense(2))
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


def stack_of(*layers, shape=(5, 2)):
    return keras.Sequential([keras.Input(shape), *layers])


def frozen():
    layer = L.LSTM(3)
    layer.trainable = False
    return stack_of(layer)


def with_operation():
    x = keras.Input((5, 2))
    return keras.Model(x, L.LSTM(3)(x) + 1.0)


def with_two_outputs():
    x = keras.Input((5, 2))
    return keras.Model(x, [L.LSTM(3)(x), L.GRU(3)(x)])


def with_states_and_mask():
    x = keras.Input((5, 2))
    masked = L.Masking()(x)
    return keras.Model(x, L.GRU(3)(masked, initial_state=L.GRU(3)(x)))


FROM = [
    (lambda: stack_of(L.Conv1D(3, 2), L.LSTM(2)), r"layer 'conv1d.*' \(Conv1D\): no such layer"),
    (lambda: stack_of(L.LSTM(2), L.Softmax()), r"\(Softmax\): no such .*nearest: activation=\"so"),
    (lambda: stack_of(L.LSTM(2, activation="gelu")), r"\(LSTM\): activation is \"gelu\"; expected"),
    (
        lambda: stack_of(L.GRU(2, recurrent_activation=lambda x: x)),
        r"\(GRU\): recurrent_activation is <function .*; expected a function of keras.activations",
    ),
    (frozen, r"\(LSTM\): trainable is False; expected True"),
    (lambda: stack_of(L.LSTM(2, dtype="mixed_float16")), r"dtype is 'mixed_float16'; expected"),
    (
        lambda: stack_of(L.LSTM(2, activity_regularizer="l2")),
        r"activity_regularizer is .*; expected None \(kernel_regularizer is nearest",
    ),
    (
        lambda: stack_of(L.LSTM(2, kernel_regularizer=keras.regularizers.OrthogonalRegularizer())),
        r"kernel_regularizer is OrthogonalRegularizer; expected one of L1, L2, L1L2",
    ),
    (
        lambda: stack_of(L.TimeDistributed(L.Dropout(0.1))),
        r"\(TimeDistributed\): layer is 'Dropout'; expected Dense",
    ),
    (
        lambda: stack_of(L.RNN(L.LSTMCell(2))),
        r"\(RNN\): no such layer exists in tidegate; .*nearest: LSTM, GRU or SimpleRNN",
    ),
    (
        lambda: stack_of(L.Masking(), L.GRU(3, return_sequences=True, go_backwards=True), L.GRU(2)),
        r"\(GRU\): go_backwards is True .*Bidirectional, which does, is nearest",
    ),
    (
        lambda: stack_of(L.Masking(), L.GRU(3, zero_output_for_mask=True)),
        r"\(GRU\): zero_output_for_mask is True on masked steps without return_sequences; exp",
    ),
    (with_operation, r"operation 'add.*' \(Add of keras.ops\); expected layers only"),
    (with_two_outputs, "has 2 outputs; expected one"),
    (
        with_states_and_mask,
        r"\(GRU\): initial_state is given and its input is masked; expected mas",
    ),
    (lambda: keras.Sequential([L.LSTM(2)]), "is not built, or is a subclass .*keras.Input"),
]


@pytest.mark.parametrize(("make", "message"), FROM)
def test_from_keras_refuses(make, message):
    with pytest.raises(ValueError, match=f"^from_keras: .*{message}"):
        from_keras(make())


def test_from_keras_takes_models_only():
    with pytest.raises(TypeError, match=r"^from_keras: model is a LSTM; expected a keras.Sequenti"):
        from_keras(L.LSTM(3))


def native(*layers):
    return Sequential([Input((5, 2)), *layers])


TO = [
    (lambda: native(LSTM(3, peephole="diagonal")), r"\(LSTM\): w has diagonal peepholes, which"),
    (lambda: native(LSTM(3, projection=2)), "a projection, which keras.layers.LSTM cannot hold"),
    (lambda: native(GRU(3, layer_norm=True)), "layer normalisation, which keras.layers.GRU"),
    (lambda: native(GRU(3, zoneout=0.1)), "zoneout is 0.1; expected 0.0 .recurrent_dropout"),
    (lambda: native(LSTM(3, weight_drop=0.1)), "weight_drop is 0.1; expected 0.0"),
    (
        lambda: native(Bidirectional(LSTM(3, output_activation="relu"))),
        r"layer 'forward_lstm' \(LSTM\): w has output_activation='relu'; expected 'tanh'",
    ),
    (
        lambda: native(LSTM(3), Dense(2, ("leaky_relu", {"alpha": 0.7}))),
        r"\(Dense\): activation is Activation\(name='leaky_relu', alpha=0.7.*; expected one of",
    ),
    (lambda: native(Pooling(4)), r"\(AttentionPooling\): no such layer exists in Keras; .*nearest"),
    (
        lambda: native(Masking(), GRU(3, return_sequences=True, go_backwards=True), GRU(2)),
        r"\(GRU\): go_backwards is True .*expected no layer above it",
    ),
]


@pytest.mark.parametrize(("make", "message"), TO)
def test_to_keras_refuses(make, message):
    with pytest.raises(ValueError, match=f"^to_keras: .*{message}"):
        to_keras(make())


def test_to_keras_takes_built_models_only():
    with pytest.raises(
        TypeError, match=r"^to_keras: model is a LSTM; expected a Sequential or a M"
    ):
        to_keras(LSTM(3))
    with pytest.raises((RuntimeError, ValueError), match=r"to_keras: .*built"):
        to_keras(Sequential([LSTM(3), Dropout(0.1)]))
