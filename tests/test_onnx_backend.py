"""tidegate.onnx.Backend in the test suite of the onnx package, and what it refuses."""

import re
import warnings

import numpy as np
import pytest

pytest.importorskip("onnx", reason="onnx is not installed: no backend to test")
from onnx import helper
from onnx.numpy_helper import to_array

from tidegate.onnx import Backend
from tidegate.onnx.operators.selection import DTYPES

RECURRENT = r"test_(lstm|gru|simple_rnn|rnn)_\w+_cpu"

with warnings.catch_warnings():  # of the cases of other operators, which all are made here
    warnings.simplefilter("ignore")
    from onnx.backend.test import BackendTest

    suite = BackendTest(Backend, __name__)


class TestRecurrentNodes(suite.test_cases["OnnxBackendNodeModelTest"]):
    """The 18 tests of recurrent nodes; those of the 1800 others are not collected."""


for name in dir(TestRecurrentNodes):
    if name.startswith("test_") and not re.fullmatch(RECURRENT, name):
        delattr(TestRecurrentNodes.__bases__[0], name)


def test_all_eighteen_recurrent_node_tests_are_here():
    names = [name for name in dir(TestRecurrentNodes) if name.startswith("test_")]
    assert len(names) == 18


def test_the_node_tests_of_all_operators_that_are_supported():
    """Those of numbers that are computed with: not of float16, strings, or dropout in training."""
    from onnx.backend.test.case import node

    ran = 0
    for case in node._NodeTestCases:
        entries = [*case.model.graph.input, *case.model.graph.output]
        types = {entry.type.tensor_type.elem_type for entry in entries}
        if not Backend.is_compatible(case.model) or not types <= set(DTYPES):
            continue
        opsets = {entry.domain: entry.version for entry in case.model.opset_import}
        if case.name.startswith("test_training_dropout") or opsets[""] < 7:
            continue
        for data in case.data_sets:
            inputs, expected = (
                [a if isinstance(a, np.ndarray | np.generic) else to_array(a) for a in arrays]
                for arrays in data
            )
            got = Backend.run_model(case.model, inputs)
            for one, other in zip(got, expected, strict=True):
                assert one.dtype == other.dtype, case.name
                np.testing.assert_allclose(one, other, case.rtol, case.atol, err_msg=case.name)
        ran += 1
    assert ran > 300, ran


def one_node(op, **attributes):
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node(op, ["x"], ["y"], **attributes)],
        "g",
        [value("x", 1, [None, 3])],
        [value("y", 1, [None, 3])],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 22)], ir_version=10)


def test_other_operators_are_refused_by_name():
    from onnx.backend.test.runner import BackendIsNotSupposedToImplementIt

    assert not Backend.is_compatible(one_node("Erf"))
    assert Backend.is_compatible(one_node("Tanh"))
    with pytest.raises(BackendIsNotSupposedToImplementIt, match="the operator Erf is not"):
        Backend.prepare(one_node("Erf"))
    node = helper.make_node("Erf", ["x"], ["y"])
    with pytest.raises(BackendIsNotSupposedToImplementIt, match="the operator Erf is not"):
        Backend.run_node(node, [np.ones(3, np.float32)])


def test_only_the_cpu():
    assert Backend.supports_device("CPU") and not Backend.supports_device("CUDA")
    with pytest.raises(ValueError, match="device is 'CUDA'"):
        Backend.prepare(one_node("Tanh"), "CUDA")


def test_run_model_and_run_node():
    x = np.array([[0.5, -1, 2]], np.float32)
    (y,) = Backend.run_model(one_node("Tanh"), [x])
    np.testing.assert_array_equal(y, np.tanh(x))
    (y,) = Backend.run_node(helper.make_node("Add", ["a", "b"], ["y"]), [x, x])
    np.testing.assert_array_equal(y, 2 * x)
    with pytest.raises(ValueError, match="there are 1 inputs; expected 2"):
        Backend.run_node(helper.make_node("Add", ["a", "b"], ["y"]), [x])


def test_log_softmax_where_the_softmax_is_zero():
    x = np.array([[0, 200], [-1000, 1000]], np.float32)
    (y,) = Backend.run_node(helper.make_node("LogSoftmax", ["x"], ["y"]), [x])
    np.testing.assert_array_equal(y, np.array([[-200, 0], [-2000, 0]], np.float32))


def test_integers_beyond_floating_numbers_are_divided_exactly():
    a = np.array([2**60 + 1, -7, 7, -7, 6], np.int64)
    b = np.array([1, 2, -2, -2, -3], np.int64)
    (y,) = Backend.run_node(helper.make_node("Div", ["a", "b"], ["y"]), [a, b])
    np.testing.assert_array_equal(y, [2**60 + 1, -3, -3, 3, -2])
