"""TimeLSTM: equations, gradients, masks, models, files, errors."""

import copy

import numpy as np
import pytest

import tidegate
from engine_runs import refuses
from layer_gradients import assert_layer_gradients_match_differences
from tidegate.layers import LSTM, Bidirectional, Concatenate, Dense, Input, TimeLSTM
from tidegate.models import Model, Sequential
from tidegate.sequences import memory_decay, merge_asynchronous, missing_indicator, time_gaps
from tolerances import assert_forward_close

T, B, F, H = 6, 4, 3, 5


def data(time_feature="time", seed=0, dtype=np.float64):
    """(B, T, F + 1): values and, last, times or gaps."""
    rng = np.random.default_rng(seed)
    gaps = rng.exponential(2.0, (B, T)) * (rng.random((B, T)) < 0.8)
    last = np.cumsum(gaps, axis=1) + 40 if time_feature == "time" else gaps
    return np.concatenate([rng.standard_normal((B, T, F)), last[..., None]], axis=2).astype(dtype)


def built(**options):
    layer = TimeLSTM(H, dtype="float64", bias_initializer="glorot_uniform", **options)
    layer.build((None, F + 1), np.random.default_rng(1))
    return layer


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def by_hand(layer, x, mask=None):
    """The paper's equations, one step and one sequence at a time; 0 at steps that do not run."""
    w = {p.name.rpartition("/")[2]: p.value for p in layer.parameters}
    y = np.zeros((B, T, H))
    for b in range(B):
        h, c, before = np.zeros(H), np.zeros(H), None
        steps = [t for t in range(T) if mask is None or mask[b, t]]
        for t in steps[::-1] if layer.go_backwards else steps:
            if layer.time_feature == "time":
                gap = 0 if before is None else abs(x[b, t, F] - x[b, before, F])
            elif layer.go_backwards:
                gap = 0 if before is None else x[b, before, F]
            else:
                gap = x[b, t, F]
            d = 1 / np.log(np.e + gap) if layer.decay == "log" else 1 / max(gap, 1)
            short = np.tanh(w["weight_cc"] @ c + w["bias_cc"])
            star = c - short + d * short
            a = w["weight_ih"] @ x[b, t, :F] + w["weight_hh"] @ h + w["bias_ih"]
            i, f, g, o = np.split(a, 4)
            c = sigmoid(f) * star + sigmoid(i) * np.tanh(g)
            h = sigmoid(o) * np.tanh(c)
            y[b, t], before = h, t
    return y


KINDS = [(what, back) for what in ("time", "gap") for back in (False, True)]


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("decay", ["log", "inverse"])
@pytest.mark.parametrize(("time_feature", "backwards"), KINDS)
def test_layer_is_the_equations_of_the_paper(time_feature, backwards, decay, masked):
    options = {"time_feature": time_feature, "decay": decay, "go_backwards": backwards}
    layer = built(return_sequences=True, zero_output_for_mask=True, **options)
    x = data(time_feature)
    mask = np.random.default_rng(3).random((B, T)) < 0.6 if masked else None
    if masked:
        mask[1] = False
    expected = by_hand(layer, x, mask)
    if masked:
        x[~mask] = np.nan  # the layer reads nothing there
    y = layer(x, mask=mask)
    assert_forward_close(y[:, ::-1] if backwards else y, expected)
    last = built(**options)
    at = (
        [np.flatnonzero(row)[0 if backwards else -1] if row.any() else 0 for row in mask]
        if (masked)
        else [0 if backwards else T - 1] * B
    )
    assert_forward_close(last(x, mask=mask), expected[np.arange(B), at])


@pytest.mark.parametrize(
    "options",
    [
        {"return_sequences": True},
        {"decay": "inverse"},
        {"time_feature": "gap", "return_sequences": True, "use_bias": False},
        {"go_backwards": True, "return_sequences": True},
        {"go_backwards": True, "time_feature": "gap"},
        {"dropout": 0.3, "recurrent_dropout": 0.3, "zoneout": 0.2, "return_sequences": True},
        {"weight_drop": 0.3, "go_backwards": True},
        {"projection": 2, "activation": "softsign", "cell_clip": 0.5, "return_sequences": True},
    ],
    ids=str,
)
@pytest.mark.parametrize("masked", [False, True])
def test_gradients_of_the_layer_match_finite_differences(options, masked):
    layer, x = built(**options), data(options.get("time_feature", "time"))
    call = {"mask": np.random.default_rng(2).random((B, T)) < 0.7} if masked else {}
    gaps = x[..., -1] if "time_feature" in options else np.diff(x[..., -1])

    def at_the_end_of_what_is_allowed(what, index):  # a gap of 0
        if what != "x" or index[-1] != F:
            return False
        b, t = index[:2]
        near = gaps[b, t] if "time_feature" in options else gaps[b, max(0, t - 1) : t + 1]
        return np.min(np.abs(near), initial=1) < 1e-4

    assert_layer_gradients_match_differences(
        layer, x, apart=at_the_end_of_what_is_allowed, wider=10, **call
    )


def test_bidirectional_is_a_layer_in_each_direction():
    both = Bidirectional(TimeLSTM(H, dtype="float64", return_sequences=True))
    x = data()
    y = both(x)
    for layer, half in zip(both.recurrent_parts(), (y[..., :H], y[..., H:]), strict=True):
        assert_forward_close(half, by_hand(layer, x))


def test_a_batch_goes_on_where_a_stateful_one_ended():
    x = data("gap", dtype=np.float32)
    whole = TimeLSTM(H, time_feature="gap", return_sequences=True)
    expected = whole(x)
    pieces = TimeLSTM(H, time_feature="gap", return_sequences=True, stateful=True)
    pieces.build((None, F + 1))
    pieces.set_weights(whole.get_weights())
    got = np.concatenate([pieces(x[:, :2]), pieces(x[:, 2:])], axis=1)
    np.testing.assert_array_equal(got, expected)


@pytest.mark.usefixtures("threads_restored")
def test_models_with_a_second_input_of_gaps_train_are_saved_and_copied(tmp_path):
    values, gaps = Input((None, F), name="values"), Input((None, 1), name="gaps")
    options = {"time_feature": "gap", "recurrent_dropout": 0.2, "zoneout": 0.1}
    h = TimeLSTM(H, return_sequences=True, **options)(Concatenate()([values, gaps]))
    h = Bidirectional(TimeLSTM(H, time_feature="gap"))(Concatenate()([h, gaps]))
    outputs = Dense(1)(h)
    x = data("gap", dtype=np.float32)
    given = {"values": x[..., :F], "gaps": x[..., F:]}
    y = np.random.default_rng(0).standard_normal((B, 1))
    results = []
    model = Model(inputs=[values, gaps], outputs=outputs, seed=3)
    for threads in (1, 2):
        tidegate.set_num_threads(threads)
        trained = copy.deepcopy(model)
        trained.compile("adam", "mse")
        losses = trained.fit(given, y, epochs=20, verbose=0, seed=4).history["loss"]
        results.append((losses, trained.predict(given)))
    assert results[0][0] == results[1][0]
    assert results[0][0][-1] < results[0][0][0]
    trained.save(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(
        tidegate.load(tmp_path / "m.safetensors").predict(given), results[1][1]
    )


def test_options_are_part_of_the_configuration():
    layer = TimeLSTM(
        H, time_feature="gap", decay="inverse", memory_initializer="orthogonal", clip=2.0
    )
    again = TimeLSTM.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    assert (again.time_feature, again.decay, again.clip) == ("gap", "inverse", 2.0)
    plain = TimeLSTM.from_config({"units": H})
    assert (plain.time_feature, plain.decay) == ("time", "log")


def test_streams_that_were_merged():
    merged = merge_asynchronous({"a": ([[0, 2, 9]], [[1, 2, 3]]), "b": ([[1]], [[5]])})
    x = missing_indicator(merged.x, times=merged.times)
    x = np.concatenate([x, merged.times[..., None]], axis=2).astype(np.float32)
    layer = TimeLSTM(H, return_sequences=True)
    gaps = time_gaps(merged.times, lengths=merged.lengths)
    np.testing.assert_array_equal(gaps, [[0, 1, 1, 7]])
    decay = memory_decay(gaps).astype(np.float32)
    expected = layer(x, lengths=merged.lengths)
    got = tidegate.functional.rnn_forward(
        layer.cell_weights, x[..., :-1], batch_first=True, memory_decay=decay
    )
    np.testing.assert_array_equal(got.y, expected)


def test_bad_input_of_the_layer():
    x = data()
    x[2, 3, F] = 0
    with refuses(ValueError, "the last feature of x falls from", "to 0 at step 3 of sequence 2"):
        TimeLSTM(H)(x)
    x = data("gap")
    x[1, 2, F] = -0.5
    with refuses(ValueError, "the last feature of x has -0.5 at index (1, 2)", ">= 0"):
        TimeLSTM(H, time_feature="gap")(x)
    x[1, 2, F] = np.nan
    with refuses(ValueError, "x has the value nan", "finite numbers"):
        TimeLSTM(H, time_feature="gap")(x)
    with refuses(ValueError, "the input has 1 features; expected at least one besides the time"):
        TimeLSTM(H)(np.zeros((2, 3, 1)))
    with refuses(ValueError, "TimeLSTM: time_feature is 'times'; expected one of"):
        TimeLSTM(H, time_feature="times")
    with refuses(ValueError, "TimeLSTM: decay is 'exp'; expected one of"):
        TimeLSTM(H, decay="exp")
    with refuses(ValueError, "TimeLSTM: peephole is 'diagonal'; expected None"):
        TimeLSTM(H, peephole="diagonal")
    with refuses(ValueError, "TimeLSTM: coupled is 'input'; expected None"):
        TimeLSTM(H, coupled="input")
    with refuses(ValueError, 'stateful is True and time_feature is "time"; expected "gap"'):
        TimeLSTM(H, stateful=True)
    with refuses(ValueError, "is a TimeLSTM", "time since the step before"):
        tidegate.Stream(built())
    with refuses(TypeError, "TimeLSTM: unknown argument 'unit'"):
        TimeLSTM(H, unit=3)


def test_truncated_training_needs_gaps():
    y = np.zeros((B, T, 1))
    for time_feature in ("gap", "time"):
        layer = TimeLSTM(H, time_feature=time_feature, return_sequences=True)
        model = Sequential([layer, Dense(1)])
        model.compile("sgd", "mse")
        if time_feature == "gap":
            model.fit(data("gap"), y, tbptt=3, verbose=0)
            continue
        with refuses(ValueError, "time_lstm"):
            model.fit(data(), y, tbptt=3, verbose=0)


def test_a_model_does_not_take_it_for_a_plain_lstm():
    x = data(dtype=np.float32)
    model = Sequential([TimeLSTM(H, return_sequences=True), LSTM(4)])
    got = model.predict(x)
    first, second = model.layers
    np.testing.assert_array_equal(got, second(first(x)))
