"""The 18 node tests of the onnx package for LSTM, GRU and RNN, through our doors."""

import numpy as np
import pytest

from onnx_nodes import INPUTS, run_node

onnx = pytest.importorskip("onnx", reason="onnx is not installed: none of its node tests")


def node_cases():
    from onnx.backend.test.case import node
    from onnx.backend.test.case.node import gru, lstm, rnn  # noqa: F401 - they make their cases

    return {case.name: case for case in node._NodeTestCases}


CASES = node_cases()


def test_there_are_eighteen():
    assert len(CASES) == 18


@pytest.mark.parametrize("name", CASES)
def test_node(name):
    case = CASES[name]
    (node,) = case.model.graph.node
    attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    for key, value in attributes.items():
        if isinstance(value, bytes):
            attributes[key] = value.decode()
    ((given, expected),) = case.data_sets
    slots = [slot for slot, used in zip(INPUTS, node.input, strict=False) if used]
    outputs = run_node(node.op_type, attributes, dict(zip(slots, given, strict=True)))
    wanted = [place for place, used in enumerate(node.output) if used]
    for place, array in zip(wanted, expected, strict=True):
        np.testing.assert_allclose(outputs[place], array, rtol=case.rtol, atol=case.atol)
