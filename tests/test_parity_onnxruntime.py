"""Random cells against ONNX Runtime, float32: activations with alpha and beta in every place, clip,
coupled gates, peepholes, both resets, reversed. TIDEGATE_PARITY_RUNS sets how many (100)."""

import os

import numpy as np
import pytest

from tidegate import CellWeights, functional

ort = pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed")
pytest.importorskip("onnx", reason="onnx is not installed")

RUNS = int(os.environ.get("TIDEGATE_PARITY_RUNS", "100"))
SEED = 20
GATES = {"lstm": 4, "gru": 3, "rnn": 1}
ORDER = {"lstm": (0, 3, 1, 2), "gru": (1, 0, 2), "rnn": (0,)}  # i o f c, z r h by ours
# ONNX's name, and parameters in a range where nothing explodes.
ONNX_NAMES = {
    "tanh": ("Tanh", {}),
    "sigmoid": ("Sigmoid", {}),
    "relu": ("Relu", {}),
    "hard_sigmoid": ("HardSigmoid", {"alpha": (0.1, 0.5), "beta": (0.2, 0.6)}),
    "leaky_relu": ("LeakyRelu", {"alpha": (0.01, 0.5)}),
    "thresholded_relu": ("ThresholdedRelu", {"alpha": (0.05, 0.6)}),
    "scaled_tanh": ("ScaledTanh", {"alpha": (0.5, 1.8), "beta": (0.3, 1.2)}),
    "elu": ("Elu", {"alpha": (0.2, 1.2)}),
    "softsign": ("Softsign", {}),
    "softplus": ("Softplus", {}),
    "affine": ("Affine", {"alpha": (-0.7, 0.7), "beta": (-0.3, 0.3)}),
}


def draw_activation(rng):
    name = str(rng.choice(list(ONNX_NAMES)))
    return name, {p: round(float(rng.uniform(*ends)), 3) for p, ends in ONNX_NAMES[name][1].items()}


def draw_case(rng):
    """A cell's name, options of CellWeights, sizes (T, B, I, H), whether peepholes and reversed."""
    cell = str(rng.choice(list(GATES)))
    options = {"activation": draw_activation(rng)}
    if cell != "rnn":
        options["recurrent_activation"] = draw_activation(rng)
    if cell == "lstm":
        options["output_activation"] = draw_activation(rng)
        options |= {"coupled": "forget"} if rng.random() < 0.4 else {}
    if cell == "gru":
        options["reset_after"] = bool(rng.random() < 0.5)
    if rng.random() < 0.5:
        options["clip"] = round(float(rng.uniform(0.2, 2)), 3)
    sizes = tuple(int(n) for n in rng.integers(1, (7, 6, 12, 40)))
    return cell, options, sizes, cell == "lstm" and rng.random() < 0.5, bool(rng.random() < 0.4)


def onnx_rows(array, cell, coupled):
    """Rows of ours in ONNX's order; a coupled forget gate has rows that nothing reads."""
    gates = np.split(array, 3 if coupled else GATES[cell])
    if coupled:
        gates = [gates[0], np.zeros_like(gates[0]), *gates[1:]]
    return np.concatenate([gates[k] for k in ORDER[cell]])


def onnx_run(cell, options, arrays, x, state, reverse):
    """y and the final states of ONNX Runtime."""
    from onnx import TensorProto, helper, numpy_helper

    hidden, coupled = arrays["weight_hh"].shape[1], "coupled" in options
    biases = [onnx_rows(arrays[b], cell, coupled) for b in ("bias_ih", "bias_hh")]
    given = {
        "W": onnx_rows(arrays["weight_ih"], cell, coupled)[None],
        "R": onnx_rows(arrays["weight_hh"], cell, coupled)[None],
        "B": np.concatenate(biases)[None],
        "h0": state[0][None],
    }
    names = ["x", "W", "R", "B", "", "h0"]
    if cell == "lstm":
        given["c0"] = state[1][None]
        names.append("c0")
    if "peephole" in arrays:
        p = arrays["peephole"]
        i, f, o = (p[0], np.zeros_like(p[0]), p[1]) if coupled else p
        given["P"] = np.concatenate([i, o, f])[None]
        names.append("P")
    places = ["recurrent_activation", "activation", "output_activation"]
    chosen = [options[place] for place in places if place in options]
    attributes = {
        "hidden_size": hidden,
        "direction": "reverse" if reverse else "forward",
        "activations": [ONNX_NAMES[name][0] for name, _ in chosen],
    }
    for parameter in ("alpha", "beta"):
        values = [given_[parameter] for _, given_ in chosen if parameter in given_]
        attributes |= {f"activation_{parameter}": values} if values else {}
    if "clip" in options:
        attributes["clip"] = options["clip"]
    if coupled:
        attributes["input_forget"] = 1
    if cell == "gru":
        attributes["linear_before_reset"] = int(options["reset_after"])
    outputs = ["y", "h", "c"][: 3 if cell == "lstm" else 2]
    node = helper.make_node(cell.upper(), names, outputs, **attributes)
    graph = helper.make_graph(
        [node],
        "cell",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        [numpy_helper.from_array(np.ascontiguousarray(a), name) for name, a in given.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    y, *final = session.run(None, {"x": x})
    return y[:, 0], [part[0] for part in final]


@pytest.mark.parametrize("run", range(RUNS))
def test_random_cells_agree_with_onnx_runtime(run):
    rng = np.random.default_rng([SEED, run])
    cell, options, (steps, batch, inputs, hidden), peephole, reverse = draw_case(rng)

    def uniform(*shape, scale=1.0):
        return rng.uniform(-scale, scale, shape).astype(np.float32)

    coupled = "coupled" in options
    rows = (3 if coupled else GATES[cell]) * hidden
    scale = hidden**-0.5
    arrays = {
        "weight_ih": uniform(rows, inputs, scale=inputs**-0.5),
        "weight_hh": uniform(rows, hidden, scale=scale),
        "bias_ih": uniform(rows, scale=0.5),
        "bias_hh": uniform(rows, scale=0.5),
    }
    if peephole:
        arrays["peephole"] = uniform(2 if coupled else 3, hidden, scale=0.5)
    x = uniform(steps, batch, inputs)
    state = tuple(uniform(batch, hidden) for _ in range(2 if cell == "lstm" else 1))
    expected, expected_final = onnx_run(cell, options, arrays, x, state, reverse)
    w = CellWeights(cell, **arrays, **options)
    out = functional.rnn_forward(w, x, state, go_backwards=reverse)
    described = f"seed [{SEED}, {run}]: {cell} {options} {x.shape} H {hidden} {reverse=}"
    if not np.all(np.isfinite(expected)):  # its softplus is exp's logarithm, which overflows
        assert "softplus" in described and np.all(np.isfinite(out.y)), described
        return
    # ONNX Runtime's exp, tanh and sigmoid are rational approximations with errors of a few 1e-7.
    largest = max(1.0, float(np.max(np.abs(expected))))
    np.testing.assert_allclose(out.y, expected, rtol=0, atol=1e-5 * largest, err_msg=described)
    for got, part in zip(out.state, expected_final, strict=True):
        largest = max(1.0, float(np.max(np.abs(part))))
        np.testing.assert_allclose(got, part, rtol=0, atol=1e-5 * largest, err_msg=described)
