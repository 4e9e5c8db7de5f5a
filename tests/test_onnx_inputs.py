"""What an OnnxModel is given: numbers its file cannot hold, copies of it."""

import copy
import pickle
import warnings

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="onnx is not installed: no files to read")
from onnx import helper  # noqa: E402

from tidegate.layers import GRU, Embedding, Input  # noqa: E402
from tidegate.models import Sequential  # noqa: E402
from tidegate.onnx import export, load  # noqa: E402
from tidegate.onnx.loading.graph import graph_of  # noqa: E402
from tidegate.onnx.model import OnnxModel  # noqa: E402


def model_of(op, **inputs):
    """One node whose inputs are of the element types of arrays."""
    value = helper.make_tensor_value_info
    types = {name: helper.np_dtype_to_tensor_dtype(np.dtype(d)) for name, d in inputs.items()}
    graph = helper.make_graph(
        [helper.make_node(op, list(inputs), ["y"])],
        "g",
        [value(name, kind, None) for name, kind in types.items()],
        [value("y", next(iter(types.values())), None)],
    )
    return OnnxModel(graph_of(helper.make_model(graph)))


@pytest.mark.parametrize(
    ("given", "dtype", "match"),
    [
        ([np.inf], "int64", "x has fractions, NaN or inf; expected int64"),
        ([np.nan], "int64", "x has fractions, NaN or inf"),
        ([1.5], "int32", "x has fractions"),
        ([1e30], "int64", "x has the value 1e[+]30, which int64 cannot hold"),
        ([2**32 + 1], "int32", "x has the value 4294967297, which int32 cannot hold"),
        ([-1], "uint8", "x has the value -1, which uint8 cannot hold"),
        (np.array([2**63], np.uint64), "int64", "x has the value 9223372036854775808"),
    ],
)
def test_numbers_that_an_integer_input_cannot_hold_are_refused(given, dtype, match):
    with pytest.raises(ValueError, match=match):
        model_of("Identity", x=dtype).predict(np.asarray(given))


def test_whole_numbers_within_range_are_taken():
    model = model_of("Identity", x="uint8")
    for given in ([255.0, 0.0], [255, 0], np.array([255, 0], np.uint64)):
        np.testing.assert_array_equal(model.predict(given), np.array([255, 0], np.uint8))
    assert model.predict([]).dtype == np.uint8


def test_a_number_too_large_for_float32_is_inf_without_a_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert model_of("Identity", x="float32").predict([1e300, -1e300]).tolist() == [
            np.inf,
            -np.inf,
        ]


def test_inputs_of_run_are_a_list_or_a_dict():
    model = model_of("Identity", x="float32")
    for given in (None, 3, "x", np.ones(1)):
        with pytest.raises(TypeError, match=r"run: inputs is .*; expected a list of arrays, or a"):
            model.run(given)


@pytest.mark.parametrize("again", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_a_loaded_model_can_be_copied_and_pickled(again, tmp_path):
    export(Sequential([Input((None,)), Embedding(9, 3), GRU(4)], seed=1), tmp_path / "m.onnx")
    model = load(tmp_path / "m.onnx")
    x = np.array([[1, 2, 8]])
    np.testing.assert_array_equal(again(model).predict(x), model.predict(x))
