"""Sequences of different lengths and with gaps, against the reference."""

import numpy as np
import pytest

from cases import ALL_CELLS, DTYPES, PLAIN_CELLS, make_problem
from engine_runs import (
    all_arrays,
    assert_engine_matches_reference,
    assert_same_bits,
    assert_same_parts,
    refuses,
    run,
)
from tidegate import CellWeights, functional, reference, set_num_threads
from tolerances import assert_forward_close

COUNTER = CellWeights(
    "rnn", np.ones((1, 1)), np.ones((1, 1)), activation="linear"
)  # h = x + h_prev
T, B = 7, 9
LENGTHS = np.array([3, 7, 0, 5, 1, 7, 2, 0, 6])


def gap_mask(seed=0, batch=B, steps=T):
    """Gaps anywhere; one row all invalid, one all valid."""
    mask = np.random.default_rng(seed).random((batch, steps)) < 0.6
    mask[1], mask[batch // 2] = True, False
    return mask


def length_mask(lengths=LENGTHS, steps=T):
    return np.arange(steps) < np.asarray(lengths)[:, np.newaxis]


RAGGED = {"lengths": {"lengths": LENGTHS}, "gaps": {"mask": gap_mask()}}
ragged = pytest.mark.parametrize("ragged", RAGGED.values(), ids=RAGGED.keys())
masked_outputs = pytest.mark.parametrize("masked_output", ["zero", "hold"])


@ragged
@masked_outputs
@pytest.mark.parametrize("go_backwards", [False, True])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", ALL_CELLS, ids=str)
def test_matches_reference(case, dtype, go_backwards, masked_output, ragged):
    problem = make_problem(case, (T, B, 3, 18), dtype)
    options = {"go_backwards": go_backwards, "masked_output": masked_output, **ragged}
    assert_engine_matches_reference(problem, **options)


@ragged
@pytest.mark.parametrize("case", PLAIN_CELLS, ids=str)
def test_large_batch_matches_reference(case, ragged):
    problem = make_problem(case, (30, 41, 20, 70))
    mask = gap_mask(1, 41, 30) if "mask" in ragged else length_mask(np.arange(41) % 31, 30)
    assert_engine_matches_reference(problem, mask=mask)


@ragged
@masked_outputs
@pytest.mark.parametrize("go_backwards", [False, True])
@pytest.mark.parametrize("case", PLAIN_CELLS, ids=str)
def test_threads_and_layouts_give_the_same_bits(
    case, go_backwards, masked_output, ragged, threads_restored
):
    problem = make_problem(case, (T, B, 5, 40), np.float32)
    options = {"go_backwards": go_backwards, "masked_output": masked_output, **ragged}
    results = []
    for threads in (1, 2, 3):
        set_num_threads(threads)
        results.append(all_arrays(*run(functional, problem, **options)))
        assert_same_bits(results[-1], results[0])
    x, dy = (np.ascontiguousarray(q.swapaxes(0, 1)) for q in (problem.x, problem.dy))
    out = functional.rnn_forward(
        problem.weights, x, problem.state, training=True, batch_first=True, **options
    )
    swapped = all_arrays(out, functional.rnn_backward(out.saved, dy, problem.dstate))
    for name in ("y", "dx"):
        swapped[name] = swapped[name].swapaxes(0, 1)
    assert_same_bits(swapped, results[0])


@ragged
@pytest.mark.parametrize("case", PLAIN_CELLS, ids=str)
def test_each_row_has_the_bits_of_its_valid_steps_alone(case, ragged):
    problem = make_problem(case, (T, B, 5, 20), np.float32)
    out, grads = run(functional, problem, **ragged)
    mask = ragged.get("mask", length_mask())
    for b in range(B):
        valid, row = mask[b], slice(b, b + 1)
        state = tuple(part[row] for part in problem.state)
        dstate = tuple(part[row] for part in problem.dstate)
        alone = functional.rnn_forward(problem.weights, problem.x[valid, row], state, training=True)
        back = functional.rnn_backward(alone.saved, problem.dy[valid, row], dstate)
        np.testing.assert_array_equal(out.y[valid, row], alone.y)
        np.testing.assert_array_equal(grads.x[valid, row], back.x)
        for k in range(len(state)):
            np.testing.assert_array_equal(out.state[k][row], alone.state[k])
            np.testing.assert_array_equal(grads.state[k][row], back.state[k])
        assert not out.y[~valid, row].any() and not grads.x[~valid, row].any()


@ragged
@masked_outputs
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", PLAIN_CELLS, ids=str)
def test_nan_in_padding_reaches_nothing(case, dtype, masked_output, ragged):
    problem = make_problem(case, (T, B, 3, 17), dtype)
    invalid = ~ragged.get("mask", length_mask()).T
    options = {"masked_output": masked_output, **ragged}
    clean = all_arrays(*run(functional, problem, **options))
    problem.x[invalid] = np.nan
    if masked_output == "zero":
        problem.dy[invalid] = np.nan
    else:  # steps before the first valid one repeat nothing
        problem.dy[np.logical_and.accumulate(invalid, axis=0)] = np.nan
    assert_same_bits(all_arrays(*run(functional, problem, **options)), clean)


@ragged
@masked_outputs
@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("go_backwards", [False, True])
@pytest.mark.parametrize("case", PLAIN_CELLS, ids=str)
def test_without_y_or_training_the_bits_are_the_same(
    case, go_backwards, training, masked_output, ragged
):
    problem = make_problem(case, (T, B, 3, 18), np.float32)
    options = {"go_backwards": go_backwards, "masked_output": masked_output, **ragged}
    out = run(functional, problem, **options)[0]
    plain = functional.rnn_forward(problem.weights, problem.x, problem.state, **options)
    np.testing.assert_array_equal(plain.y, out.y)
    bare = functional.rnn_forward(
        problem.weights,
        problem.x,
        problem.state,
        training=training,
        return_sequences=False,
        **options,
    )
    assert bare.y is None
    assert_same_parts(bare.state, out.state)
    assert_same_parts(plain.state, out.state)
    if training:
        grads = functional.rnn_backward(bare.saved, None, problem.dstate)
        expected = reference.rnn_forward(
            problem.weights, problem.x, problem.state, training=True, **options
        )
        expected = reference.rnn_backward(expected.saved, None, problem.dstate)
        assert_forward_close(grads.x, expected.x.astype(np.float32), "dx", engines=100)


@pytest.mark.parametrize("case", PLAIN_CELLS, ids=str)
def test_all_valid_gives_the_bits_of_no_mask(case):
    problem = make_problem(case, (T, B, 3, 18), np.float32)
    plain = all_arrays(*run(functional, problem))
    for options in ({"lengths": [T] * B}, {"mask": np.ones((B, T), bool)}):
        assert_same_bits(all_arrays(*run(functional, problem, **options)), plain)


@pytest.mark.parametrize("case", PLAIN_CELLS, ids=str)
def test_lengths_and_their_mask_give_the_same_bits(case):
    problem = make_problem(case, (T, B, 3, 18), np.float32)
    for options in ({}, {"go_backwards": True, "masked_output": "hold"}):
        by_lengths = all_arrays(*run(functional, problem, lengths=LENGTHS, **options))
        by_mask = all_arrays(*run(functional, problem, mask=length_mask(), **options))
        assert_same_bits(by_mask, by_lengths)


@masked_outputs
@pytest.mark.parametrize("case", PLAIN_CELLS, ids=str)
def test_no_valid_step_passes_the_state_through(case, masked_output):
    problem = make_problem(case, (T, B, 3, 18))
    out, grads = run(functional, problem, lengths=np.zeros(B, int), masked_output=masked_output)
    assert_same_parts(out.state, problem.state)
    assert_same_parts(grads.state, problem.dstate)
    assert not out.y.any() and not grads.x.any()
    assert not any(array.any() for array in grads.weights.arrays().values())


@pytest.mark.parametrize("dtype", [np.int8, np.uint16, np.int32, np.uint64])
def test_lengths_of_any_integer_type(dtype):
    problem = make_problem(PLAIN_CELLS[0], (T, B, 3, 4))
    expected = all_arrays(*run(functional, problem, lengths=LENGTHS))
    got = all_arrays(*run(functional, problem, lengths=LENGTHS.astype(dtype)))
    assert_same_bits(got, expected)


@pytest.mark.parametrize("shape", [(0, 2, 3, 4), (3, 0, 3, 4)], ids=str)
def test_no_steps_or_no_rows(shape):
    problem = make_problem(PLAIN_CELLS[0], shape)
    for options in ({"lengths": [0] * shape[1]}, {"mask": np.ones(shape[1::-1], bool)}):
        out, grads = run(functional, problem, **options)
        assert_same_parts(out.state, problem.state)
        assert_same_parts(grads.state, problem.dstate)


def test_by_hand():
    x = np.ones((5, 2, 1))
    mask = np.array([[0, 1, 0, 1, 0], [1, 1, 0, 0, 1]], bool)
    out = functional.rnn_forward(COUNTER, x, mask=mask, masked_output="hold", training=True)
    np.testing.assert_array_equal(out.y[:, :, 0].T, [[0, 1, 1, 2, 2], [1, 2, 2, 2, 3]])
    np.testing.assert_array_equal(out.state[0].T, [[2, 3]])
    back = functional.rnn_backward(out.saved, np.ones((5, 2, 1)))
    np.testing.assert_array_equal(back.x[:, :, 0].T, [[0, 4, 0, 2, 0], [5, 4, 0, 0, 1]])
    zero = functional.rnn_forward(COUNTER, x, mask=mask, go_backwards=True)
    np.testing.assert_array_equal(zero.y[:, :, 0].T, [[0, 2, 0, 1, 0], [3, 2, 0, 0, 1]])


BAD = (
    (ValueError, {"lengths": [1, 2]}, "lengths has shape (2,); expected (3,) = (batch,)"),
    (ValueError, {"lengths": [[1, 2, 3]]}, "lengths has shape (1, 3); expected (3,)"),
    (ValueError, {"lengths": [1, 6, 2]}, "lengths[1] is 6; expected 0 to 5, the steps of x"),
    (ValueError, {"lengths": [1, 2, -1]}, "lengths[2] is -1; expected 0 to 5"),
    (TypeError, {"lengths": [1.0, 2.0, 3.0]}, "lengths has dtype float64; expected integers"),
    (TypeError, {"lengths": [True, False, True]}, "lengths has dtype bool; expected integers"),
    (ValueError, {"lengths": [[1], [2, 3]]}, "lengths is not a rectangular array"),
    (
        ValueError,
        {"lengths": np.array([2**64 - 1, 1, 2], np.uint64)},
        "lengths has 18446744073709551615; expected 0 to T, the steps of x",
    ),
    (TypeError, {"lengths": np.ma.ones(3, int)}, "lengths is a masked array"),
    (ValueError, {"mask": np.ones((5, 3), bool)}, "mask has shape (5, 3); expected (3, 5)"),
    (ValueError, {"mask": np.ones(3, bool)}, "mask has shape (3,); expected (3, 5)"),
    (TypeError, {"mask": np.ones((3, 5))}, "mask has dtype float64; expected bool", "astype"),
    (TypeError, {"mask": np.ma.ones((3, 5), bool)}, "mask is a masked array"),
    (
        ValueError,
        {"lengths": [1, 2, 3], "mask": np.ones((3, 5), bool)},
        "lengths and mask are both given; expected one",
    ),
    (ValueError, {"masked_output": "last"}, 'masked_output is "last"; expected "zero" or "hold"'),
    (TypeError, {"masked_output": True}, 'masked_output is True; expected "zero" or "hold"'),
)


@pytest.mark.parametrize(("error", "options", "parts"), [(e, o, p) for e, o, *p in BAD], ids=str)
def test_bad_arguments_are_refused(error, options, parts):
    x = np.ones((5, 3, 1))
    with refuses(error, "rnn_forward: ", *parts):
        functional.rnn_forward(COUNTER, x, **options)
    with refuses(error, "birnn_forward: ", *parts):
        functional.birnn_forward(COUNTER, COUNTER, x, **options)
    with refuses(error, "rnn_stack_forward: ", *parts):
        functional.rnn_stack_forward([COUNTER, COUNTER], x, **options)
