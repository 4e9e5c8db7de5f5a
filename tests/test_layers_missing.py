"""Missing values: MissingIndicator, GRUD, and the error that names them."""

import copy

import numpy as np
import pytest

import tidegate
from layer_gradients import assert_layer_gradients_match_differences
from tidegate import Stream
from tidegate.layers import (
    GRU,
    GRUD,
    LSTM,
    Attention,
    Bidirectional,
    Concatenate,
    Dense,
    Dropout,
    Input,
    Masking,
    MissingIndicator,
    Residual,
    TimeLSTM,
)
from tidegate.models import Model, Sequential
from tidegate.sequences import feature_means, missing_indicator
from tolerances import assert_forward_close

T, B, F, H = 6, 3, 4, 5
NAN = np.nan


def data(seed=0, times=False):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((B, T, F))
    x[rng.random(x.shape) < 0.5] = NAN
    x[0, :, 1] = NAN  # never observed
    x[1, 0] = NAN
    if times:
        when = np.cumsum(rng.uniform(0, 2, (B, T)), axis=1)
        x = np.concatenate([x, when[..., None]], axis=2)
    return x


def grud_by_hand(layer, x, mean):
    """The paper's equations, one step and one sequence at a time."""
    named = {p.name.rpartition("/")[2]: p.value for p in layer.parameters}
    times = x[..., -1] if layer.time_feature else np.tile(np.arange(T), (B, 1))
    values = x[..., :F]
    w_r, w_z, w_n = np.split(named["weight_ih"], 3)
    r_r, r_z, r_n = np.split(named["weight_hh"], 3)
    b_r, b_z, b_n = np.split(named["bias_ih"], 3)
    y = np.zeros((B, T, H))
    for b in range(B):
        h, delta, last = np.zeros(H), np.zeros(F), mean.copy()
        seen = np.zeros(F, bool)
        for t in range(T):
            if t:
                step = times[b, t] - times[b, t - 1]
                delta = step + np.where(seen, 0, delta)
            seen = ~np.isnan(values[b, t])
            gamma_x = np.exp(
                -np.maximum(0, named["input_decay"] * delta + named["input_decay_bias"])
            )
            gamma_h = np.exp(
                -np.maximum(0, named["state_decay"] @ delta + named["state_decay_bias"])
            )
            x_hat = np.where(seen, values[b, t], gamma_x * last + (1 - gamma_x) * mean)
            last = np.where(seen, values[b, t], last)
            h = gamma_h * h
            v = np.concatenate([x_hat, seen])
            r = 1 / (1 + np.exp(-(w_r @ v + r_r @ h + b_r)))
            z = 1 / (1 + np.exp(-(w_z @ v + r_z @ h + b_z)))
            n = np.tanh(w_n @ v + r_n @ (r * h) + b_n)
            h = (1 - z) * h + z * n
            y[b, t] = h
    return y


def built(**options):
    layer = GRUD(H, dtype="float64", bias_initializer="glorot_uniform", **options)
    layer.build((T, F + options.get("time_feature", False)), np.random.default_rng(1))
    for name in ("input_decay_bias", "state_decay_bias"):
        value = next(p.value for p in layer.parameters if p.name == name)
        value[...] = np.random.default_rng(2).uniform(-0.3, 0.3, value.shape)
    return layer


@pytest.mark.parametrize("time_feature", [False, True])
@pytest.mark.parametrize("mean", [None, [0.5, -1.0, 2.0, 0.0]])
def test_grud_is_the_equations_of_the_paper(mean, time_feature):
    layer = built(mean=mean, time_feature=time_feature, return_sequences=True)
    x = data(times=time_feature)
    expected = grud_by_hand(layer, x, np.zeros(F) if mean is None else np.array(mean))
    assert_forward_close(layer(x), expected)
    backwards = built(
        mean=mean, time_feature=time_feature, return_sequences=True, go_backwards=True
    )
    flipped = x[:, ::-1].copy()
    if time_feature:
        flipped[..., -1] = flipped[:, :1, -1] - flipped[..., -1]
    expected = grud_by_hand(layer, flipped, np.zeros(F) if mean is None else np.array(mean))
    assert_forward_close(backwards(x), expected)


OPTIONS = {
    "paper": {"return_sequences": True},
    "last": {},
    "times and mean": {"time_feature": True, "mean": [0.5, -1.0, 2.0, 0.0]},
    "after, retain": {"reset_after": True, "update": "retain", "return_sequences": True},
    "backwards": {"go_backwards": True, "return_sequences": True},
    "backwards, last": {"go_backwards": True, "time_feature": True},
    "zoneout": {"zoneout": 0.3, "return_sequences": True},
}


def assert_gradients(layer, x, **call):
    """Times have no gradient."""
    assert_layer_gradients_match_differences(
        layer, x, apart=lambda what, index: what == "x" and index[-1] >= F, **call
    )


@pytest.mark.parametrize("name", OPTIONS)
def test_gradients_of_grud_match_finite_differences(name):
    options = OPTIONS[name]
    assert_gradients(built(**options), data(4, times=options.get("time_feature", False)))


def test_gradients_of_grud_both_ways_match_finite_differences():
    layer = Bidirectional(GRUD(H, dtype="float64", return_sequences=True))
    layer.build((T, F), np.random.default_rng(1))
    assert_gradients(layer, data(4))


def test_gradients_of_missing_indicator_match_finite_differences():
    for times in (False, True):
        layer = MissingIndicator(time_feature=times, dtype="float64")
        layer.build((T, F + times))
        assert_gradients(layer, data(4, times=times))


@pytest.mark.parametrize("go_backwards", [False, True])
def test_gradients_with_a_mask_match_finite_differences(go_backwards):
    mask = np.random.default_rng(6).random((B, T)) < 0.7
    mask[0, -2:] = mask[1, 0] = False
    for times in (False, True):
        layer = built(go_backwards=go_backwards, time_feature=times, return_sequences=True)
        assert_gradients(layer, data(4, times=times), mask=mask)


def test_what_a_mask_hides_is_not_observed():
    x = data(times=True)
    mask = np.arange(T) < np.array([[6], [4], [2]])
    other = np.where(mask[..., None], x, 7.0)
    other[2, 2:, -1] = 0  # padded times may fall
    for layer in (
        GRUD(H, time_feature=True, return_sequences=True),
        Bidirectional(GRUD(H, time_feature=True, return_sequences=True)),
    ):
        np.testing.assert_array_equal(layer(x, mask=mask), layer(other, mask=mask))


def test_missing_indicator_is_the_function():
    x = data(times=True)
    mean = [0.5, -1.0, 2.0, 0.0]
    layer = MissingIndicator(mean, time_feature=True, dtype="float64")
    expected = missing_indicator(x[..., :F], times=x[..., -1], mean=mean)
    np.testing.assert_array_equal(layer(x), expected)
    plain = MissingIndicator(dtype="float64")(x[..., :F])
    np.testing.assert_array_equal(plain, missing_indicator(x[..., :F]))


@pytest.mark.usefixtures("threads_restored")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_models_with_missing_values_train_and_are_saved(tmp_path, dtype):
    x = np.tile(data(), (8, 1, 1))
    y = np.nan_to_num(x[:, :, 0]).mean(axis=1, keepdims=True)
    for first in (
        [MissingIndicator(feature_means(x), dtype=dtype), LSTM(6, dtype=dtype)],
        [GRUD(6, mean=feature_means(x), dtype=dtype)],
        [Bidirectional(GRUD(6, dtype=dtype)), Dense(3, dtype=dtype)],
    ):
        weights = []
        for threads in (1, 2, 3):
            tidegate.set_num_threads(threads)
            layers = [type(layer).from_config(layer.get_config()) for layer in first]
            model = Sequential([*layers, Dense(1, dtype=dtype)], seed=3)
            model.compile(optimizer="adam", loss="mse")
            history = model.fit(x, y, epochs=30, verbose=0).history["loss"]
            assert history[-1] < 0.7 * history[0]
            weights.append(model.get_weights())
        for other in weights[1:]:
            for a, b in zip(weights[0], other, strict=True):
                np.testing.assert_array_equal(a, b)
        model.save(tmp_path / "m.safetensors")
        loaded = tidegate.load(tmp_path / "m.safetensors")
        np.testing.assert_array_equal(loaded.predict(x), model.predict(x))


def test_nan_is_refused_elsewhere_and_the_error_names_what_takes_it():
    with pytest.raises(ValueError, match=r"GRU: x has the value nan .*MissingIndicator and GRUD"):
        GRU(3)(data())


@pytest.mark.parametrize("kind", [GRUD, MissingIndicator])
def test_bad_input_is_refused(kind):
    args = (3,) if kind is GRUD else ()
    x = data()
    x[0, 0, 0] = np.inf
    with pytest.raises(ValueError, match=r"x has inf at index \(0, 0, 0\)"):
        kind(*args)(x)
    x = data(times=True)
    x[1, 3, -1] = NAN
    with pytest.raises(ValueError, match=r"the last feature of x has NaN; expected the time"):
        kind(*args, time_feature=True)(x)
    x[1, 3, -1] = -1
    with pytest.raises(ValueError, match=r"the last feature of x: times\[1\] falls from"):
        kind(*args, time_feature=True)(x)
    with pytest.raises(ValueError, match=r"mean has 2 numbers and the input 4 features"):
        kind(*args, mean=[1.0, 2.0])(data())
    with pytest.raises(ValueError, match=r"mean has shape \(1, 2\) or values.*expected \(F,\)"):
        kind(*args, mean=[[1.0, 2.0]])
    with pytest.raises(ValueError, match="expected at least one besides the time"):
        kind(*args, time_feature=True)(np.zeros((1, 2, 1)))


@pytest.mark.parametrize("option", ["dropout", "recurrent_dropout", "weight_drop"])
def test_grud_refuses_dropout(option):
    with pytest.raises(ValueError, match=rf"GRUD: {option} is 0.1; expected 0"):
        GRUD(3, **{option: 0.1})


def test_grud_refuses_what_needs_to_know_the_past():
    with pytest.raises(ValueError, match="GRUD: stateful is True; expected False"):
        GRUD(3, stateful=True)
    layer = built()
    with pytest.raises(ValueError, match="is a GRUD, whose step depends on when"):
        Stream(layer)


def test_no_other_layer_of_a_graph_gets_the_nan_that_grud_takes():
    both = {
        "beside Bidirectional": lambda x: [Bidirectional(GRUD(3))(x), GRU(2)(x)],
        "through Dropout": lambda x: [GRUD(3)(Dropout(0.1)(x)), GRU(2)(Dropout(0.1)(x))],
        "to the output": lambda x: [GRUD(4, return_sequences=True)(x), x],
    }
    for connect in both.values():
        x = Input((None, 4))
        with pytest.raises(ValueError, match="takes NaN as missing; expected an Input that no lay"):
            Model(x, Concatenate()(connect(x)))
    x = Input((None, 4))
    keyed = Attention()([x, x])
    with pytest.raises(ValueError, match=r"value nan at index .*GRUD take them"):
        Model(x, GRUD(3)(keyed)).predict(data())
    plain, masked = Bidirectional(GRUD(3)), MissingIndicator()(Masking()(x))
    model = Model(x, Concatenate()([plain(x), LSTM(2)(masked)]), seed=0)
    assert np.isfinite(model.predict(data())).all()


def test_masking_before_missing_indicator_takes_nan_in_a_chain():
    model = Sequential([Masking(), MissingIndicator(), GRU(3)], seed=0)
    y = model.predict(data())
    alone = Sequential(copy.deepcopy(model.layers[1:]))
    np.testing.assert_array_equal(alone.predict(data()), y)


def test_grud_is_wrapped_with_its_kind_and_never_added_to_its_input():
    one = GRUD(3, go_backwards=True)
    with pytest.raises(ValueError, match="layer is a GRU and backward_layer a GRUD, of which one"):
        Bidirectional(GRU(3), backward_layer=one)
    with pytest.raises(ValueError, match="layer 'bidirectional' takes missing values, which its"):
        Residual(Bidirectional(GRUD(2, return_sequences=True)))


def test_times_of_no_steps_with_lengths():
    x = np.zeros((2, 0, 3))
    for layer in (GRUD(2, time_feature=True), MissingIndicator(time_feature=True)):
        assert layer(x, lengths=[0, 0]).size in (4, 0)


@pytest.mark.parametrize("kind", [GRUD, MissingIndicator, TimeLSTM])
def test_times_that_float32_cannot_tell_apart_are_refused(kind):
    """It rounds Unix times to 128 seconds; without the error the gaps were 0, 128, 0, ..."""
    units = () if kind is MissingIndicator else (3,)
    named = {} if kind is TimeLSTM else {"time_feature": True}
    x = np.ones((2, 5, 2))
    x[..., -1] = 60.0 * np.arange(5)
    late = x + np.array([0, 1.7e9])
    message = r"has the time 17\d+, which float32 rounds by \d+, and steps 60 apart; expected tim"
    with pytest.raises(ValueError, match="last feature of x " + message):
        kind(*units, **named)(late)
    with pytest.raises(ValueError, match=message):
        kind(*units, **named)(late.astype(np.int64), lengths=[3, 5])
    wide = kind(*units, dtype="float64", **named)
    np.testing.assert_array_equal(wide(late), wide(x))
    days = x * np.array([1, 86400 / 60]) + np.array([0, 1.7e9])
    assert np.isfinite(kind(*units, **named)(days)).all()
