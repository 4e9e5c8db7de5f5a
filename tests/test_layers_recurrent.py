"""LSTM, GRU, SimpleRNN, Bidirectional: what they make of the engine, checked by the reference."""

import copy
import pickle

import numpy as np
import pytest

from tidegate import reference
from tidegate.layers import GRU, LSTM, Bidirectional, Dense, SimpleRNN, initializers
from tolerances import assert_forward_close

RNG = np.random.default_rng(1)
X = RNG.standard_normal((3, 6, 2))
KINDS = {
    "lstm": lambda **options: LSTM(4, bias_initializer="random_normal", **options),
    "lstm relu": lambda **options: LSTM(4, "relu", "linear", **options),
    "lstm diagonal": lambda **options: LSTM(4, peephole="diagonal", **options),
    "lstm full": lambda **options: LSTM(4, peephole="full", **options),
    "lstm projection": lambda **options: LSTM(4, projection=3, peephole="full", **options),
    "lstm no bias": lambda **options: LSTM(4, use_bias=False, **options),
    "gru": lambda **options: GRU(4, bias_initializer="random_normal", **options),
    "gru before": lambda **options: GRU(4, reset_after=False, **options),
    "gru replace": lambda **options: GRU(4, update="replace", **options),
    "gru no bias": lambda **options: GRU(4, use_bias=False, **options),
    "rnn": lambda **options: SimpleRNN(4, bias_initializer="random_normal", **options),
}


def built(layer):
    """The layer with the same first weights in every run."""
    layer.build((None, 2), np.random.default_rng(7))
    return layer


def by_reference(layer, x, state=None, **options):
    """Outputs and final state of the textbook with the layer's weights and options."""
    weights = reference.Weights.of(layer.cell_weights)
    return reference.rnn_forward(weights, x, state, batch_first=True, **options)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", KINDS)
def test_outputs_and_states(kind, dtype):
    layer = built(KINDS[kind](return_sequences=True, return_state=True, dtype=dtype))
    y, *state = layer(X)
    out = by_reference(layer, X)
    assert_forward_close(y, out.y)
    assert len(state) == len(out.state)
    for ours, textbook in zip(state, out.state, strict=True):
        assert_forward_close(ours, textbook)


@pytest.mark.parametrize("kind", KINDS)
def test_the_last_output_is_the_state(kind):
    layer = built(KINDS[kind]())
    assert_forward_close(layer(X), by_reference(layer, X).state[0])
    assert layer.output_shape == (layer.output_size,)


@pytest.mark.parametrize("kind", KINDS)
def test_initial_state(kind):
    layer = built(KINDS[kind](return_sequences=True))
    state = [RNG.standard_normal((3, size)) for size in layer.state_sizes]
    assert_forward_close(layer(X, initial_state=state), by_reference(layer, X, tuple(state)).y)


@pytest.mark.parametrize("kind", KINDS)
def test_backwards_gives_the_first_processed_step_first(kind):
    layer = built(KINDS[kind](return_sequences=True, go_backwards=True))
    assert_forward_close(layer(X), by_reference(layer, X[:, ::-1]).y)


@pytest.mark.parametrize("return_sequences", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_bidirectional_is_two_layers(kind, return_sequences):
    inner = KINDS[kind](return_sequences=return_sequences, return_state=True)
    layer = built(Bidirectional(inner))
    y, *states = layer(X)
    forward = by_reference(layer.forward_layer, X)
    backward = by_reference(layer.backward_layer, X, go_backwards=True)
    if return_sequences:
        expected = np.concatenate([forward.y, backward.y], axis=-1)
    else:
        expected = np.concatenate([forward.state[0], backward.state[0]], axis=-1)
    assert_forward_close(y, expected)
    for ours, textbook in zip(states, (*forward.state, *backward.state), strict=True):
        assert_forward_close(ours, textbook)
    first, second = layer.forward_layer.get_weights(), layer.backward_layer.get_weights()
    assert not np.array_equal(first[0], second[0])


def test_bidirectional_initial_states():
    layer = built(Bidirectional(LSTM(4)))
    states = [RNG.standard_normal((3, 4)) for _ in range(4)]
    forward = by_reference(layer.forward_layer, X, tuple(states[:2]))
    backward = by_reference(layer.backward_layer, X, tuple(states[2:]), go_backwards=True)
    expected = np.concatenate([forward.state[0], backward.state[0]], axis=-1)
    assert_forward_close(layer(X, initial_state=states), expected)


@pytest.mark.parametrize(
    ("layer", "count"),
    [
        (LSTM(10), 4 * 10 * (1 + 10 + 1)),
        (LSTM(10, peephole="diagonal"), 480 + 30),
        (LSTM(10, peephole="full"), 480 + 300),
        (LSTM(10, projection=4), 4 * 10 * (1 + 4 + 1) + 4 * 10),
        (GRU(10), 3 * 10 * (1 + 10 + 2)),
        (GRU(10, reset_after=False), 3 * 10 * (1 + 10 + 1)),
        (SimpleRNN(10), 10 * (1 + 10 + 1)),
        (Bidirectional(LSTM(10)), 2 * 480),
        (LSTM(10, use_bias=False), 440),
    ],
)
def test_parameters_are_counted_as_in_keras(layer, count):
    layer.build((None, 1))
    assert layer.count_params() == count


def test_names_of_parameters():
    layer = Bidirectional(GRU(2))
    layer.build((None, 3))
    names = ["weight_ih", "weight_hh", "bias_ih", "bias_hh"]
    assert [p.name for p in layer.parameters] == [
        f"{direction}/{name}" for direction in ("forward", "backward") for name in names
    ]
    assert [p.shape for p in layer.parameters[:4]] == [(6, 3), (6, 2), (6,), (6,)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("wrapped", [False, True])
def test_configuration_makes_an_equal_layer(kind, wrapped):
    layer = KINDS[kind](return_sequences=True, name="mine")
    layer = built(Bidirectional(layer) if wrapped else layer)
    again = type(layer).from_config(layer.get_config())
    again.build((None, 2))
    again.set_weights(layer.get_weights())
    np.testing.assert_array_equal(again(X), layer(X))
    assert again.get_config() == layer.get_config()


COPIES = [copy.copy, copy.deepcopy, lambda layer: pickle.loads(pickle.dumps(layer))]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("copy_of", COPIES)
def test_a_copy_is_an_equal_layer(kind, copy_of):
    layer = built(Bidirectional(KINDS[kind](name="mine")))
    other = copy_of(layer)
    np.testing.assert_array_equal(other(X), layer(X))
    assert other.get_config() == layer.get_config()
    assert other.output_shape == layer.output_shape


class Far(initializers.Initializer):
    """Of the user's own, so that a configuration cannot hold it."""

    def __call__(self, shape, rng):
        return rng.uniform(5, 6, shape)


@pytest.mark.parametrize("copy_of", COPIES)
def test_a_copy_of_a_layer_without_values_draws_like_it(copy_of):
    layer = copy_of(GRU(3, kernel_initializer=Far(), input_shape=(None, 2)))
    assert not layer.built
    layer.build((None, 2))
    assert layer.get_weights()[0].min() >= 5


@pytest.mark.parametrize("copy_of", COPIES)
def test_a_copy_has_weights_of_its_own(copy_of):
    layer = LSTM(3)
    before = layer(X)
    other = copy_of(layer)
    other.set_weights([np.zeros_like(value) for value in other.get_weights()])
    np.testing.assert_array_equal(layer(X), before)
    assert (other(X) == 0).all()


def test_set_weights_is_seen_by_the_engine():
    layer = LSTM(3)
    layer(X)
    layer.set_weights([np.zeros_like(value) for value in layer.get_weights()])
    assert (layer(X) == 0).all()


def test_no_steps_and_no_samples():
    layer = GRU(3, return_sequences=True)
    assert layer(np.zeros((2, 0, 4))).shape == (2, 0, 3)
    assert layer(np.zeros((0, 5, 4))).shape == (0, 5, 3)


BAD_CALLS = [
    (lambda: LSTM(3)(np.zeros((2, 5))), ValueError, r"shape \(N, 5\); expected \(N, steps, feat"),
    (lambda: LSTM(3)(np.full((1, 2, 1), np.nan)), ValueError, "fill the gaps"),
    (lambda: LSTM(3, "softmax"), ValueError, "activation is 'softmax'; expected one of \"tanh\""),
    (lambda: GRU(3, recurrent_activation=1), ValueError, "recurrent_activation is 1; expected"),
    (lambda: LSTM(3, peephole="half"), ValueError, "peephole is 'half'; expected one of \"diag"),
    (lambda: LSTM(3, projection=0), ValueError, "LSTM: projection is 0; expected an integer >= 1"),
    (lambda: LSTM(3, projection=2.0), TypeError, r"LSTM: projection is 2.0 of type float"),
    (
        lambda: LSTM(3, projection=2)(X, [np.zeros((3, 3)), np.zeros((3, 3))]),
        ValueError,
        r"h has shape \(3, 3\); expected \(3, 2\)",
    ),
    (lambda: GRU(3, update="keep"), ValueError, "update is 'keep'; expected one of \"retain\""),
    (lambda: GRU(3, reset_after=None), TypeError, "reset_after is None of type NoneType"),
    (lambda: LSTM(3)(X, [np.zeros((3, 3))]), ValueError, r"has 1 arrays; expected 2: \[h, c\]"),
    (lambda: GRU(3)(X, np.zeros((2, 3))), ValueError, r"h has shape \(2, 3\); expected \(3, 3\)"),
    (lambda: Bidirectional(GRU(3))(X, [X]), ValueError, "has 1 arrays; expected 2: 1 for each"),
    (lambda: Bidirectional(Dense(3)), TypeError, "expected a layer of LSTM, GRU or SimpleRNN"),
    (lambda: Bidirectional(GRU(3, go_backwards=True)), ValueError, "made with go_backwards=True"),
    (lambda: Bidirectional(GRU(3), "max"), ValueError, "merge_mode is 'max'; expected one of"),
    (lambda: Bidirectional(GRU(3), dtype="float64"), ValueError, "expected 'float32', that of"),
    (lambda: LSTM(3).cell_weights, RuntimeError, "'lstm' is not built"),
    (lambda: LSTM.from_config({"units": 3, "unit": 3}), ValueError, "unknown argument 'unit'"),
]


@pytest.mark.parametrize(("call", "kind", "message"), BAD_CALLS)
def test_bad_input(call, kind, message):
    with pytest.raises(kind, match=message):
        call()


def test_bidirectional_refuses_a_built_layer():
    layer = GRU(3)
    layer(X)
    with pytest.raises(ValueError, match="layer 'gru' is built already; expected a new"):
        Bidirectional(layer)
