"""Options of cells: activations with parameters, coupled gates, clips; doors and layers."""

import json

import numpy as np
import pytest

import tidegate
from cases import ALL_CELLS, OPTION_CELLS, make_problem
from combined_runs import assert_same_bits_in_a_stack_and_in_two_directions
from engine_runs import all_arrays, assert_same_bits, refuses, run
from numeric_gradient import analytic_gradients, numeric_gradients
from tidegate import Activation, CellWeights, functional, layers, load, models
from tolerances import assert_differences_close, assert_forward_close

H = 3


def cell(**options):
    gates = 3 if options.get("coupled") in ("input", "forget") else 4
    return CellWeights("lstm", np.zeros((gates * H, 2)), np.zeros((gates * H, H)), **options)


@pytest.mark.parametrize("given", [("elu", {"alpha": 0.5}), ["elu", {"alpha": 0.5}]])
def test_an_activation_can_be_a_pair(given):
    assert cell(activation=given).activation == Activation("elu", alpha=0.5)


def test_default_parameters_are_the_name_alone():
    assert cell(activation=Activation("elu")).activation == "elu"
    assert cell(activation=("leaky_relu", {"alpha": 0.01})).activation == "leaky_relu"
    assert cell(activation="relu").output_activation == "relu"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("elu", {"alpha": -1}), 'alpha of "elu" is -1; expected a number >= 0'),
        (("leaky_relu", {"alpha": -0.1}), "does not tell which side of the kink"),
        (("thresholded_relu", {"alpha": -1.0}), "expected a number >= 0"),
        (("scaled_tanh", {"alpha": 0}), "expected another number than 0"),
        (("relu", {"alpha": 1}), 'alpha is 1; expected None ("relu" has no parameters)'),
        (("elu", {"beta": 1}), 'beta is 1; expected None ("elu" has alpha)'),
        (("elu", {"alpha": "1"}), "expected a finite number"),
        (("elu", {"alpha": np.inf}), "expected a finite number"),
        (("elu", {"alpha": 10**400}), "expected a finite number"),
        (("elu", {"alpha": True}), "expected a finite number"),
        (("elu", {"gamma": 1}), "has parameter 'gamma'; expected alpha or beta"),
        (("elv", {"alpha": 1}), 'expected one of "tanh"'),
        ((1, {}), "or a pair such as"),
    ],
)
def test_activations_that_are_refused(given, message):
    with refuses(ValueError, message):
        cell(recurrent_activation=given)


def test_an_activation_of_unknown_name():
    with refuses(ValueError, "Activation: name is 'tan'; expected one of"):
        Activation("tan")


@pytest.mark.parametrize("name", ["clip", "cell_clip", "output_clip"])
@pytest.mark.parametrize("value", [0, -1.0, np.inf, np.nan, 10**400, "1", True])
def test_limits_that_are_refused(name, value):
    with refuses(ValueError, f"CellWeights: {name} is {value!r}; expected a number > 0, or None"):
        cell(**{name: value})


def test_coupled_of_unknown_name():
    with refuses(ValueError, 'CellWeights: coupled is \'both\'; expected one of "input", "forget"'):
        cell(coupled="both")


@pytest.mark.parametrize("option", [{"coupled": "input"}, {"cell_clip": 1}, {"output_clip": 1}])
def test_options_of_the_lstm_alone(option):
    with refuses(ValueError, f'{next(iter(option))} is given; expected None for cell "gru"'):
        CellWeights("gru", np.zeros((9, 2)), np.zeros((9, 3)), **option)


@pytest.mark.parametrize("name", ["weight_ih", "weight_hh", "bias_ih", "peephole"])
def test_shapes_of_coupled_gates(name):
    shapes = {"weight_ih": (9, 2), "weight_hh": (9, 3), "bias_ih": (9,), "peephole": (2, 3)}
    CellWeights("lstm", **{k: np.zeros(s) for k, s in shapes.items()}, coupled="forget")
    shapes[name] = {"peephole": (3, 3)}.get(name, (12, *shapes[name][1:]))
    with refuses(ValueError, f"CellWeights: {name} has shape {shapes[name]}; expected ("):
        CellWeights("lstm", **{k: np.zeros(s) for k, s in shapes.items()}, coupled="forget")


@pytest.mark.parametrize("case", OPTION_CELLS, ids=str)
def test_same_bits_on_any_number_of_threads(case, threads_restored):
    problem = make_problem(case, (5, 13, 9, 70), np.float32)
    results = []
    for threads in (1, 2, 3):
        tidegate.set_num_threads(threads)
        results.append(all_arrays(*run(functional, problem)))
    assert_same_bits(results[1], results[0])
    assert_same_bits(results[2], results[0])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("hard_sigmoid", 0, 1),
        ("softsign", -1, 1),
        ("elu", -1, np.inf),
        ("leaky_relu", -np.inf, np.inf),
        ("thresholded_relu", 0, np.inf),
        ("scaled_tanh", -1, 1),
        ("softplus", 0, np.inf),
        ("affine", -np.inf, np.inf),
    ],
)
def test_values_at_the_ends(name, low, high, dtype):
    w = CellWeights("rnn", np.ones((1, 1), dtype), np.zeros((1, 1), dtype), activation=name)
    x = np.array([-np.inf, np.inf, np.nan, -1e30, 1e30], dtype).reshape(1, 5, 1)
    out = functional.rnn_forward(w, x, training=True)
    finite = [v if np.isfinite(v) else np.sign(v) * 1e30 for v in (low, high)]
    if name == "leaky_relu":
        finite[0] = -1e28
    np.testing.assert_allclose(out.y.ravel()[:2], [low, high], atol=1e-37)
    assert np.isnan(out.y.ravel()[2])
    np.testing.assert_allclose(out.y.ravel()[3:], finite, rtol=1e-6, atol=1e-37)


def test_a_clip_that_nothing_reaches_changes_no_value():
    case = next(c for c in ALL_CELLS if c.cell == "lstm")
    problem = make_problem(case, (4, 3, 5, 17))
    plain = all_arrays(*run(functional, problem))
    problem.weights = CellWeights(
        "lstm", **problem.weights.arrays(), clip=1e6, cell_clip=1e6, output_clip=1e6
    )
    for name, array in all_arrays(*run(functional, problem)).items():
        assert_forward_close(array, plain[name], name)


LAYERS = [
    layers.LSTM(4, activation=("elu", {"alpha": 0.5}), recurrent_activation="hard_sigmoid"),
    layers.LSTM(4, coupled="input", peephole="diagonal", cell_clip=0.2, output_clip=0.1, clip=1.0),
    layers.LSTM(4, coupled="forget", output_activation=["softsign", {}], return_sequences=True),
    layers.GRU(4, activation=Activation("scaled_tanh", 1.7, 0.6), clip=0.5),
    layers.SimpleRNN(4, activation="softplus", clip=0.5),
]


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: type(layer).__name__)
def test_layers_take_the_options_and_keep_them_in_files(layer, tmp_path):
    config = json.loads(json.dumps(layer.get_config()))
    model = models.Sequential([type(layer).from_config(config)], seed=0)
    x = np.random.default_rng(0).normal(size=(3, 5, 2)).astype(np.float32)
    y = model(x)
    model.save(tmp_path / "m.safetensors")
    again = load(tmp_path / "m.safetensors")
    assert again.layers[0].get_config() == config
    np.testing.assert_array_equal(again(x), y)
    weights = model.layers[0].cell_weights
    out = functional.rnn_forward(weights, x, batch_first=True)
    expected = out.y if getattr(layer, "return_sequences", False) else out.state[0]
    np.testing.assert_array_equal(y, expected)


@pytest.mark.parametrize(("coupled", "bias"), [("input", 1), ("forget", -1)])
def test_unit_forget_bias_of_coupled_gates(coupled, bias):
    layer = layers.LSTM(4, coupled=coupled)
    layer(np.zeros((1, 2, 3)))
    np.testing.assert_array_equal(layer.cell_weights.bias_ih[:4], bias)
    np.testing.assert_array_equal(layer.cell_weights.bias_ih[4:], 0)


@pytest.mark.parametrize("case", OPTION_CELLS, ids=str)
def test_gradients_match_finite_differences_when_run_backwards(case):
    problem = make_problem(case, (3, 2, 2, 3))

    def forward(arrays, x, state):
        w = CellWeights(case.cell, **arrays, **case.options)
        return functional.rnn_forward(w, x, state, go_backwards=True)

    _, grads = run(functional, problem, go_backwards=True)
    numeric = numeric_gradients(forward, problem, np.float64)
    assert_differences_close(analytic_gradients(grads), numeric, np.float64)


@pytest.mark.parametrize("case", [c for c in OPTION_CELLS if "projection" not in str(c)], ids=str)
def test_same_bits_in_a_stack_and_in_two_directions(case):
    assert_same_bits_in_a_stack_and_in_two_directions(case, steps=4)


@pytest.mark.parametrize(
    "given",
    [
        "hard_sigmoid",
        ("leaky_relu", {"alpha": 0.3}),
        ("thresholded_relu", {"alpha": 0.2}),
        ("scaled_tanh", {"alpha": 1.7, "beta": 0.6}),
        Activation("elu", 0.5),
        "softsign",
        "softplus",
        ("affine", {"alpha": 0.5, "beta": 0.1}),
    ],
    ids=str,
)
def test_dense_takes_them_too(given):
    """Beside a recurrent layer without recurrence."""
    dense = layers.Dense(4, given, dtype="float64")
    x = np.random.default_rng(0).normal(size=(6, 3))
    dy = np.random.default_rng(1).normal(size=(6, 4))
    y, saved = dense(x), None
    kernel, bias = dense.get_weights()
    w = CellWeights("rnn", kernel.T.copy(), np.zeros((4, 4)), bias, activation=given)
    out = functional.rnn_forward(w, x[None], training=True)
    assert_forward_close(y, out.y[0])
    y, saved = dense.forward(x, training=True)
    dx = dense.backward(saved, dy)
    grads = functional.rnn_backward(out.saved, dy[None])
    assert_forward_close(dx, grads.x[0], "dx")
    again = layers.Dense.from_config(json.loads(json.dumps(dense.get_config())))
    assert again.get_config() == dense.get_config()
