"""What to_onnx returns, run by ONNX Runtime: the function of the cells, in both directions."""

import numpy as np
import pytest

from cases import ALL_CELLS, make_weights
from tidegate import functional, weights
from tolerances import BETWEEN_ENGINES, assert_forward_close

ort = pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed")
onnx = pytest.importorskip("onnx", reason="onnx is not installed")
STEPS, BATCH, INPUTS, HIDDEN = 5, 3, 4, 7
UNHELD = ("projects", "normalizes", "cell_clip", "output_clip")
# Not what ONNX lacks; nor gates that have no complement, for `replace`.
HELD = [
    case
    for case in ALL_CELLS
    if not any(getattr(case, name) for name in UNHELD)
    and case.peephole != "full"
    and case.coupled != "input"
    and (case.update == "retain" or case.recurrent_activation == "sigmoid")
]


def onnx_run(made, x):
    """Y (T, D, B, H) of an operator with these weights."""
    arrays = {name: getattr(made, name) for name in "WRBP"}
    names = ["x", *(name if arrays[name] is not None else "" for name in "WRB"), "", "", "", "P"]
    inputs = names[: {"LSTM": 8, "GRU": 6, "RNN": 6}[made.op_type]]
    if arrays["P"] is None:
        inputs = inputs[:4]
    node = onnx.helper.make_node(made.op_type, inputs, ["y"], **made.attributes)
    graph = onnx.helper.make_graph(
        [node],
        "cell",
        [onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, x.shape)],
        [onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [None] * 4)],
        [onnx.numpy_helper.from_array(a, name) for name, a in arrays.items() if a is not None],
    )
    opset = onnx.helper.make_opsetid("", 17)
    model = onnx.helper.make_model(graph, opset_imports=[opset], ir_version=8)
    onnx.checker.check_model(model)
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": x})[0]


@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
@pytest.mark.parametrize("case", HELD, ids=str)
def test_an_operator_computes_what_the_cells_do(case, direction):
    seeds = (1, 2) if direction == "bidirectional" else (1,)
    cells = [make_weights(case, INPUTS, HIDDEN, np.float32, seed) for seed in seeds]
    made = weights.to_onnx(cells, direction=direction)
    x = np.random.default_rng(0).standard_normal((STEPS, BATCH, INPUTS)).astype("f4")
    y = onnx_run(made, x)
    reverse = (direction == "reverse", True)
    for d, w in enumerate(cells):
        out = functional.rnn_forward(w, x, go_backwards=reverse[d])
        assert_forward_close(out.y, y[:, d], f"direction {d}", BETWEEN_ENGINES)
    again = weights.from_onnx(
        made.op_type, made.W, made.R, made.B, made.P, attributes=made.attributes
    )
    for d, w in enumerate(again):
        out = functional.rnn_forward(w, x, go_backwards=reverse[d])
        assert_forward_close(out.y, y[:, d], f"direction {d}", BETWEEN_ENGINES)


@pytest.mark.filterwarnings("ignore")  # of that exporter: old, tracing, ...
@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN"])
def test_what_torch_exports_is_read(kind, tmp_path):
    """W, R and B of the node that PyTorch's exporter wrote, and its attributes, as they are."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    pytest.importorskip("onnxscript", reason="onnxscript is not installed: no export by PyTorch")
    module = getattr(torch.nn, kind)(INPUTS, HIDDEN, bidirectional=True).eval()
    path = tmp_path / "module.onnx"
    x = torch.zeros(STEPS, BATCH, INPUTS)
    torch.onnx.export(module, (x,), path, dynamo=False, verbose=False)
    model = onnx.load(path)
    arrays = {t.name: onnx.numpy_helper.to_array(t) for t in model.graph.initializer}
    (node,) = (node for node in model.graph.node if node.op_type == kind)
    attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    found = weights.from_onnx(kind, *(arrays[n] for n in node.input[1:4]), attributes=attributes)
    for d, w in enumerate(found):
        for name, array in weights.to_torch(w, reverse=bool(d)).items():
            assert np.array_equal(array, module.state_dict()[name].numpy()), name
