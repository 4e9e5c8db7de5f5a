"""Bidirectional: merges, a backward layer of another kind, states, files, what is refused."""

import numpy as np
import pytest

import tidegate as tg
from tidegate.layers import GRU, LSTM, Bidirectional, Dense, SimpleRNN
from tidegate.models import Sequential

RNG = np.random.default_rng(4)
X = RNG.standard_normal((3, 5, 2))
F8 = {"dtype": "float64"}
MERGED = {
    "concat": lambda f, b: np.concatenate([f, b], axis=-1),
    "sum": lambda f, b: f + b,
    "mul": lambda f, b: f * b,
    "ave": lambda f, b: (f + b) * 0.5,
}


@pytest.mark.parametrize("sequences", [False, True])
@pytest.mark.parametrize("mode", MERGED)
def test_merge_is_that_of_both_outputs(mode, sequences):
    options = {"return_sequences": sequences, "return_state": True}
    both = Bidirectional(LSTM(3, **options), mode, GRU(3, go_backwards=True, **options))
    y, *states = both(X)
    forward = LSTM.from_config(both.forward_layer.get_config())
    backward = GRU.from_config(both.backward_layer.get_config())
    for layer, built in ((forward, both.forward_layer), (backward, both.backward_layer)):
        layer.build((None, 2))
        layer.set_weights(built.get_weights())
    f, *f_states = forward(X)
    b, *b_states = backward(X)
    b = b[:, ::-1] if sequences else b
    np.testing.assert_array_equal(y, MERGED[mode](f, b))
    assert all(map(np.array_equal, states, f_states + b_states))
    assert both.output_shape == ((None, *y.shape[2:]) if sequences else y.shape[1:])


def test_no_merge_returns_both():
    both = Bidirectional(GRU(3, return_sequences=True, return_state=True), None)
    f, b, *states = both(X, initial_state=[np.ones((3, 3)), np.zeros((3, 3))])
    assert f.shape == b.shape == (3, 5, 3)
    np.testing.assert_array_equal(f[:, -1], states[0])
    np.testing.assert_array_equal(b[:, 0], states[1])
    assert len(Bidirectional(SimpleRNN(2), None)(X)) == 2
    with pytest.raises(
        ValueError, match=r"has several outputs \(merge_mode=None\); expected layers"
    ):
        Sequential([Bidirectional(GRU(3), None)])


def test_unequal_layers_can_be_joined_side_by_side():
    layers = LSTM(3, **F8), SimpleRNN(2, go_backwards=True, **F8)
    assert Bidirectional(layers[0], "concat", layers[1])(X).shape == (3, 5)


def test_merges_are_saved(tmp_path):
    backward = GRU(3, go_backwards=True, return_sequences=True, name="back")
    model = Sequential(
        [
            Bidirectional(LSTM(3, return_sequences=True), "mul", backward, input_shape=(5, 2)),
            Bidirectional(GRU(2), "ave"),
            Dense(1),
        ]
    )
    model.save(tmp_path / "m.safetensors")
    loaded = tg.load(tmp_path / "m.safetensors")
    assert [layer.get_config() for layer in loaded.layers] == [
        layer.get_config() for layer in model.layers
    ]
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))


def test_backward_layers_that_cannot_be():
    with pytest.raises(ValueError, match=r"merge_mode is 'max'; expected one of \"concat\".* None"):
        Bidirectional(GRU(3), "max")
    with pytest.raises(TypeError, match="backward_layer is 'gru'; expected a layer of LSTM, GRU"):
        Bidirectional(GRU(3), backward_layer="gru")
    with pytest.raises(ValueError, match="backward_layer 'gru' is made with go_backwards=False"):
        Bidirectional(GRU(3), backward_layer=GRU(3))
    with pytest.raises(ValueError, match="output_size is 3 in layer and 2 in backward_layer; exp"):
        Bidirectional(GRU(3), "sum", GRU(2, go_backwards=True))
    with pytest.raises(ValueError, match="return_sequences is True in layer and False in backward"):
        Bidirectional(GRU(3, return_sequences=True), "sum", GRU(3, go_backwards=True))
    with pytest.raises(ValueError, match="initial_state has 2 arrays; expected 3: 2 and 1"):
        Bidirectional(LSTM(3), "sum", GRU(3, go_backwards=True))(X, [np.zeros((3, 3))] * 2)


def test_a_layer_that_no_file_may_name_is_refused_when_it_is_written():
    class Own(GRU):
        """Of the user's."""

    with pytest.raises(
        ValueError, match="the layer 'forward_own' is of class Own; expected one of"
    ):
        Bidirectional(Own(2)).get_config()
    with pytest.raises(ValueError, match=r"a layer is \{'class': 'GRU'\}; expected its class"):
        Bidirectional.from_config({"layer": {"class": "GRU"}})


def test_a_projection_is_summed_with_a_layer_of_as_many_outputs():
    first = LSTM(5, projection=3, return_state=True)
    both = Bidirectional(first, "sum", GRU(3, go_backwards=True, return_state=True))
    y, *states = both(X)
    assert [part.shape[1] for part in states] == [3, 5, 3]
    np.testing.assert_array_equal(y, states[0] + states[2])
