"""Every bad argument of the doors of several layers gets an error that says what to do."""

import numpy as np
import pytest

from cases import PLAIN_CELLS, make_weights
from engine_runs import refuses
from tidegate import CellWeights, functional

LSTM, GRU = PLAIN_CELLS[0], PLAIN_CELLS[3]
W = [make_weights(LSTM, 3, 5), make_weights(GRU, 5, 4)]
X = np.zeros((4, 2, 3))
stack, birnn = functional.rnn_stack_forward, functional.birnn_forward


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: stack([], X), TypeError, "weights is empty; expected a list of CellWeights"),
        (lambda: stack(W[0], X), TypeError, "weights is a CellWeights; expected a list"),
        (lambda: stack([W[0], 3], X), TypeError, "weights[1] is int; expected a CellWeights"),
        (lambda: stack(W[::-1], X), ValueError, "weights[1] has input_size 3; expected 4"),
        (lambda: stack(W, X[0]), ValueError, "x has shape (2, 3); expected three axes"),
        (lambda: stack(W, X[..., :2]), ValueError, "x has shape (4, 2, 2); expected 3 features"),
        (lambda: stack(W, X, [None]), ValueError, "states is a list of 1; expected 2 states"),
        (lambda: stack(W, X, [None, (X,)]), ValueError, "states[1][0] has shape (4, 2, 3)"),
        (lambda: stack(W, X, [(X[0],), None]), ValueError, "states[0] is a tuple of 1"),
        (lambda: stack(W, X, training="no"), TypeError, "training is 'no'; expected True or False"),
        (
            lambda: stack([W[0], make_weights(GRU, 5, 4, np.float32)], X),
            TypeError,
            "weights[1] has dtype float32; expected float64",
        ),
    ],
)
def test_stack_refuses(call, error, message):
    with refuses(error, f"rnn_stack_forward: {message}"):
        call()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: birnn(W[0], None, X), TypeError, "backward_weights is NoneType; expected a Cell"),
        (lambda: birnn(*W, X), ValueError, "backward_weights has input_size 5; expected 3"),
        (lambda: birnn(W[0], W[0], X[0]), ValueError, "x has shape (2, 3); expected three axes"),
        (lambda: birnn(W[0], W[0], X, X), ValueError, "state is a ndarray of 4; expected a tuple"),
        (lambda: birnn(W[0], W[0], X, [X[0]] * 3), ValueError, "expected a tuple (h→, c→, h←, c←)"),
        (
            lambda: birnn(W[0], W[0], X, (None, None, None, X)),
            ValueError,
            "state[3] has shape (4, 2, 3); expected (2, 5)",
        ),
        (lambda: birnn(W[0], W[0], X, batch_first=1), TypeError, "batch_first is 1; expected True"),
    ],
)
def test_birnn_refuses(call, error, message):
    with refuses(error, "birnn_forward: ", message):
        call()


def test_backward_refuses():
    out = stack(W, X, training=True)
    view = [CellWeights.view(w.cell, **{n: a.copy() for n, a in w.arrays().items()}) for w in W]
    name = "rnn_stack_backward"
    with refuses(ValueError, f"{name}: dy has shape (4, 2, 5); expected (4, 2, 4)"):
        functional.rnn_stack_backward(out.saved, np.zeros((4, 2, 5)))
    with refuses(ValueError, f"{name}: dstates[0][1] has shape (1, 5)"):
        functional.rnn_stack_backward(out.saved, None, [(None, np.zeros((1, 5))), None])
    with refuses(ValueError, f"{name}: out is a list of 1; expected 2 CellWeights"):
        functional.rnn_stack_backward(out.saved, out=view[:1])
    with refuses(ValueError, f"{name}: out[0].weight_ih has shape (12, 5)"):
        functional.rnn_stack_backward(out.saved, out=view[::-1])
    with refuses(ValueError, f"{name}: out[0].weight_ih is read-only"):
        functional.rnn_stack_backward(out.saved, out=W)
    pair = birnn(W[0], W[0], X, training=True).saved
    with refuses(ValueError, "birnn_backward: out[1].weight_ih shares memory with out[0]"):
        functional.birnn_backward(pair, out=[view[0], view[0]])
    with refuses(ValueError, "birnn_backward: dy has shape (4, 2, 5); expected (4, 2, 10)"):
        functional.birnn_backward(pair, np.zeros((4, 2, 5)))
    with refuses(ValueError, "birnn_backward: dstate[2] has shape (5, 2); expected (2, 5)"):
        functional.birnn_backward(pair, None, (None, None, np.zeros((5, 2)), None))
    last = birnn(W[0], W[0], X, training=True, return_sequences=False).saved
    with refuses(ValueError, "birnn_backward: dy is given", "return_sequences=False"):
        functional.birnn_backward(last, np.zeros((4, 2, 10)))
    functional.birnn_backward(pair)  # a refused call does not use it up


def test_saved_serves_once_and_for_the_same_weights():
    w = CellWeights.view("rnn", np.ones((2, 2)), np.ones((2, 2)))
    x = np.ones((3, 1, 2))
    for forward, backward, name in (
        (functional.rnn_stack_forward, functional.rnn_stack_backward, "rnn_stack"),
        (
            lambda pair, *a, **k: functional.birnn_forward(*pair, *a, **k),
            functional.birnn_backward,
            "birnn",
        ),
    ):
        saved = forward([w, w], x, training=True).saved
        backward(saved)
        with refuses(RuntimeError, f"{name}_backward: saved was used", f"run {name}_forward("):
            backward(saved)
        saved = forward([w, w], x, training=True).saved
        w.changed()
        with refuses(RuntimeError, f"{name}_backward: the weights changed", f"{name}_forward"):
            backward(saved)
        with refuses(TypeError, f"{name}_backward: saved is NoneType; expected", "training=True"):
            backward(forward([w, w], x).saved)
