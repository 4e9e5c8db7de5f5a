"""Every bad argument of the engine's doors gets an error that says what to do."""

import copy

import numpy as np
import pytest

from cases import DTYPES, PLAIN_CELLS, make_problem
from engine_runs import all_arrays, assert_same_bits, refuses, run
from tidegate import CellWeights, functional, reference

T, B, I, H = 4, 2, 3, 5  # noqa: E741  the letters of docs/notation.md


def lstm(**changes):
    arrays = {"weight_ih": np.zeros((4 * H, I)), "weight_hh": np.zeros((4 * H, H))}
    return CellWeights("lstm", **arrays | changes)


def forward(x=None, state=None, w=None, **options):
    x = np.zeros((T, B, I)) if x is None else x
    return functional.rnn_forward(lstm() if w is None else w, x, state, **options)


def saved(**options):
    return forward(training=True, **options).saved


# --- rnn_forward -----------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(), (T,), (T, I), (T, B, I, 1)])
def test_x_of_wrong_rank(shape):
    with refuses(ValueError, f"rnn_forward: x has shape {shape}; expected three axes, (T, B, I)"):
        forward(np.zeros(shape))
    with refuses(ValueError, f"x has shape {shape}; expected three axes, (B, T, I)"):
        forward(np.zeros(shape), batch_first=True)


def test_x_of_wrong_width():
    with refuses(ValueError, "rnn_forward: x has shape (4, 2, 7); expected 3 features"):
        forward(np.zeros((T, B, 7)))


@pytest.mark.parametrize("dtype", [object, complex, int, bool, "U3", np.float16, np.longdouble])
def test_x_of_wrong_dtype(dtype):
    x = np.zeros((T, B, I)).astype(dtype)
    with refuses(TypeError, f"rnn_forward: x has dtype {x.dtype}; expected float64"):
        forward(x)


@pytest.mark.parametrize(("dtype", "other"), [DTYPES, DTYPES[::-1]])
def test_x_of_another_dtype_than_the_weights(dtype, other):
    w = make_problem(PLAIN_CELLS[0], (T, B, I, H), dtype).weights
    expected = f"expected {np.dtype(dtype)}, the dtype of the weights"
    with refuses(TypeError, f"rnn_forward: x has dtype {np.dtype(other)}", expected, "astype"):
        forward(np.zeros((T, B, I), other), w=w)


def test_x_of_another_byte_order():
    x = np.zeros((T, B, I), np.dtype(np.float64).newbyteorder())
    with refuses(TypeError, "rnn_forward: x has dtype", "expected float64"):
        forward(x)


def test_x_masked():
    with refuses(TypeError, "rnn_forward: x is a masked array", "x.filled(0)"):
        forward(np.ma.zeros((T, B, I)))


@pytest.mark.parametrize("value", ["abc", {}, object(), [[[1.0, 2.0], [1.0]]]])
def test_x_that_is_no_array(value):
    with refuses((TypeError, ValueError), "rnn_forward: x"):
        forward(value)


@pytest.mark.parametrize("weights", [None, "lstm", np.zeros((4, 4)), CellWeights])
def test_weights_that_are_no_cell_weights(weights):
    with refuses(TypeError, "rnn_forward: weights is", "expected a CellWeights"):
        functional.rnn_forward(weights, np.zeros((T, B, I)))


def test_reference_weights_are_no_cell_weights():
    w = reference.Weights("rnn", np.zeros((1, 1)), np.zeros((1, 1)))
    with refuses(TypeError, "rnn_forward: weights is Weights; expected a CellWeights"):
        functional.rnn_forward(w, np.zeros((1, 1, 1)))


@pytest.mark.parametrize(
    "state",
    [
        (np.zeros((B, H)),),
        (np.zeros((B, H)),) * 3,
        np.zeros((B, H)),
        np.zeros((2, B, H)),
        (),
        "hc",
        3.0,
    ],
)
def test_state_that_is_no_pair(state):
    with refuses(ValueError, "rnn_forward: state is a", "expected a tuple (h, c,)"):
        forward(state=state)


@pytest.mark.parametrize("shape", [(H,), (B, H + 1), (B + 1, H), (H, B), (1, B, H)])
@pytest.mark.parametrize("part", [0, 1])
def test_state_of_wrong_shape(part, shape):
    state = [np.zeros((B, H)), np.zeros((B, H))]
    state[part] = np.zeros(shape)
    with refuses(ValueError, f"rnn_forward: state[{part}] has shape {shape}; expected (2, 5)"):
        forward(state=tuple(state))


@pytest.mark.parametrize("dtype", [np.float32, int, object])
def test_state_of_wrong_dtype(dtype):
    with refuses(TypeError, "rnn_forward: state[1] has dtype", "expected float64"):
        forward(state=(np.zeros((B, H)), np.zeros((B, H), dtype)))


def test_sizes_whose_product_overflows():
    x = np.broadcast_to(0.0, (2**29, 2**29, 1))  # of stride 0: no memory behind it
    w = CellWeights("rnn", np.zeros((64, 1)), np.zeros((64, 64)))
    with pytest.raises(MemoryError):
        functional.rnn_forward(w, x)


@pytest.mark.parametrize("batch_first", [False, True])
def test_a_result_larger_than_memory(batch_first):
    x = np.broadcast_to(0.0, (2**24, 2**24, 1))  # y would have 2**58 elements
    w = CellWeights("rnn", np.zeros((1024, 1)), np.zeros((1024, 1024)))
    with pytest.raises(MemoryError):
        functional.rnn_forward(w, x, batch_first=batch_first)


# --- rnn_backward ----------------------------------------------------------------------------


@pytest.mark.parametrize("case", PLAIN_CELLS, ids=str)
@pytest.mark.parametrize("shape", [(T, B, I, H), (0, B, I, H), (T, 0, I, H)], ids=str)
def test_backward_twice(case, shape):
    problem = make_problem(case, shape)
    out = functional.rnn_forward(problem.weights, problem.x, training=True)
    functional.rnn_backward(out.saved, problem.dy)
    with refuses(RuntimeError, "rnn_backward: saved was used", "run rnn_forward"):
        functional.rnn_backward(out.saved, problem.dy)


@pytest.mark.parametrize("foreign", [None, "saved", 1, object(), (1, 2)])
def test_backward_of_foreign_saved(foreign):
    with refuses(TypeError, "rnn_backward: saved is", "expected the `saved` of an rnn_forward"):
        functional.rnn_backward(foreign)


def test_backward_of_saved_of_the_reference():
    w = reference.Weights("rnn", np.zeros((1, 1)), np.zeros((1, 1)))
    out = reference.rnn_forward(w, np.zeros((1, 1, 1)), training=True)
    with refuses(TypeError, "rnn_backward: saved is Saved"):
        functional.rnn_backward(out.saved)


def test_backward_of_forward_without_training():
    with refuses(TypeError, "rnn_backward: saved is NoneType", "training=True"):
        functional.rnn_backward(forward().saved)


@pytest.mark.parametrize("shape", [(T, B), (T, B, H + 1), (B, T, H), (T + 1, B, H), (T, B, H, 1)])
def test_dy_of_wrong_shape(shape):
    with refuses(ValueError, f"rnn_backward: dy has shape {shape}; expected (4, 2, 5)"):
        functional.rnn_backward(saved(), np.zeros(shape))


@pytest.mark.parametrize("dtype", [np.float32, object, complex, int])
def test_dy_of_wrong_dtype(dtype):
    with refuses(TypeError, "rnn_backward: dy has dtype", "expected float64"):
        functional.rnn_backward(saved(), np.zeros((T, B, H), dtype))


def test_dy_masked():
    with refuses(TypeError, "rnn_backward: dy is a masked array"):
        functional.rnn_backward(saved(), np.ma.zeros((T, B, H)))


def test_dy_without_y():
    with refuses(ValueError, "rnn_backward: dy is given", "return_sequences=False"):
        functional.rnn_backward(saved(return_sequences=False), np.zeros((T, B, H)))


def test_dstate_of_wrong_shape():
    with refuses(ValueError, "rnn_backward: dstate[1] has shape (5, 2); expected (2, 5)"):
        functional.rnn_backward(saved(), dstate=(None, np.zeros((H, B))))
    with refuses(ValueError, "rnn_backward: dstate is a tuple of 1", "expected a tuple (h, c,)"):
        functional.rnn_backward(saved(), dstate=(np.zeros((B, H)),))


def test_out_that_does_not_fit():
    view = CellWeights.view("lstm", np.zeros((4 * H, I + 1)), np.zeros((4 * H, H)))
    with refuses(ValueError, "rnn_backward: out.weight_ih has shape (20, 4)"):
        functional.rnn_backward(saved(), np.zeros((T, B, H)), out=view)
    with refuses(ValueError, "rnn_backward: out.weight_ih is read-only", "CellWeights.view"):
        functional.rnn_backward(saved(), np.zeros((T, B, H)), out=lstm())
    with refuses(TypeError, "rnn_backward: out is dict; expected a CellWeights"):
        functional.rnn_backward(saved(), np.zeros((T, B, H)), out={})


def test_weights_changed_since_the_forward_pass():
    arrays = {"weight_ih": np.zeros((4 * H, I)), "weight_hh": np.zeros((4 * H, H))}
    w = CellWeights.view("lstm", **arrays)
    out = forward(w=w, training=True)
    arrays["weight_hh"] += 1
    w.changed()
    with refuses(RuntimeError, "rnn_backward: the weights changed", "run rnn_forward again"):
        functional.rnn_backward(out.saved, np.zeros((T, B, H)))


@pytest.mark.parametrize("case", PLAIN_CELLS, ids=str)
def test_a_refused_backward_leaves_saved_usable(case):
    problem = make_problem(case, (T, B, I, H))
    expected = all_arrays(*run(functional, problem))
    out = functional.rnn_forward(problem.weights, problem.x, problem.state, training=True)
    with pytest.raises(ValueError, match="dy has shape"):
        functional.rnn_backward(out.saved, problem.dy[:-1])
    with pytest.raises(TypeError, match="out is"):
        functional.rnn_backward(out.saved, problem.dy, problem.dstate, out=[])
    grads = functional.rnn_backward(out.saved, problem.dy, problem.dstate)
    assert_same_bits(all_arrays(out, grads), expected)


def test_y_of_training_cannot_be_modified():
    out = forward(training=True)
    with pytest.raises(ValueError, match="read-only"):
        out.y[...] = 1


# --- flags and overlapping memory ------------------------------------------------------------


@pytest.mark.parametrize("flag", ["training", "batch_first", "return_sequences", "go_backwards"])
@pytest.mark.parametrize("value", ["no", None, 1, np.array([True, False])])
def test_flags_that_are_neither_true_nor_false(flag, value):
    with refuses(TypeError, f"rnn_forward: {flag} is", "expected True or False"):
        forward(**{flag: value})


def test_need_dx_that_is_neither_true_nor_false():
    with refuses(TypeError, "rnn_backward: need_dx is 'no'; expected True or False"):
        functional.rnn_backward(saved(), need_dx="no")


def test_x_that_is_a_list_of_masked_arrays():
    with refuses(TypeError, "rnn_forward: x is a masked array"):
        forward([np.ma.zeros((B, I))] * T)


def test_state_of_absurd_size():
    w = CellWeights("rnn", np.zeros((16, 1)), np.zeros((16, 16)))
    with pytest.raises(MemoryError):
        functional.rnn_forward(w, np.broadcast_to(0.0, (1, 2**59, 1)), return_sequences=False)


def test_out_whose_arrays_overlap():
    memory = np.zeros(4 * H * (I + H))
    w_ih, w_hh = memory[: 4 * H * I].reshape(4 * H, I), memory[-4 * H * H :].reshape(4 * H, H)
    overlapping = memory[4 * H : 4 * H * (I + 1)].reshape(4 * H, I)
    functional.rnn_backward(saved(), out=CellWeights.view("lstm", w_ih, w_hh))
    with refuses(ValueError, "rnn_backward: out.weight_ih shares memory with out.weight_hh"):
        functional.rnn_backward(saved(), out=CellWeights.view("lstm", overlapping, w_hh))


def test_out_that_is_the_weights():
    w = CellWeights.view("lstm", np.zeros((4 * H, I)), np.zeros((4 * H, H)))
    with refuses(ValueError, "rnn_backward: out.weight_ih shares memory with weights.weight_ih"):
        functional.rnn_backward(saved(w=w), out=w)


def test_backward_of_a_copy_of_a_used_saved():
    first = saved()
    second = copy.copy(first)
    functional.rnn_backward(first)
    with refuses(RuntimeError, "rnn_backward: saved was used"):
        functional.rnn_backward(second)


def test_masked_output_that_is_an_array():
    w = CellWeights("rnn", np.zeros((H, I)), np.zeros((H, H)))
    with refuses(TypeError, "rnn_forward: masked_output is array([0., 0.])", 'expected "zero"'):
        functional.rnn_forward(w, np.zeros((2, 1, I)), masked_output=np.zeros(2))
