"""Every bad argument of CellWeights gets an error that says what to do."""

import copy
import pickle

import numpy as np
import pytest

from engine_runs import refuses
from tidegate import CellWeights, functional
from tidegate._loader import core

I, H = 3, 5  # noqa: E741  the letters of docs/notation.md


def lstm(**changes):
    arrays = {"weight_ih": np.zeros((4 * H, I)), "weight_hh": np.zeros((4 * H, H))}
    return CellWeights("lstm", **arrays | changes)


@pytest.mark.parametrize(
    ("name", "shape", "expected"),
    [
        ("weight_ih", (4 * H,), "expected two axes"),
        ("weight_ih", (4 * H, I, 1), "expected two axes"),
        ("weight_hh", (), "expected two axes"),
        ("weight_ih", (3 * H, I), "expected (20, 3) = (4*hidden_size, input_size)"),
        ("weight_hh", (4 * H + 1, H), "expected (20, 5) = (4*hidden_size, hidden_size)"),
        ("weight_hh", (4 * H, H + 1), "expected (24, 6)"),
        ("weight_hh", (0, 0), "hidden_size H >= 1"),
        ("bias_ih", (H,), "expected (20,)"),
        ("bias_hh", (4 * H, 1), "expected (20,)"),
        ("peephole", (3 * H,), "expected (3, 5)"),
        ("peephole", (4, H), "expected (3, 5)"),
        ("peephole", (3, H, H + 1), "expected (3, 5, 5)"),
        ("weight_hr", (H,), "expected (P, H) with P = 5, the columns of weight_hh"),
        ("weight_hr", (H + 1, H), "expected (P, H) with P = 5"),
        ("weight_hr", (H, 0), "expected (P, H) with P = 5, the columns of weight_hh, and H >= 1"),
    ],
)
def test_weights_of_wrong_shape(name, shape, expected):
    with refuses(ValueError, f"CellWeights: {name} has shape {shape}", expected):
        lstm(**{name: np.zeros(shape)})


@pytest.mark.parametrize("name", ["weight_ih", "weight_hh", "bias_ih", "bias_hh", "peephole"])
@pytest.mark.parametrize("dtype", [object, complex, int, bool, "U3", "S3", np.float16, "M8[s]"])
def test_weights_of_wrong_dtype(name, dtype):
    shape = {"weight_ih": (4 * H, I), "weight_hh": (4 * H, H), "peephole": (3, H)}
    array = np.zeros(shape.get(name, (4 * H,))).astype(dtype)
    with refuses(TypeError, f"CellWeights: {name} has dtype {array.dtype}; expected float"):
        lstm(**{name: array})


@pytest.mark.parametrize("name", ["weight_hh", "bias_ih", "bias_hh", "peephole"])
def test_weights_of_mixed_dtypes(name):
    shape = {"weight_hh": (4 * H, H), "peephole": (3, H)}.get(name, (4 * H,))
    with refuses(TypeError, f"CellWeights: {name} has dtype float32; expected float64", "astype"):
        lstm(**{name: np.zeros(shape, np.float32)})


@pytest.mark.parametrize("name", ["weight_ih", "weight_hh"])
def test_weights_masked(name):
    shape = {"weight_ih": (4 * H, I), "weight_hh": (4 * H, H)}[name]
    with refuses(TypeError, f"CellWeights: {name} is a masked array", "filled(0)"):
        lstm(**{name: np.ma.zeros(shape)})


@pytest.mark.parametrize("value", [None, "abc", {}, [[1.0], [1.0, 2.0]]])
def test_weights_that_are_no_arrays(value):
    with refuses((TypeError, ValueError), "CellWeights: weight_ih"):
        lstm(weight_ih=value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"activation": "tan"}, 'activation is \'tan\'; expected one of "tanh", "sigmoid"'),
        ({"activation": None}, "activation is None; expected one of"),
        ({"activation": ["tanh"]}, "activation is ['tanh']; expected one of"),
        ({"recurrent_activation": "Sigmoid"}, "recurrent_activation is 'Sigmoid'"),
        ({"output_activation": "softmax"}, "output_activation is 'softmax'"),
        ({"update": "keep"}, 'update is \'keep\'; expected one of "retain", "replace"'),
    ],
)
def test_weights_of_unknown_options(options, message):
    with refuses(ValueError, f"CellWeights: {message}"):
        CellWeights("gru", np.zeros((9, 2)), np.zeros((9, 3)), **options)


@pytest.mark.parametrize("cell", ["LSTM", "lstm ", "", None, 4])
def test_weights_of_unknown_cell(cell):
    message = f'CellWeights: cell is {cell!r}; expected one of "lstm", "gru", "rnn"'
    with refuses(ValueError, message):
        CellWeights(cell, np.zeros((12, 2)), np.zeros((12, 3)))


@pytest.mark.parametrize(("cell", "gates"), [("gru", 3), ("rnn", 1)])
@pytest.mark.parametrize(("name", "shape"), [("peephole", (3, 1)), ("weight_hr", (1, 1))])
def test_weights_with_an_array_of_another_cell(cell, gates, name, shape):
    with refuses(ValueError, f"CellWeights: {name} is given", f'for cell "{cell}"'):
        CellWeights(cell, np.zeros((gates, 1)), np.zeros((gates, 1)), **{name: np.zeros(shape)})


def projecting(outputs=3, **arrays):
    given = {"weight_hh": np.zeros((4 * H, outputs)), "weight_hr": np.zeros((outputs, H))}
    return lstm(**given | arrays)


def test_weights_that_disagree_with_the_projection():
    with refuses(ValueError, "weight_hh has shape (24, 3)", "(4*hidden_size, output_size)"):
        projecting(weight_hh=np.zeros((24, 3)))
    with refuses(ValueError, "weight_hr has shape (4, 5); expected (P, H) with P = 3"):
        projecting(weight_hr=np.zeros((4, H)))
    with refuses(TypeError, "CellWeights: weight_hr has dtype float32; expected float64"):
        projecting(weight_hr=np.zeros((3, H), np.float32))


def test_states_of_a_projection():
    w, x = projecting(), np.zeros((4, 2, I))
    assert (w.hidden_size, w.output_size, w.state_sizes) == (H, 3, (3, H))
    with refuses(ValueError, "state[0] has shape (2, 5); expected (2, 3) = (batch, output_size)"):
        functional.rnn_forward(w, x, (np.zeros((2, H)), np.zeros((2, H))))
    with refuses(ValueError, "state[1] has shape (2, 3); expected (2, 5) = (batch, hidden_size)"):
        functional.rnn_forward(w, x, (np.zeros((2, 3)), np.zeros((2, 3))))
    with refuses(ValueError, "weights[1] has input_size 3; expected 4, the output_size of weight"):
        functional.rnn_stack_forward([projecting(4), w], x)


@pytest.mark.parametrize("copy_of", [copy.deepcopy, lambda w: pickle.loads(pickle.dumps(w))])
def test_weights_that_were_used_can_be_copied(copy_of):
    """Found by review: the packed form in the object refused to be copied."""
    rng = np.random.default_rng(0)
    weights = CellWeights("gru", rng.normal(size=(12, 3)), rng.normal(size=(12, 4)))
    x = rng.normal(size=(5, 2, 3))
    y = functional.rnn_forward(weights, x).y
    copied = copy_of(weights)
    np.testing.assert_array_equal(functional.rnn_forward(copied, x).y, y)
    assert not copied.weight_ih.flags.writeable


@pytest.mark.parametrize("value", ["False", None, 1, np.array([1, 0])])
def test_reset_after_that_is_neither_true_nor_false(value):
    with refuses(TypeError, "CellWeights: reset_after is", "expected True or False"):
        CellWeights("gru", np.zeros((3 * H, I)), np.zeros((3 * H, H)), reset_after=value)


@pytest.mark.parametrize("value", ["", 0, False, np.array([1, 2])])
def test_output_activation_that_is_no_name(value):
    with refuses(ValueError, "CellWeights: output_activation is", "expected one of"):
        lstm(output_activation=value)


@pytest.mark.parametrize("name", ["weight_ih", "bias_ih", "activation", "reset_after"])
def test_arrays_and_options_cannot_be_replaced(name):
    w = lstm()
    with refuses(AttributeError, f"CellWeights: {name} cannot be replaced; make a new"):
        setattr(w, name, np.zeros((4 * H, I)))


@pytest.mark.parametrize(
    ("options", "arrays", "message"),
    [
        ({"colour": 1}, {}, 'core: option "colour" is unknown'),
        ({"activation": ("tan", 0.0, 0.0)}, {}, 'core: activation "tan" is unknown'),
        ({}, {"weight_xx": np.zeros(1)}, 'core: array "weight_xx" is unknown'),
        ({}, {"weight_ih": np.zeros(1, np.float32)}, 'core: array "weight_ih" has another dtype'),
        ({}, {}, "core: weight_ih and weight_hh are matrices"),
        (
            {"peephole_kind": "full"},
            lstm().arrays(),
            "core: the peephole option and array disagree",
        ),
        ({}, lstm().arrays() | {"bias_ih": np.zeros(3)}, "core: bias_ih has shape (3,)"),
    ],
)
def test_core_checks_what_python_passes_by_name(options, arrays, message):
    with refuses(ValueError, message):
        core.LayerWeights64(options, arrays)
