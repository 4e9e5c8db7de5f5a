"""Arrays in any layout of memory give the bits of the same values in plain arrays."""

import numpy as np
import pytest

from cases import DTYPES, PLAIN_CELLS, make_problem
from engine_runs import all_arrays, assert_same_bits, run
from tidegate import CellWeights, functional

SHAPE = (5, 4, 3, 10)


def every_other(array):
    """A view into an array of twice the size along each axis."""
    wide = np.zeros([2 * size for size in array.shape], array.dtype)
    view = wide[tuple(slice(None, None, 2) for _ in array.shape)]
    view[...] = array
    return view


def unaligned(array):
    """The same values one byte off."""
    raw = np.zeros(array.nbytes + 1, np.uint8)[1:]
    view = raw.view(array.dtype).reshape(array.shape)
    view[...] = array
    assert not view.flags.aligned
    return view


def packed_field(array):
    """A field of packed records: strides that are no multiple of the item's size."""
    records = np.zeros(array.shape, [("flag", np.uint8), ("value", array.dtype)])
    records["value"] = array
    return records["value"]


def read_only(array):
    array = array.copy()
    array.flags.writeable = False
    return array


def padded_rows(array):
    """Contiguous in the last axis only."""
    wide = np.zeros((*array.shape[:-1], array.shape[-1] + 3), array.dtype)
    view = wide[..., : array.shape[-1]]
    view[...] = array
    return view


LAYOUTS = {
    "fortran": np.asfortranarray,
    "negative first": lambda array: array[::-1].copy()[::-1],
    "negative last": lambda array: array[..., ::-1].copy()[..., ::-1],
    "negative all": lambda array: np.flip(np.flip(array).copy()),
    "swapped axes": lambda array: array.swapaxes(0, -1).copy().swapaxes(0, -1),
    "every other": every_other,
    "padded rows": padded_rows,
    "unaligned": unaligned,
    "packed field": packed_field,
    "read-only": read_only,
    "subclass": lambda array: array.view(type("Labelled", (np.ndarray,), {})),
}


@pytest.fixture(params=LAYOUTS)
def layout(request):
    return LAYOUTS[request.param]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", PLAIN_CELLS, ids=str)
def test_inputs_of_any_layout(case, dtype, layout):
    problem = make_problem(case, SHAPE, dtype)
    expected = all_arrays(*run(functional, problem))
    problem.x, problem.dy = layout(problem.x), layout(problem.dy)
    problem.state = tuple(layout(part) for part in problem.state)
    problem.dstate = tuple(layout(part) for part in problem.dstate)
    assert_same_bits(all_arrays(*run(functional, problem)), expected)


@pytest.mark.parametrize("go_backwards", [False, True])
@pytest.mark.parametrize("case", PLAIN_CELLS, ids=str)
def test_batch_first_inputs_of_any_layout(case, go_backwards, layout):
    problem = make_problem(case, SHAPE, np.float32)
    problem.x, problem.dy = problem.x.swapaxes(0, 1).copy(), problem.dy.swapaxes(0, 1).copy()
    options = {"batch_first": True, "go_backwards": go_backwards}
    expected = all_arrays(*run(functional, problem, **options))
    problem.x, problem.dy = layout(problem.x), layout(problem.dy)
    assert_same_bits(all_arrays(*run(functional, problem, **options)), expected)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", PLAIN_CELLS, ids=str)
def test_weights_of_any_layout(case, dtype, layout):
    problem = make_problem(case, SHAPE, dtype)
    expected = all_arrays(*run(functional, problem))
    arrays = {name: layout(array) for name, array in problem.weights.arrays().items()}
    problem.weights = CellWeights(case.cell, **arrays, **case.options)
    assert_same_bits(all_arrays(*run(functional, problem)), expected)


@pytest.mark.parametrize("case", PLAIN_CELLS, ids=str)
def test_one_row_repeated_by_stride_0(case):
    problem = make_problem(case, SHAPE, np.float32)
    row = problem.x[:, :1]
    problem.x = np.repeat(row, SHAPE[1], axis=1)
    expected = all_arrays(*run(functional, problem))
    problem.x = np.broadcast_to(row, (SHAPE[0], SHAPE[1], SHAPE[2]))
    assert problem.x.strides[1] == 0
    assert_same_bits(all_arrays(*run(functional, problem)), expected)


@pytest.mark.parametrize("case", PLAIN_CELLS, ids=str)
def test_one_value_repeated_by_stride_0(case):
    problem = make_problem(case, SHAPE, np.float64)
    problem.dy = np.ones_like(problem.dy)
    expected = all_arrays(*run(functional, problem))
    problem.dy = np.broadcast_to(1.0, problem.dy.shape)
    assert_same_bits(all_arrays(*run(functional, problem)), expected)


@pytest.mark.parametrize("case", PLAIN_CELLS, ids=str)
def test_nested_lists_are_float64(case):
    problem = make_problem(case, SHAPE, np.float64)
    expected = all_arrays(*run(functional, problem))
    problem.x, problem.dy = problem.x.tolist(), problem.dy.tolist()
    problem.state = [part.tolist() for part in problem.state]
    assert_same_bits(all_arrays(*run(functional, problem)), expected)


@pytest.mark.parametrize("case", PLAIN_CELLS, ids=str)
def test_weights_are_copied_and_read_only(case):
    problem = make_problem(case, SHAPE, np.float64)
    arrays = {name: array.copy() for name, array in problem.weights.arrays().items()}
    w = CellWeights(case.cell, **arrays, **case.options)
    y = functional.rnn_forward(w, problem.x).y
    for name, array in arrays.items():
        array[...] = np.nan
        with pytest.raises(ValueError, match="read-only"):
            getattr(w, name)[...] = 0
    np.testing.assert_array_equal(functional.rnn_forward(w, problem.x).y, y)


@pytest.mark.parametrize("dtype", DTYPES)
def test_weight_view_refuses_what_it_cannot_share(dtype):
    arrays = make_problem(PLAIN_CELLS[0], SHAPE, dtype).weights.arrays()
    arrays["weight_hh"] = np.asfortranarray(arrays["weight_hh"])
    with pytest.raises(ValueError, match="CellWeights: weight_hh is not C-contiguous"):
        CellWeights.view("lstm", **arrays)
