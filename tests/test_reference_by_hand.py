"""The reference against numbers that were worked out by hand, sharing no code with it.

Pre-activations are chosen so that every gate is a simple fraction:

    σ(ln 3) = 3/4    σ(0) = 1/2    σ(-ln 3) = 1/4    tanh(ln 2) = 3/5
"""

from math import log

import numpy as np
import pytest

from tidegate import reference
from tolerances import BY_HAND

LN2, LN3 = log(2), log(3)


def column(*values):
    return np.array(values, dtype=float).reshape(-1, 1)


def assert_by_hand(got, expected):
    np.testing.assert_allclose(got, np.asarray(expected), rtol=BY_HAND, atol=BY_HAND)


def run(w, x, *state, **layout):
    """Forward of one sequence (B = 1): x (T, I), each state (H,)."""
    state = tuple(np.array([part], dtype=float) for part in state)
    x = np.array(x, dtype=float)[:, None, :]
    return reference.rnn_forward(w, x, state, training=True, **layout)


# --- LSTM ------------------------------------------------------------------------------------

C_PREV = (LN2 - 9 / 20) / (3 / 4)  # makes c = ln 2 below


def scalar_lstm(**options):
    """i from W x, f from R h_prev, g from b_ih, o from b_hh; at x = 2, h_prev = 1."""
    return reference.Weights(
        "lstm",
        weight_ih=column(LN3 / 2, 0, 0, 0),
        weight_hh=column(0, LN3, 0, 0),
        bias_ih=np.array([0, 0, LN2, 0]),
        bias_hh=np.array([0, 0, 0, -LN3]),
        **options,
    )


def test_lstm_forward_by_hand():
    # i = 3/4, f = 3/4, g = 3/5, o = 1/4: c = 3/4 c_prev + 9/20 = ln 2, h = 1/4 · 3/5
    h, c = run(scalar_lstm(), [[2]], [1], [C_PREV]).state
    assert_by_hand(c, [[LN2]])
    assert_by_hand(h, [[3 / 20]])


def test_lstm_backward_by_hand():
    # dh = 1: da_o = 3/5 · 3/16 = 9/80; dc = 1/4 (1 - 9/25) = 4/25; dc_prev = 4/25 · 3/4
    # da_i = 4/25 · 3/5 · 3/16; da_f = 4/25 · c_prev · 3/16; da_g = 4/25 · 3/4 · 16/25
    out = run(scalar_lstm(), [[2]], [1], [C_PREV])
    grads = reference.rnn_backward(out.saved, dy=np.ones((1, 1, 1)))
    da = np.array([9 / 500, 3 / 100 * C_PREV, 48 / 625, 9 / 80])
    assert_by_hand(grads.weights.bias_ih, da)
    assert_by_hand(grads.weights.bias_hh, da)
    assert_by_hand(grads.weights.weight_ih, column(*(2 * da)))
    assert_by_hand(grads.weights.weight_hh, column(*da))
    assert_by_hand(grads.x, [[[LN3 / 2 * 9 / 500]]])
    assert_by_hand(grads.state[0], [[LN3 * 3 / 100 * C_PREV]])
    assert_by_hand(grads.state[1], [[3 / 25]])


def test_lstm_diagonal_peepholes_by_hand():
    # c_prev = 1: i, f = σ(P) = 3/4, 1/4; g = 3/5: c = 1/4 + 9/20 = 7/10; o sees the new c
    w = reference.Weights(
        "lstm",
        weight_ih=column(0, 0, LN2, 0),
        weight_hh=column(0, 0, 0, 0),
        peephole=column(LN3, -LN3, LN3 * 10 / 7),
        output_activation="linear",
    )
    out = run(w, [[1]], [0], [1])
    assert_by_hand(out.state[1], [[7 / 10]])
    assert_by_hand(out.state[0], [[21 / 40]])
    # dh = 1: da_o = 7/10 · 3/16 = 21/160; dc = 3/4 + P_o da_o = 3/4 + 3/16 ln 3
    # da_i = dc · 3/5 · 3/16; da_f = dc · 1 · 3/16; dc_prev = dc / 4 + ln 3 (da_i - da_f)
    grads = reference.rnn_backward(out.saved, dy=np.ones((1, 1, 1)))
    dc = 3 / 4 + 3 / 16 * LN3
    da_i, da_f = dc * 9 / 80, dc * 3 / 16
    assert_by_hand(grads.weights.peephole, column(da_i, da_f, 21 / 160 * 7 / 10))
    assert_by_hand(grads.state[1], [[dc / 4 + LN3 * (da_i - da_f)]])


def test_lstm_full_peepholes_by_hand():
    # All linear, two units, x = 0, c_prev = (1, 2), g = b = (1, 1):
    #   i = P_i c_prev = [0 1; 0 0] (1, 2) = (2, 0)     f = P_f c_prev = [0 0; 3 0] (1, 2) = (0, 3)
    #   c = f∘c_prev + i∘g = (0, 6) + (2, 0) = (2, 6)     o = P_o c = [1 0; 1 1] (2, 6) = (2, 8)
    w = reference.Weights(
        "lstm",
        weight_ih=np.zeros((8, 1)),
        weight_hh=np.zeros((8, 2)),
        bias_ih=np.array([0, 0, 0, 0, 1, 1, 0, 0]),
        peephole=np.array([[[0, 1], [0, 0]], [[0, 0], [3, 0]], [[1, 0], [1, 1]]]),
        activation="linear",
        recurrent_activation="linear",
    )
    out = run(w, [[0]], [0, 0], [1, 2])
    assert_by_hand(out.state[1], [[2, 6]])
    assert_by_hand(out.state[0], [[4, 48]])
    # dh = (1, 0): da_o = dh∘c = (2, 0); dc = dh∘o + P_oᵀ da_o = (2, 0) + (2, 0) = (4, 0)
    #   da_i = dc∘g = (4, 0); da_f = dc∘c_prev = (4, 0)
    #   dc_prev = dc∘f + P_iᵀ da_i + P_fᵀ da_f = (0, 0) + (0, 4) + (0, 0)
    #   dP_i = da_i c_prevᵀ, dP_f = da_f c_prevᵀ, dP_o = da_o cᵀ
    grads = reference.rnn_backward(out.saved, dy=np.array([[[1, 0]]]))
    assert_by_hand(grads.state[1], [[0, 4]])
    assert_by_hand(grads.weights.peephole, [[[4, 8], [0, 0]], [[4, 8], [0, 0]], [[4, 12], [0, 0]]])


def test_lstm_gate_order_and_orientation_by_hand():
    # All linear, two units, two inputs: rows of weight_ih in blocks i f g o, one block at a time.
    #   x = (1, 10), h_prev = (2, 3), c_prev = (1, 1); R swaps the units in the f block only
    #   i = W_i x = (1, 10), f = R_f h_prev = (3, 2), g = W_g x = (11, 1), o = b_o = (1, 2)
    #   c = (3, 2) + (11, 10) = (14, 12), h = (14, 24)
    weight_ih = np.array([[1, 0], [0, 1], [0, 0], [0, 0], [1, 1], [1, 0], [0, 0], [0, 0]])
    weight_hh = np.zeros((8, 2))
    weight_hh[2:4] = [[0, 1], [1, 0]]
    w = reference.Weights(
        "lstm",
        weight_ih,
        weight_hh,
        bias_hh=np.array([0, 0, 0, 0, 0, 0, 1, 2]),
        activation="linear",
        recurrent_activation="linear",
    )
    out = run(w, [[1, 10]], [2, 3], [1, 1])
    assert_by_hand(out.state[1], [[14, 12]])
    assert_by_hand(out.state[0], [[14, 24]])


# --- GRU -------------------------------------------------------------------------------------


def scalar_gru(reset_after, update):
    """r = 3/4 from W x, z = 1/4 from R h_prev, n = 3/5; at x = 1, h_prev = 1/2.

    q = R_n h_prev + b_hn = ln 2 + ln 2 / 3 and n = tanh(3/4 · that) after, or
    n = tanh(W_n x + R_n (3/4 h_prev) + b_hn) = tanh(-ln 2 / 12 + 3/4 ln 2 + ln 2 / 3) before.
    """
    return reference.Weights(
        "gru",
        weight_ih=column(LN3, 0, 0 if reset_after else -LN2 / 12),
        weight_hh=column(0, -2 * LN3, 2 * LN2),
        bias_hh=np.array([0, 0, LN2 / 3]),
        reset_after=reset_after,
        update=update,
    )


@pytest.mark.parametrize("reset_after", [True, False])
@pytest.mark.parametrize(("update", "h"), [("retain", 23 / 40), ("replace", 21 / 40)])
def test_gru_forward_by_hand(reset_after, update, h):
    # retain: 1/4 · 1/2 + 3/4 · 3/5 = 23/40; replace: 3/4 · 1/2 + 1/4 · 3/5 = 21/40
    assert_by_hand(run(scalar_gru(reset_after, update), [[1]], [0.5]).state[0], [[h]])


# update: keep, da_n = (1 - keep) 16/25, da_z = ±(h_prev - n) 3/16
GRU_BY_HAND = {"retain": (1 / 4, 12 / 25, -3 / 160), "replace": (3 / 4, 4 / 25, 3 / 160)}


@pytest.mark.parametrize("update", GRU_BY_HAND)
def test_gru_reset_after_backward_by_hand(update):
    # dr = da_n · 4/3 ln 2, da_r = dr · 3/16; R_n and b_hn receive da_n · r = da_n · 3/4
    keep, da_n, da_z = GRU_BY_HAND[update]
    da_r = da_n * LN2 / 4
    grads = reference.rnn_backward(
        run(scalar_gru(True, update), [[1]], [0.5]).saved, dy=np.ones((1, 1, 1))
    )
    assert_by_hand(grads.weights.weight_ih, column(da_r, da_z, da_n))
    assert_by_hand(grads.weights.bias_hh, [da_r, da_z, da_n * 3 / 4])
    assert_by_hand(grads.weights.weight_hh, column(da_r / 2, da_z / 2, da_n * 3 / 8))
    assert_by_hand(grads.x, [[[LN3 * da_r]]])
    assert_by_hand(grads.state[0], [[keep - 2 * LN3 * da_z + 2 * LN2 * da_n * 3 / 4]])


@pytest.mark.parametrize("update", GRU_BY_HAND)
def test_gru_reset_before_backward_by_hand(update):
    # d(r h_prev) = 2 ln 2 da_n; dr = that · 1/2, da_r = dr · 3/16; b_hn receives da_n itself
    keep, da_n, da_z = GRU_BY_HAND[update]
    da_r = da_n * LN2 * 3 / 16
    grads = reference.rnn_backward(
        run(scalar_gru(False, update), [[1]], [0.5]).saved, dy=np.ones((1, 1, 1))
    )
    assert_by_hand(grads.weights.weight_ih, column(da_r, da_z, da_n))
    assert_by_hand(grads.weights.bias_hh, [da_r, da_z, da_n])
    assert_by_hand(grads.weights.weight_hh, column(da_r / 2, da_z / 2, da_n * 3 / 8))
    assert_by_hand(grads.x, [[[LN3 * da_r - LN2 / 12 * da_n]]])
    assert_by_hand(grads.state[0], [[keep - 2 * LN3 * da_z + 2 * LN2 * da_n * 3 / 4]])


def test_gru_retain_and_replace_are_one_function_with_z_negated():
    rng = np.random.default_rng(0)
    arrays = {"weight_ih": rng.normal(size=(9, 2)), "weight_hh": rng.normal(size=(9, 3))}
    negated = {name: np.concatenate([q[:3], -q[3:6], q[6:]]) for name, q in arrays.items()}
    x = rng.normal(size=(4, 2, 2))
    retain = reference.rnn_forward(reference.Weights("gru", **arrays), x)
    replace = reference.rnn_forward(reference.Weights("gru", **negated, update="replace"), x)
    assert_by_hand(retain.y, replace.y)


# --- simple RNN, and time --------------------------------------------------------------------


def test_rnn_over_two_steps_by_hand():
    # linear, R swaps and doubles: h_1 = W x_1 + b + R h_0, and again
    #   h_0 = (1, 0): h_1 = (1, 2) + (1, 1) + (0, 2) = (2, 5); h_2 = (3, 6) + (1, 1) + (10, 4)
    w = reference.Weights(
        "rnn",
        weight_ih=np.array([[1.0], [2.0]]),
        weight_hh=np.array([[0.0, 2.0], [2.0, 0.0]]),
        bias_ih=np.array([1.0, 1.0]),
        activation="linear",
    )
    out = run(w, [[1], [3]], [1, 0])
    assert_by_hand(out.y[:, 0], [[2, 5], [14, 11]])
    assert_by_hand(out.state[0], [[14, 11]])
    # dy_1 = (0, 1), dstate = (1, 0): da_2 = (1, 0), da_1 = (0, 1) + Rᵀ (1, 0) = (0, 3)
    grads = reference.rnn_backward(
        out.saved, dy=np.array([[[0, 1]], [[0, 0]]]), dstate=(np.array([[1, 0]]),)
    )
    assert_by_hand(grads.x[:, 0], [[6], [1]])
    assert_by_hand(grads.weights.weight_ih, [[3], [3]])
    assert_by_hand(grads.weights.weight_hh, [[2, 5], [3, 0]])
    assert_by_hand(grads.weights.bias_ih, [1, 3])
    assert_by_hand(grads.state[0], [[6, 0]])


def test_go_backwards_keeps_the_order_of_the_input():
    # a running sum from the right: y_t = x_t + y_{t+1}
    w = reference.Weights("rnn", np.ones((1, 1)), np.ones((1, 1)), activation="linear")
    out = run(w, [[1], [10], [100]], [0], go_backwards=True)
    assert_by_hand(out.y.ravel(), [111, 110, 100])
    assert_by_hand(out.state[0], [[111]])
    # x_t is in y_t and in all that stand left of it
    grads = reference.rnn_backward(out.saved, dy=np.array([1.0, 10.0, 100.0]).reshape(3, 1, 1))
    assert_by_hand(grads.x.ravel(), [1, 11, 111])


# --- activations -----------------------------------------------------------------------------


def test_activations_by_hand():
    value = {name: make().value for name, make in reference.ACTIVATIONS.items()}
    assert_by_hand(value["sigmoid"](np.array([-LN3, 0, LN3])), [1 / 4, 1 / 2, 3 / 4])
    assert_by_hand(value["tanh"](np.array([-LN2, 0, LN2])), [-3 / 5, 0, 3 / 5])
    assert_by_hand(value["relu"](np.array([-2.0, 0, 2])), [0, 0, 2])
    assert_by_hand(value["linear"](np.array([-2.0, 0, 2])), [-2, 0, 2])


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [("sigmoid", 0, 1), ("tanh", -1, 1), ("relu", 0, np.inf), ("linear", -np.inf, np.inf)],
)
def test_activations_at_the_ends(name, low, high):
    value = reference.ACTIVATIONS[name]().value
    ends = value(np.array([-np.inf, np.inf, np.nan]))
    np.testing.assert_array_equal(ends, [low, high, np.nan])
