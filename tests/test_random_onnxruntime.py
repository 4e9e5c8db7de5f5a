"""Random LSTM, GRU and RNN nodes in ONNX Runtime and in ours, tidegate.onnx (float32, forward).

Directions, initial states, lengths from 0, peepholes, both resets, clip, input_forget, and every
activation with random alpha and beta in every place.
"""

import numpy as np
import pytest

from oracle_errors import Configuration
from random_runs import SEEDS, Draw

onnx = pytest.importorskip("onnx", reason="onnx is not installed: no models for ONNX Runtime")
onnxruntime = pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed")
from onnx import TensorProto, helper  # noqa: E402

from tidegate.onnx import Backend  # noqa: E402

ACTIVATIONS = (
    *("Tanh", "Sigmoid", "Relu", "HardSigmoid", "LeakyRelu", "ThresholdedRelu", "ScaledTanh"),
    *("Elu", "Softsign", "Softplus", "Affine"),
)
TAKES_ALPHA = {"HardSigmoid", "LeakyRelu", "ThresholdedRelu", "ScaledTanh", "Elu", "Affine"}
TAKES_BETA = {"HardSigmoid", "ScaledTanh", "Affine"}
USUAL = {"LSTM": ("Sigmoid", "Tanh", "Tanh"), "GRU": ("Sigmoid", "Tanh"), "RNN": ("Tanh",)}
GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
INPUTS = ("X", "W", "R", "B", "sequence_lens", "initial_h", "initial_c", "P")


def random_node(seed):
    """The kind, attributes and inputs of a node."""
    draw = Draw(seed, np.float32)
    kind = draw.one("LSTM", "GRU", "RNN")
    steps, batch, width, hidden = (draw.size() for _ in range(4))
    other_activations = draw.chance(0.6)
    if other_activations:
        steps = min(steps, 5)  # gates without bounds multiply states up to infinity
    gates = GATES[kind]
    direction = draw.one("forward", "reverse", "bidirectional")
    directions = 2 if direction == "bidirectional" else 1
    attributes = {"hidden_size": hidden, "direction": direction}
    terms = max(width, hidden)
    inputs = {
        "X": draw.normal(steps, batch, width),
        "W": draw.weights(terms, directions, gates * hidden, width),
        "R": draw.weights(terms, directions, gates * hidden, hidden),
    }
    if draw.chance(0.8):
        inputs["B"] = draw.weights(hidden, directions, 2 * gates * hidden)
    if draw.chance():
        inputs["sequence_lens"] = draw.lengths(batch, steps).astype(np.int32)
    if draw.chance():
        inputs["initial_h"] = draw.normal(directions, batch, hidden)
        if kind == "LSTM":
            inputs["initial_c"] = draw.normal(directions, batch, hidden)
    if kind == "LSTM" and draw.chance():
        inputs["P"] = draw.weights(hidden, directions, 3 * hidden)
    if kind == "LSTM" and draw.chance(0.3):
        attributes["input_forget"] = 1
    if kind == "GRU":
        attributes["linear_before_reset"] = int(draw.chance())
    if draw.chance(0.3):
        attributes["clip"] = draw.number(0.1, 1.5)
    if other_activations:
        attributes |= random_activations(draw, kind, directions)
    return kind, attributes, inputs


def random_activations(draw, kind, directions):
    names, alphas, betas = [], [], []
    for usual in USUAL[kind] * directions:
        name = usual if draw.chance(0.3) else draw.one(*ACTIVATIONS)
        names.append(name)
        if name in TAKES_ALPHA:
            alphas.append(draw.number(0.1, 0.9))
        if name in TAKES_BETA:
            betas.append(draw.number(0.1, 0.9))
    found = {"activations": names}
    if alphas:
        found["activation_alpha"] = alphas
    if betas:
        found["activation_beta"] = betas
    return found


def model_of(kind, attributes, inputs):
    """A model of one node."""
    names = [name if name in inputs else "" for name in INPUTS]
    while not names[-1]:
        names.pop()
    if kind != "LSTM":
        names = names[:6]
    outputs = ["Y", "Y_h", "Y_c"][: 3 if kind == "LSTM" else 2]
    node = helper.make_node(kind, names, outputs, **attributes)
    types = {name: TensorProto.INT32 if name == "sequence_lens" else 1 for name in inputs}
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [node],
        kind,
        [value(n, types[n], a.shape) for n, a in inputs.items()],
        [value(name, 1, [None] * (4 if name == "Y" else 3)) for name in outputs],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def onnxruntime_run(model, inputs):
    """Y, Y_h and, of an LSTM, Y_c."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    return session.run(None, inputs)


def options_of(kind, attributes, inputs):
    """Which options a node has, by name."""
    lengths = inputs.get("sequence_lens")
    reset = attributes.get("linear_before_reset")
    return {
        kind: True,
        "peephole": "P" in inputs,
        "coupled gates": "input_forget" in attributes,
        "clip": "clip" in attributes,
        "reset before the product": reset == 0,
        "reset after the product": reset == 1,
        "11 activations, alpha and beta": "activations" in attributes,
        "lengths": lengths is not None,
        "lengths of 0": lengths is not None and (lengths == 0).any(),
        "initial state": "initial_h" in inputs,
        "both directions": attributes["direction"] == "bidirectional",
        "reverse": attributes["direction"] == "reverse",
    }


@pytest.mark.parametrize("seed", SEEDS)
def test_node(seed):
    kind, attributes, inputs = random_node(seed)
    model = model_of(kind, attributes, inputs)
    configuration = Configuration("ONNX Runtime, float32", options_of(kind, attributes, inputs))
    theirs = onnxruntime_run(model, inputs)
    ours = Backend.run_model(model, inputs)
    empty = inputs.get("sequence_lens", np.ones(1)) == 0
    for name, got, expected in zip(("Y", "Y_h", "Y_c"), ours, theirs, strict=False):
        if name != "Y" and empty.any():
            # ONNX Runtime makes the final state of an empty sequence 0; ours is the initial state.
            initial = inputs.get("initial_h" if name == "Y_h" else "initial_c")
            expected[:, empty] = 0 if initial is None else initial[:, empty]
        configuration.compare_forward(got, expected, name)


@pytest.mark.parametrize("seed", SEEDS)
def test_layout_1_is_the_same_batch_first(seed):
    """ONNX Runtime has no layout=1: beside our own layout=0, bit for bit."""
    kind, attributes, inputs = random_node(seed)
    first = Backend.run_model(model_of(kind, attributes, inputs), inputs)
    turned = ("X", "initial_h", "initial_c")
    inputs = {k: a.swapaxes(0, 1).copy() if k in turned else a for k, a in inputs.items()}
    y, *final = Backend.run_model(model_of(kind, attributes | {"layout": 1}, inputs), inputs)
    np.testing.assert_array_equal(y.transpose(1, 2, 0, 3), first[0])
    for got, expected in zip(final, first[1:], strict=True):
        np.testing.assert_array_equal(got.swapaxes(0, 1), expected)
