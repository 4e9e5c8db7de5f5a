"""Model: graphs of layers against chains and against plain NumPy; files, copies, several inputs."""

import copy
import pickle

import numpy as np
import pytest

import tidegate as tg
from tidegate import set_num_threads
from tidegate.layers import (
    GRU,
    LSTM,
    Add,
    AdditiveAttention,
    Attention,
    AttentionPooling,
    Average,
    Bidirectional,
    Concatenate,
    Dense,
    Dropout,
    Embedding,
    Input,
    Masking,
    Multiply,
)
from tidegate.models import Model, Sequential
from tidegate.training import callbacks

RNG = np.random.default_rng(3)
SERIES = RNG.standard_normal((30, 6, 2)).astype("f4")
FACTS = RNG.standard_normal((30, 3)).astype("f4")
WORDS = RNG.integers(0, 7, (30, 4))
Y = RNG.standard_normal((30, 1)).astype("f4")


def two_branches(seed=0):
    """A sequence, numbers and words, joined; Dropout in one branch."""
    series, facts = Input((None, 2), name="series"), Input((3,), name="facts")
    words = Input((4,), name="words")
    a = AttentionPooling(3)(GRU(5, return_sequences=True)(series))
    b = Dropout(0.3)(Dense(4, "relu")(facts))
    c = Bidirectional(LSTM(3))(Embedding(7, 3)(words))
    out = Dense(1)(Concatenate()([a, b, c]))
    return Model([series, facts, words], out, seed=seed)


X = {"series": SERIES, "facts": FACTS, "words": WORDS}


def chains():
    """Layers for a chain, made anew."""
    return [
        LSTM(4, return_sequences=True),
        GRU(5, return_sequences=True),
        Dropout(0.2),
        GRU(3),
        Dense(1),
    ]


def test_a_chain_is_a_sequential_bit_for_bit():
    sequential = Sequential([Input((6, 2)), *chains()], seed=4)
    start = tensor = Input((6, 2))
    for layer in chains():
        tensor = layer(tensor)
    model = Model(start, tensor, seed=4)
    runs = []
    for each in (sequential, model):
        each.compile("adam", "mse", metrics=["mae"])
        history = each.fit(SERIES, Y, epochs=3, batch_size=8, verbose=0, validation_split=0.2)
        runs.append((history.history, each.get_weights(), each.predict(SERIES)))
    assert runs[0][0] == runs[1][0]
    for a, b in zip(runs[0][1], runs[1][1], strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(runs[0][2], runs[1][2])
    assert len(model.plan.calls) == len(sequential.plan.calls) == 4  # two layers run as one


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_the_same_bits_at_any_number_of_threads(threads, threads_restored):
    results = []
    for count in (1, threads):
        set_num_threads(count)
        model = two_branches()
        model.compile("adam", "mse")
        model.fit(X, Y, epochs=2, batch_size=8, verbose=0)
        results.append(model.predict(X))
    np.testing.assert_array_equal(*results)


def test_what_a_graph_computes():
    a, b = Input((3,)), Input((3,))
    weights = RNG.standard_normal((2, 3, 3)).astype("f4")
    first, second = Dense(3, use_bias=False), Dense(3, use_bias=False)
    u = first(a)
    v = second(Multiply()([u, b]))
    model = Model([a, b], Concatenate()([Average()([u, v]), Add()([u, v, b])]))
    model.set_weights(list(weights))
    x, z = FACTS, FACTS[::-1]
    expected_u = x @ weights[0]
    expected_v = (expected_u * z) @ weights[1]
    expected = np.concatenate([(expected_u + expected_v) / 2, expected_u + expected_v + z], 1)
    np.testing.assert_allclose(model.predict([x, z]), expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(model([x, z]), model.predict([x, z]))
    assert model.output_shape == (6,)
    assert model.input_shape == ((3,), (3,))


def test_inputs_as_list_or_dict():
    model = two_branches()
    by_name, in_order = model.predict(X), model.predict([SERIES, FACTS, WORDS])
    np.testing.assert_array_equal(by_name, in_order)
    np.testing.assert_array_equal(model.predict(dict(reversed(X.items()))), by_name)
    np.testing.assert_allclose(model.predict(X, batch_size=7), by_name, rtol=1e-5)
    model.compile("sgd", "mse", metrics=["mae"])
    losses = [model.evaluate(x, Y, batch_size=11) for x in (X, [SERIES, FACTS, WORDS])]
    assert losses[0] == losses[1]
    assert model.predict({name: part[:0] for name, part in X.items()}).shape == (0, 1)
    one = Model(entry := Input((3,), name="facts"), Dense(1)(entry))
    np.testing.assert_array_equal(one.predict({"facts": FACTS}), one.predict(FACTS))


def test_fit_with_everything():
    model = two_branches()
    model.compile("adam", "mse", metrics=["mae"])
    stop = callbacks.EarlyStopping(monitor="loss", patience=100, restore_best_weights=True)
    validation = ({name: part[:9] for name, part in X.items()}, Y[:9])
    history = model.fit(
        X,
        Y,
        epochs=30,
        batch_size=7,
        verbose=0,
        callbacks=[stop],
        validation_data=validation,
        sample_weight=np.linspace(1, 2, 30),
    ).history
    assert history["loss"][-1] < 0.8 * history["loss"][0]
    assert len(history["val_mae"]) == 30


@pytest.mark.parametrize("how", ["file", "deepcopy", "pickle"])
def test_a_copy_goes_on_like_the_original(how, tmp_path):
    model = two_branches()
    model.compile("adam", "mse", metrics=["mae"])
    model.fit(X, Y, epochs=2, verbose=0)
    if how == "file":
        pytest.importorskip("safetensors", reason="no model files")
        model.save(tmp_path / "m.safetensors")
        other = tg.load(tmp_path / "m.safetensors")
    else:
        other = copy.deepcopy(model) if how == "deepcopy" else pickle.loads(pickle.dumps(model))
    assert isinstance(other, Model)
    assert other.input_names == model.input_names
    before = other.predict(X)
    np.testing.assert_array_equal(before, model.predict(X))
    ours = model.fit(X, Y, epochs=2, verbose=0).history
    np.testing.assert_array_equal(other.predict(X), before)  # nothing is shared
    assert other.fit(X, Y, epochs=2, verbose=0).history == ours
    np.testing.assert_array_equal(other.predict(X), model.predict(X))


def twins():
    """One LSTM over two inputs, and one Dense used twice in a row."""
    left, right = Input((6, 2), name="left"), Input((6, 2), name="right")
    lstm, dense = LSTM(4), Dense(4, "tanh")
    a, b = lstm(left), lstm(right)
    return Model([left, right], Dense(1)(Add()([dense(dense(a)), b])), seed=1)


def test_a_shared_layer_is_one_layer(tmp_path):
    model = twins()
    assert [layer.name for layer in model.layers] == ["lstm", "dense", "add", "dense_1"]
    assert model.count_params() == 4 * 4 * (2 + 4 + 1) + 4 * 5 + 5
    pytest.importorskip("safetensors", reason="no model files")
    model.save(tmp_path / "m")
    other = tg.load(tmp_path / "m")
    x = [SERIES, SERIES[::-1]]
    np.testing.assert_array_equal(other.predict(x), model.predict(x))
    assert other.count_params() == model.count_params()


def test_attention_is_shared_by_sequences_of_several_lengths(tmp_path):
    short, long = Input((3, 2)), Input((5, 2))
    for layer in (Attention(use_scale=True), AdditiveAttention(), Concatenate(axis=1)):
        outputs = [layer([long, short]), layer([short, long]), layer([short, short])]
        steps = [8, 8, 6] if isinstance(layer, Concatenate) else [5, 3, 3]
        assert [y.shape for y in outputs] == [(n, 2) for n in steps]
        assert layer.input_shape == ((None, 2), (None, 2))
        model = Model([long, short], Concatenate(axis=1)(outputs), seed=0)
        x = [SERIES[:, :5], SERIES[:, 3:]]
        parts = [layer([x[0], x[1]]), layer([x[1], x[0]]), layer([x[1], x[1]])]
        np.testing.assert_array_equal(model.predict(x), np.concatenate(parts, axis=1))
        model.save(tmp_path / "m.safetensors")
        loaded = tg.load(tmp_path / "m.safetensors")
        np.testing.assert_array_equal(loaded.predict(x), model.predict(x))
        with pytest.raises(ValueError, match=r"input has shape \(N, 4, 3\); expected \(N, any, 2"):
            layer([short, Input((4, 3))])


def test_a_bad_step_is_undone():
    model = twins()
    model.compile("sgd", "mse")
    x = [SERIES, SERIES[::-1]]
    model.fit(x, Y, verbose=0)
    before = model.get_weights()
    with pytest.raises(tg.training.TrainingDivergedError, match="the loss is inf in epoch 1"):
        model.fit(x, Y * 1e30, epochs=3, verbose=0)
    for weight, kept in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, kept)


def test_masks_go_through_a_graph():
    """Padding, whether known by its value or by lengths, changes nothing."""
    entry = Input((None, 2))
    low = LSTM(2, return_sequences=True)(Masking()(entry))
    out = Dense(1)(AttentionPooling(3)(Add()([low, GRU(2, return_sequences=True)(low)])))
    model = Model(entry, out, seed=2)
    short = model.predict(SERIES[:, :4])
    padded = SERIES.copy()
    padded[:, 4:] = 0
    np.testing.assert_allclose(model.predict(padded), short, rtol=1e-5, atol=1e-6)
    padded[:, 4:] = np.nan
    np.testing.assert_allclose(model.predict(padded, lengths=[4] * 30), short, rtol=1e-5, atol=1e-6)


def test_lengths_of_one_of_several_inputs():
    model = two_branches()
    cut = model.predict(X | {"series": SERIES[:, :4]})
    padded = SERIES.copy()
    padded[:, 4:] = np.nan
    lengths = {"series": [4] * 30}
    got = model.predict(X | {"series": padded}, lengths=lengths, batch_size=8)
    np.testing.assert_allclose(got, cut, rtol=1e-5, atol=1e-6)
    model.compile("sgd", "mse")
    assert np.isfinite(
        model.fit(X | {"series": padded}, Y, lengths=lengths, verbose=0).history["loss"]
    )
    ragged = [row[:4] for row in SERIES]
    ragged[0] = SERIES[0]
    assert model.predict(X | {"series": ragged}).shape == (30, 1)


def encoder_decoder():
    past, known = Input((None, 2), name="past"), Input((4, 3), name="known")
    encoder, decoder = LSTM(4, return_state=True), LSTM(4, return_sequences=True)
    _, h, c = encoder(past)
    return Model([past, known], Dense(1)(decoder(known, initial_state=[h, c])), seed=0)


def test_states_go_from_layer_to_layer(tmp_path):
    model = encoder_decoder()
    known = RNG.standard_normal((30, 4, 3)).astype("f4")
    encoder, decoder, dense = (copy.deepcopy(layer) for layer in model.layers)
    _, h, c = encoder(SERIES)
    expected = dense(decoder(known, initial_state=[h, c]))
    np.testing.assert_array_equal(model.predict([SERIES, known]), expected)
    model.compile("adam", "mse")
    model.fit([SERIES, known], np.zeros((30, 4, 1)), verbose=0)
    other = copy.deepcopy(model)
    np.testing.assert_array_equal(other.predict([SERIES, known]), model.predict([SERIES, known]))
    pytest.importorskip("safetensors", reason="no model files")
    model.save(tmp_path / "m")
    np.testing.assert_array_equal(
        tg.load(tmp_path / "m").predict([SERIES, known]), model.predict([SERIES, known])
    )


def test_a_state_may_be_the_output():
    entry = Input((None, 2))
    lstm = LSTM(4, return_sequences=True, return_state=True)
    _, _, c = lstm(entry)
    model = Model(entry, c)
    np.testing.assert_array_equal(model.predict(SERIES), copy.deepcopy(lstm)(SERIES)[2])
    model.compile("sgd", "mse")
    assert np.isfinite(model.train_on_batch(SERIES, np.zeros((30, 4))))


def test_summary_and_repr(capsys):
    model = twins()
    model.summary()
    lines = capsys.readouterr().out.splitlines()
    assert lines[3].split() == ["left", "(Input)", "(N,", "6,", "2)"]
    assert lines[5].split() == ["lstm", "(LSTM)", "of", "left", "(N,", "4)", "112"]
    assert lines[-1].startswith("Trained parameters: 137 ")
    assert repr(model) == (
        "<Model 'model' of [left, right] through [LSTM, Dense, Add, Dense], output (N, 1)>"
    )
    assert repr(Input((3, 1), name="a")) == "<Input 'a' (N, 3, 1)>"
    assert repr(Dense(2, name="d")(Input((3,)))) == "<Tensor (N, 2) of 'd'>"


def test_default_names_are_made_unique():
    inputs = [Input((2,)), Input((2,), name="input_1"), Input((2,))]
    model = Model(inputs, Concatenate()(inputs))
    assert model.input_names == ["input", "input_1", "input_2"]


def test_dtypes_may_differ():
    a, b = Input((3,)), Input((3,))
    double = Dense(2, dtype="float64")(a)
    model = Model([a, b], Add()([double, Dense(2)(b)]), seed=0)
    y = model.predict([FACTS, FACTS])
    assert y.dtype == model.output_dtype == np.float64
    model.compile("sgd", "mse")
    assert np.isfinite(model.train_on_batch([FACTS, FACTS], np.zeros((30, 2))))


def test_an_input_of_layers_of_two_dtypes_keeps_the_digits_of_the_wider():
    x = Input((3,))
    wide = Dense(2, dtype="float64")
    model = Model(x, Concatenate()([Dense(2)(x), wide(x)]), seed=0)
    exact = np.asarray(FACTS, np.float64) + 1e-12
    np.testing.assert_array_equal(model.predict(exact)[:, 2:], wide(exact))


def test_a_deep_graph_needs_no_recursion():
    entry = tensor = Input((2,))
    for _ in range(1500):
        tensor = Add()([tensor, tensor])
    model = Model(entry, tensor)
    assert model.predict([[0.0, 0.0]]).shape == (1, 2)


def test_layers_still_take_arrays():
    np.testing.assert_array_equal(Add()([FACTS, FACTS]), 2 * FACTS)
    np.testing.assert_array_equal(Multiply()([FACTS, FACTS, FACTS]), FACTS * FACTS * FACTS)
    assert Concatenate(axis=1)([SERIES, SERIES]).shape == (30, 12, 2)
