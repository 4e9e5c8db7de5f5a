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

    ran = []
    for case in node._NodeTestCases:
        entries = [*case.model.graph.input, *case.model.graph.output]
        types = {entry.type.tensor_type.elem_type for entry in entries}
        if not Backend.is_compatible(case.model) or not types <= set(DTYPES):
            continue
        opsets = {entry.domain: entry.version for entry in case.model.opset_import}
        training = case.name.startswith("test_training_dropout") or "training_mode" in case.name
        if training or opsets[""] < 7:
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
        ran.append(case.name)
    assert len(ran) > 350, len(ran)
    for operator, count in (("layer_norm", 57), ("gelu", 4), ("batchnorm", 2), ("erf", 1)):
        assert sum(operator in name for name in ran) >= count, operator


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

    assert not Backend.is_compatible(one_node("Det"))
    assert Backend.is_compatible(one_node("Tanh"))
    with pytest.raises(BackendIsNotSupposedToImplementIt, match="the operator Det is not"):
        Backend.prepare(one_node("Det"))
    node = helper.make_node("Det", ["x"], ["y"])
    with pytest.raises(BackendIsNotSupposedToImplementIt, match="the operator Det is not"):
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


NORMALIZED = np.random.default_rng(0).standard_normal((3, 4, 5))
ONES, ZEROS = np.ones(4), np.zeros(4)


def test_normalization_and_gelu_in_float64():
    x = NORMALIZED
    mean, variance = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    scale, bias = x[0, 0], x[1, 1]
    node = helper.make_node("LayerNormalization", ["x", "s", "b"], ["y", "", "d"], epsilon=0.25)
    y, d = Backend.run_node(node, [x, scale, bias])
    expected = (x - mean) / np.sqrt(variance + 0.25)
    np.testing.assert_allclose(y, expected * scale + bias, rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(d, 1 / np.sqrt(variance + 0.25), rtol=1e-6)
    assert (y.dtype, d.dtype) == (np.float64, np.float32)
    node = helper.make_node("BatchNormalization", list("xsbmv"), ["y"], epsilon=0.25)
    s, b, m, v = 1 + np.arange(16.0).reshape(4, 4)
    (y,) = Backend.run_node(node, [x, s, b, m, v])
    s, b, m, v = (array[:, None] for array in (s, b, m, v))
    np.testing.assert_allclose(y, (x - m) / np.sqrt(v + 0.25) * s + b, rtol=1e-13, atol=1e-13)
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: no other gelu")
    for kind in ("none", "tanh"):
        (y,) = Backend.run_node(helper.make_node("Gelu", ["x"], ["y"], approximate=kind), [4 * x])
        expected = torch.nn.functional.gelu(torch.tensor(4 * x), approximate=kind)
        np.testing.assert_allclose(y, expected.numpy(), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(
    ("op", "inputs", "attributes", "message"),
    [
        ("LayerNormalization", [ZEROS[:3]], {}, r"its scale has shape \(3,\); expected \(5,\)"),
        ("LayerNormalization", [NORMALIZED[0, 0]], {"stash_type": 11}, "its stash_type is 11"),
        ("LayerNormalization", [np.float32([1])], {}, "dtypes float64, float32; expected one"),
        ("BatchNormalization", [ONES] * 4, {"training_mode": 1}, "it is in training mode"),
        ("BatchNormalization", [ONES] * 3 + [ONES[:3]], {}, r"its var has shape \(3,\); .* \(4,\)"),
        ("Gelu", [], {"approximate": "sigmoid"}, "its approximate is 'sigmoid'"),
    ],
)
def test_normalization_and_gelu_refuse(op, inputs, attributes, message):
    names = [f"in{k}" for k in range(1 + len(inputs))]
    node = helper.make_node(op, names, ["y"], **attributes)
    with pytest.raises(ValueError, match=message):
        Backend.run_node(node, [NORMALIZED, *inputs])
