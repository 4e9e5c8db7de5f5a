"""What the converters refuse, and the words they refuse it with."""

import subprocess
import sys

import numpy as np
import pytest

from tidegate import CellWeights, weights
from tidegate.weights.gate_orders import reordered

I, H = 3, 4  # noqa: E741  the letters of docs/notation.md


def ones(*shape):
    return np.ones(shape)


def lstm(**options):
    gates = 3 if "coupled" in options else 4
    return CellWeights("lstm", ones(gates * H, I), ones(gates * H, H), **options)


def projected():
    return CellWeights("lstm", ones(4 * H, I), ones(4 * H, 2), weight_hr=ones(2, H))


def normalized():
    gains = {"gamma_ih": ones(H), "gamma_hh": ones(H)}
    return CellWeights("rnn", ones(H, I), ones(H, H), **gains)


def gru(**options):
    return CellWeights("gru", ones(3 * H, I), ones(3 * H, H), **options)


TO = {
    "torch": weights.to_torch,
    "keras": weights.to_keras,
    "onnx": weights.to_onnx,
    "tensorflow": weights.to_tensorflow,
}
REFUSED = [
    ("torch", lstm(peephole=ones(3, H)), "diagonal peepholes, which torch.nn.LSTM cannot hold; ex"),
    ("torch", lstm(peephole=ones(3, H)), "to_onnx and to_tensorflow hold them"),
    ("torch", lstm(coupled="input"), 'coupled="input", which torch.nn.LSTM .*`uncoupled` makes'),
    ("torch", gru(reset_after=False), "reset_after=False, which torch.nn.GRU .*to_keras, to_onnx"),
    (
        "torch",
        gru(activation="relu"),
        "activation='relu'; expected \"tanh\", the only one of torch",
    ),
    ("torch", lstm(cell_clip=2.0), "cell_clip, which torch.nn.LSTM .*to_tensorflow holds it"),
    ("torch", normalized(), "layer normalisation, which torch.nn.RNN .*model.save"),
    (
        "torch",
        CellWeights("rnn", ones(H, I), ones(H, H), activation="elu"),
        'activation=\'elu\'; expected "tanh" or "relu", the only one of torch.nn.RNN',
    ),
    ("torch", gru(update="replace", recurrent_activation="relu"), "recurrent_activation='relu'; e"),
    ("keras", projected(), "a projection, which keras.layers.LSTM .*to_torch and to_tensorflow"),
    ("keras", lstm(clip=1.0), "clip, which keras.layers.LSTM cannot hold.*to_onnx holds it"),
    ("keras", lstm(output_activation="relu"), "output_activation='relu'; expected 'tanh', as kera"),
    ("keras", lstm(activation=("elu", {"alpha": 0.5})), "activation is Activation.*; expected one"),
    ("keras", lstm(peephole=ones(3, H, H)), "full peepholes, which keras.*only files of tidegate"),
    (
        "keras",
        gru(update="replace", recurrent_activation="relu"),
        'update="replace" and recurrent_activation=\'relu\'; expected "sigmoid"',
    ),
    ("onnx", lstm(peephole=ones(3, H, H)), "full peepholes, which ONNX's LSTM cannot hold"),
    ("onnx", lstm(coupled="input"), 'coupled="input", which ONNX\'s LSTM cannot hold'),
    ("onnx", lstm(output_clip=1.0), "output_clip, which ONNX's LSTM cannot hold"),
    ("onnx", projected(), "a projection, which ONNX's LSTM cannot hold"),
    ("onnx", [], "weights has 0 entries; expected one or two"),
    (
        "onnx",
        [lstm(), gru()],
        "weights has cell lstm forward and gru in reverse; expected the same",
    ),
    ("onnx", [lstm(), lstm(clip=1.0)], "weights has clip None forward and 1.0 in reverse"),
    ("tensorflow", gru(), "reset_after=True, which TensorFlow's GRUCell cannot hold"),
    (
        "tensorflow",
        lstm(recurrent_activation="relu"),
        "recurrent_activation='relu'; expected 'sigm",
    ),
    ("tensorflow", lstm(coupled="forget"), 'coupled="forget", which TensorFlow\'s LSTMCell'),
    (
        "tensorflow",
        lstm(coupled="input", cell_clip=1.0),
        "cell_clip, which TensorFlow's CoupledInputForgetGateLSTMCell cannot hold",
    ),
]


@pytest.mark.parametrize(("name", "w", "message"), REFUSED)
def test_a_format_refuses_what_it_cannot_hold(name, w, message):
    with pytest.raises(ValueError, match=f"^to_{name}: .*{message}"):
        TO[name](w)


@pytest.mark.parametrize("name", TO)
def test_what_is_no_cell_is_refused(name):
    given = ["text"] if name == "onnx" else "text"
    with pytest.raises(TypeError, match=f"^to_{name}: w is a str; expected a CellWeights"):
        TO[name](given)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"direction": "bidirectional"},
            'is "bidirectional" and weights has 1 entries; expected 2',
        ),
        ({"direction": "both"}, "direction is 'both'; expected one of \"forward\""),
        ({"layout": 2}, "layout is 2; expected 0 or 1"),
    ],
)
def test_to_onnx_arguments(options, message):
    with pytest.raises(ValueError, match=f"^to_onnx: .*{message}"):
        weights.to_onnx(lstm(), **options)


TORCH = {"weight_ih_l0": ones(4 * H, I), "weight_hh_l0": ones(4 * H, H)}


@pytest.mark.parametrize(
    ("arrays", "options", "error", "message"),
    [
        ({}, {}, ValueError, 'arrays has no "weight_ih_l0"; expected it among nothing'),
        (TORCH, {"layer": 1}, ValueError, 'no "weight_ih_l1"; expected it among weight_hh_l0'),
        (TORCH, {"reverse": True}, ValueError, 'arrays has no "weight_ih_l0_reverse"'),
        (TORCH, {"prefix": "a."}, ValueError, 'arrays has no "a.weight_ih_l0"'),
        (TORCH, {"cell": "tanh"}, ValueError, "cell is 'tanh'; expected one of \"lstm\""),
        (TORCH, {"nonlinearity": "relu"}, ValueError, "nonlinearity is 'relu'; expected one of"),
        ([ones(1)], {}, TypeError, "arrays is a list; expected a mapping"),
        (
            TORCH | {"weight_hh_l0": np.ones((4 * H, H), np.float16)},
            {},
            TypeError,
            "weight_hh_l0 has dtype float16; expected float32 or float64",
        ),
    ],
)
def test_from_torch(arrays, options, error, message):
    with pytest.raises(error, match=f"^from_torch: .*{message}"):
        weights.from_torch(arrays, options.pop("cell", "lstm"), **options)


@pytest.mark.parametrize(
    ("cell", "arrays", "message"),
    [
        ("lstm", [ones(I, 4 * H)], "arrays has 1 entries; expected 2 or 3"),
        ("lstm", [ones(I, 4 * H)] * 6, "arrays has 6 entries; .*a Bidirectional layer has"),
        ("lstm", [ones(4 * H), ones(H, 4 * H)], r"kernel has shape \(16,\); expected two axes"),
        (
            "gru",
            [ones(I, 16), ones(H, 16)],
            r"kernel has shape \(3, 16\); .* 3\*H for cell \"gru\"",
        ),
        (
            "gru",
            [ones(I, 12), ones(H, 12), ones(12)],
            r"bias has shape \(12,\); expected \(2, 12\)",
        ),
        ("rnn", [ones(I, H), ones(H, H), ones(2, H)], r"bias has shape \(2, 4\); expected \(4,\)"),
    ],
)
def test_from_keras(cell, arrays, message):
    with pytest.raises(ValueError, match=f"^from_keras: .*{message}"):
        weights.from_keras(arrays, cell)


W, R = ones(1, 4 * H, I), ones(1, 4 * H, H)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"op_type": "Conv"}, "op_type is 'Conv'; expected one of \"LSTM\""),
        ({"W": ones(4 * H, I)}, r"W has shape \(16, 3\); expected three axes"),
        ({"W": ones(2, 4 * H, I)}, r"W has shape \(2, 16, 3\); expected \(1, 16, 3\) for LSTM"),
        ({"B": ones(1, 4 * H)}, r"B has shape \(1, 16\); expected \(1, 32\)"),
        ({"P": ones(1, H)}, r"P has shape \(1, 4\); expected \(1, 12\)"),
        ({"attributes": {"direction": "bidirectional"}}, "expected one of those with 1 direct"),
        ({"attributes": {"direction": "up"}}, "direction is 'up'; expected one of"),
        ({"attributes": {"hidden_size": 5}}, "hidden_size is 5; expected 4, the last axis of R"),
        ({"attributes": {"activations": ["Tanh"]}}, "activations has 1 names; expected 3"),
        ({"attributes": {"activations": ["Erf"] * 3}}, "activations has 'Erf'; expected some of"),
        ({"attributes": {"linear_before_reset": 1}}, 'attributes has "linear_before_reset"; exp'),
        (
            {"op_type": "RNN", "W": ones(1, H, I), "R": ones(1, H, H), "P": ones(1, 3 * H)},
            "P is given; expected None for RNN",
        ),
    ],
)
def test_from_onnx(given, message):
    with pytest.raises(ValueError, match=f"^from_onnx: .*{message}"):
        weights.from_onnx(**({"op_type": "LSTM", "W": W, "R": R} | given))


KERNEL = {"kernel": ones(I + H, 4 * H), "bias": ones(4 * H)}


@pytest.mark.parametrize(
    ("kind", "arrays", "message"),
    [
        ("Lstm", KERNEL, "kind is 'Lstm'; expected one of \"LSTMCell\""),
        ("LSTMCell", {"kernel": ones(7, 16)}, 'arrays has no "bias"; expected it among kernel'),
        ("LSTMCell", KERNEL | {"w_i_diag": ones(H)}, 'arrays has no "w_f_diag"'),
        (
            "LSTMCell",
            KERNEL | {"bias": ones(H)},
            r"bias has shape \(4,\); expected \(16,\), the co",
        ),
        ("LSTMCell", KERNEL | {"kernel": ones(7, 15)}, r"kernel has shape \(7, 15\); expected two"),
        (
            "LSTMCell",
            {"kernel": ones(2, 4 * H), "bias": ones(4 * H)},
            "kernel has 2 rows; expected at least 4",
        ),
        (
            "GRUCell",
            {
                "gates/kernel": ones(7, 8),
                "gates/bias": ones(8),
                "candidate/kernel": ones(7, 3),
                "candidate/bias": ones(3),
            },
            r"the kernels have shapes \(7, 8\) and \(7, 3\); expected the same rows",
        ),
    ],
)
def test_from_tensorflow(kind, arrays, message):
    with pytest.raises(ValueError, match=f"^from_tensorflow: .*{message}"):
        weights.from_tensorflow(arrays, kind)


def test_forget_bias_of_a_cell_without_a_forget_gate():
    arrays = {"kernel": ones(I + H, H), "bias": ones(H)}
    with pytest.raises(ValueError, match="forget_bias is 1; expected None for BasicRNNCell"):
        weights.from_tensorflow(arrays, "BasicRNNCell", forget_bias=1)


def test_a_kind_for_another_cell():
    with pytest.raises(ValueError, match='kind is "GRUCell"; expected one for a cell "lstm"'):
        weights.to_tensorflow(lstm(), "GRUCell")


def test_uncoupled_refuses_gates_that_have_no_complement():
    with pytest.raises(ValueError, match='coupled=None; expected "input" or "forget"'):
        weights.uncoupled(lstm())
    w = lstm(coupled="input", recurrent_activation="relu")
    with pytest.raises(ValueError, match="recurrent_activation='relu'; expected \"sigmoid\""):
        weights.uncoupled(w)


def test_reordered_refuses_rows_that_do_not_divide():
    with pytest.raises(ValueError, match=r"rows has shape \(5,\); .* 4 gates, \"ifgo\""):
        reordered(ones(5), "ifgo", "iofg")


def test_the_package_offers_the_converters():
    code = "import tidegate as tg; print(tg.weights.to_onnx.__module__)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "tidegate.weights.onnx\n"
