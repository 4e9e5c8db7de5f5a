"""Cells into the arrays of other systems and back: every bit, or the same function, or refused."""

import numpy as np
import pytest

from cases import ALL_CELLS, CellCase, make_weights
from tidegate import CellWeights, functional, weights
from tidegate.weights.foreign import options_of
from tolerances import assert_forward_close

SHAPE = (4, 3, 5, 6)  # T, B, I, H


def runs_alike(w, other):
    """Both compute the same."""
    steps, batch, inputs, _ = SHAPE
    rng = np.random.default_rng(3)
    x = rng.standard_normal((steps, batch, inputs))
    state = tuple(rng.standard_normal((batch, n)) for n in w.state_sizes)
    out, twin = (functional.rnn_forward(cell, x, state) for cell in (w, other))
    assert_forward_close(twin.y, out.y, "y")
    for ours, theirs in zip(out.state, twin.state, strict=True):
        assert_forward_close(theirs, ours, "state")


def assert_same_cell(w, other, without=()):
    """Every array bit for bit, a missing bias equal to zeros, and every option."""
    assert options_of(w, without) == options_of(other, without)
    given, back = w.arrays(), other.arrays()
    for name in given.keys() | back.keys():
        assert np.array_equal(given.get(name, np.zeros_like(back.get(name))), back[name]), name


def plain(case, *has):
    """Whether a case has none of the LSTM's and GRU's options but those."""
    options = {
        "peephole": case.peephole,
        "coupled": case.coupled,
        "clip": case.clip,
        "cell_clip": case.cell_clip,
        "output_clip": case.output_clip,
        "projects": case.projects,
        "normalizes": case.normalizes,
        "before": case.cell == "gru" and not case.reset_after,
        "activations": (case.activation, case.recurrent_activation) != ("tanh", "sigmoid")
        or case.output_activation is not None,
    }
    return not any(value for name, value in options.items() if name not in has)


def negatable(case):
    """Whether the GRU's z can become 1 - z."""
    gate = case.recurrent_activation
    return case.update == "retain" or gate == "sigmoid"


def held_by_torch(case):
    return plain(case, "projects") or (
        case.cell == "rnn" and plain(case, "activations") and case.activation in ("tanh", "relu")
    )


def held_by_keras(case):
    named = ("tanh", "sigmoid", "relu", "linear", "elu", "softsign", "softplus")
    chosen = (case.activation, case.recurrent_activation)
    same = case.output_activation in (None, case.activation)
    has = plain(case, "before", "activations") and same and negatable(case)
    return has and all(name in named for name in chosen)


def held_by_onnx(case):
    has = plain(case, "peephole", "coupled", "clip", "before", "activations")
    return has and case.peephole != "full" and case.coupled != "input" and negatable(case)


def held_by_tensorflow(case):
    has = plain(case, "peephole", "coupled", "cell_clip", "projects", "before", "activations")
    has = has and case.peephole != "full" and case.coupled != "forget" and negatable(case)
    has = has and not (case.cell == "gru" and case.reset_after)
    has = has and not (case.coupled and case.cell_clip)
    same = case.output_activation in (None, case.activation)
    return has and same and case.recurrent_activation == "sigmoid"


def through_torch(w):
    arrays = {f"inside.{name}": a for name, a in weights.to_torch(w, layer=2).items()}
    relu = {"nonlinearity": w.activation} if w.cell == "rnn" else {}
    return weights.from_torch(arrays, w.cell, layer=2, prefix="inside.", **relu)


def through_keras(w):
    options = {"activation": w.activation}
    if w.cell != "rnn":
        options["recurrent_activation"] = w.recurrent_activation
    return weights.from_keras(weights.to_keras(w), w.cell, reset_after=w.reset_after, **options)


def through_onnx(w):
    made = weights.to_onnx(w)
    (back,) = weights.from_onnx(
        made.op_type, made.W, made.R, made.B, made.P, attributes=made.attributes
    )
    return back


def through_tensorflow(w):
    kind = {"lstm": "LSTMCell", "gru": "GRUCell", "rnn": "BasicRNNCell"}[w.cell]
    kind = "CoupledInputForgetGateLSTMCell" if w.coupled else kind
    zero = {"forget_bias": 0.0} if w.cell == "lstm" else {}
    return weights.from_tensorflow(
        weights.to_tensorflow(w, prefix="rnn/", **zero),
        kind,
        prefix="rnn/",
        activation=w.activation,
        cell_clip=w.cell_clip,
        **zero,
    )


FORMATS = {
    "torch": (through_torch, held_by_torch),
    "keras": (through_keras, held_by_keras),
    "onnx": (through_onnx, held_by_onnx),
    "tensorflow": (through_tensorflow, held_by_tensorflow),
}


@pytest.mark.parametrize("case", ALL_CELLS, ids=str)
@pytest.mark.parametrize("name", FORMATS)
def test_every_cell_comes_back_or_is_refused(name, case):
    through, held = FORMATS[name]
    w = make_weights(case, *SHAPE[2:])
    if not held(case):
        with pytest.raises(ValueError, match=f"^to_{name}: .* (has|is) .*; expected "):
            through(w)
        return
    back = through(w)
    summed = case.bias == "both" and not (case.cell == "gru" and case.reset_after)
    one_bias = name in ("keras", "tensorflow") and (summed or case.bias == "hh")
    if case.update == "retain" and not one_bias:
        assert_same_cell(w, back)
    runs_alike(w, back)
    again = through(back)
    assert_same_cell(back, again)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_both_directions_of_onnx(cell, dtype):
    case = next(c for c in ALL_CELLS if c.cell == cell)
    pair = [make_weights(case, *SHAPE[2:], dtype, seed) for seed in (1, 2)]
    made = weights.to_onnx(pair)
    assert made.attributes["direction"] == "bidirectional"
    assert made.W.dtype == dtype
    back = weights.from_onnx(made.op_type, made.W, made.R, made.B, attributes=made.attributes)
    for w, other in zip(pair, back, strict=True):
        assert_same_cell(w, other)


def test_directions_of_onnx_with_activations_of_their_own():
    arrays = make_weights(ALL_CELLS[0], *SHAPE[2:]).arrays()
    first = CellWeights("lstm", **arrays, recurrent_activation="hard_sigmoid")
    last = CellWeights("lstm", **arrays, activation=("elu", {"alpha": 0.5}))
    attributes = weights.to_onnx([first, last]).attributes
    assert attributes["activations"] == ["HardSigmoid", "Tanh", "Tanh", "Sigmoid", "Elu", "Elu"]
    assert attributes["activation_alpha"] == [0.2, 0.5, 0.5]
    assert attributes["activation_beta"] == [0.5]
    made = weights.to_onnx([first, last])
    back = weights.from_onnx("LSTM", made.W, made.R, made.B, attributes=attributes)
    assert_same_cell(first, back[0])
    assert_same_cell(last, back[1])


def test_alphas_of_onnx_are_consumed_in_order_and_then_default():
    cell, reverse = weights.from_onnx(
        "GRU",
        np.ones((2, 6, 1)),
        np.ones((2, 6, 2)),
        attributes={
            "direction": b"bidirectional",
            "activations": [b"HardSigmoid", b"Tanh", b"scaledtanh", b"LeakyRelu"],
            "activation_alpha": [0.3, 0.7],
            "activation_beta": [0.4],
        },
    )
    assert cell.recurrent_activation.parameters == {"alpha": 0.3, "beta": 0.4}
    assert reverse.recurrent_activation.parameters == {"alpha": 0.7, "beta": 1.0}
    assert reverse.activation == "leaky_relu"  # with the default alpha, as there is none left


@pytest.mark.parametrize("coupled", ["input", "forget"])
@pytest.mark.parametrize("peephole", [None, "diagonal", "full"])
def test_uncoupled_gates_compute_the_same(coupled, peephole):
    case = CellCase("lstm", coupled=coupled, peephole=peephole)
    w = make_weights(case, *SHAPE[2:])
    apart = weights.uncoupled(w)
    assert apart.coupled is None
    assert apart.gates == 4
    runs_alike(w, apart)


@pytest.mark.parametrize(
    ("kind", "forget", "clip"),
    [
        ("LSTMCell", 1, None),
        ("BlockLSTM", 1, 3.0),
        ("BlockLSTMV2", 0, None),
        ("CoupledInputForgetGateLSTMCell", 1, None),
    ],
)
def test_tensorflow_defaults_of_a_kind(kind, forget, clip):
    coupled = "input" if kind.startswith("Coupled") else None
    rows = 9 if coupled else 12
    w = CellWeights("lstm", np.ones((rows, 2)), np.ones((rows, 3)), coupled=coupled)
    arrays = weights.to_tensorflow(w, kind)
    back = weights.from_tensorflow({f"{name}:0": a for name, a in arrays.items()}, kind)
    assert back.cell_clip == clip
    assert np.array_equal(back.bias_ih, np.zeros(rows))
    bias = next(a for a in arrays.values() if a.ndim == 1)
    assert np.sum(bias == -1) == 3 * forget
    assert weights.from_tensorflow(arrays, kind, cell_clip=0).cell_clip is None
