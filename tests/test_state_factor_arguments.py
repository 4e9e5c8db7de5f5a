"""state_scale, recurrent_scale and state_keep: what is refused, and empty batches."""

import numpy as np
import pytest

from tidegate import CellWeights, functional

W = CellWeights("gru", np.zeros((12, 3)), np.zeros((12, 4)))
X = np.zeros((5, 2, 3))


@pytest.mark.parametrize(
    ("factors", "error", "message"),
    [
        ({"state_scale": np.ones((2, 5))}, ValueError, r"state_scale has shape \(2, 5\); expected"),
        ({"state_scale": np.ones((2, 5, 4))}, ValueError, r"expected \(2, 4\) or \(5, 2, 4\)"),
        ({"recurrent_scale": np.ones((4, 2, 4))}, ValueError, r"expected \(2, 4\) or \(3, 2, 4\)"),
        ({"state_keep": np.ones(4)}, ValueError, r"state_keep has shape \(4,\); expected"),
        ({"state_keep": 1.5}, ValueError, r"state_keep has values in 1.5..1.5; expected"),
        ({"state_keep": 10**400}, ValueError, r"state_keep has values in inf..inf; expected"),
        ({"state_keep": np.nan}, ValueError, r"expected shares of h_prev in 0..1"),
        ({"state_keep": "half"}, TypeError, r"state_keep has dtype"),
        ({"state_scale": np.ones((2, 4), "f4")}, TypeError, r"state_scale has dtype float32"),
        (
            {"state_scale": np.ones((2, 4)), "recurrent_scale": np.ones((2, 4))},
            ValueError,
            r"state_scale and recurrent_scale are given; expected one",
        ),
    ],
)
def test_wrong_factors_are_refused(factors, error, message):
    with pytest.raises(error, match=f"rnn_forward: .*{message}"):
        functional.rnn_forward(W, X, **factors)


def test_factors_of_a_projected_state_have_its_width():
    w = CellWeights("lstm", np.zeros((20, 3)), np.zeros((20, 2)), weight_hr=np.zeros((2, 5)))
    with pytest.raises(
        ValueError, match=r"expected \(2, 2\) or \(5, 2, 2\), \(batch, output_size\)"
    ):
        functional.rnn_forward(w, X, state_keep=np.ones((2, 5)))


def test_gradient_by_a_scale_that_was_not_given_is_refused():
    out = functional.rnn_forward(W, X, training=True)
    with pytest.raises(ValueError, match=r"rnn_backward: need_dstate_scale is True; expected"):
        functional.rnn_backward(out.saved, need_dstate_scale=True)


@pytest.mark.parametrize("shape", [(0, 2, 3), (5, 0, 3)])
def test_nothing_to_run(shape):
    out = functional.rnn_forward(
        W, np.zeros(shape), state_scale=np.ones((*shape[:2], 4)), state_keep=0.5, training=True
    )
    grads = functional.rnn_backward(out.saved, need_dstate_scale=True)
    assert grads.state_scale.shape == (*shape[:2], 4)


@pytest.mark.parametrize("batch_first", [False, True])
def test_a_scale_per_gate_of_no_rows(batch_first):
    x = np.zeros((0, 5, 3) if batch_first else (5, 0, 3))
    for scale in (np.ones((0, 4)), np.ones((W.gates, 0, 4))):
        out = functional.rnn_forward(W, x, recurrent_scale=scale, batch_first=batch_first)
        assert out.y.shape == (*x.shape[:2], 4) and out.state[0].shape == (0, 4)
