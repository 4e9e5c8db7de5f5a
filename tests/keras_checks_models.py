"""tidegate.keras in models: training, files, states between calls, errors; test_keras_layers.py."""

import keras
import numpy as np
import pytest

import tidegate.keras
from keras_autodiff import BACKEND, as_numpy, derive
from tidegate.functional import rnn_forward
from tidegate.weights import from_keras
from tolerances import KERAS_FIT, assert_forward_close

RNG = np.random.default_rng(7)
X = RNG.standard_normal((24, 6, 3)).astype("float32")
X[:8, 4:] = 0  # padding for Masking
Y = RNG.standard_normal((24, 1)).astype("float32")
PACKAGES = {"keras": keras.layers, "tidegate": tidegate.keras}


def make_model(package, dropout=0.2):
    """Masked, bidirectional, with dropout of all kinds, regularized, constrained."""
    inputs = keras.Input((6, 3))
    masked = keras.layers.Masking()(inputs)
    both = package.LSTM(5, return_sequences=True, recurrent_dropout=dropout, seed=1, name="lstm")
    hidden = keras.layers.Bidirectional(both, name="both")(masked)
    hidden, state = package.GRU(
        4, dropout=dropout, seed=2, return_sequences=True, return_state=True, name="gru"
    )(hidden)
    last = package.SimpleRNN(
        4,
        activation="relu",
        kernel_regularizer=keras.regularizers.L2(0.01),
        recurrent_constraint=keras.constraints.MaxNorm(0.5),
        name="rnn",
    )(hidden, initial_state=state)
    model = keras.Model(inputs, keras.layers.Dense(1, name="dense")(last))
    model.compile(keras.optimizers.Adam(0.01), "mse")
    return model


@pytest.mark.parametrize("eagerly", [False, True])
def test_fit_gives_the_losses_of_keras(eagerly):
    if BACKEND != "tensorflow" and (eagerly or BACKEND == "jax"):
        pytest.skip(
            "torch is always eager; JAX, which takes long, trains in the test of accelerate"
        )
    theirs, ours = (make_model(package) for package in PACKAGES.values())
    ours.set_weights(theirs.get_weights())
    losses = []
    for model in (theirs, ours):
        model.run_eagerly = eagerly
        history = model.fit(X, Y, epochs=3, batch_size=8, shuffle=False, verbose=0)
        losses.append(history.history["loss"])
    np.testing.assert_allclose(losses[1], losses[0], **KERAS_FIT)
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, **KERAS_FIT)


def test_weights_files_are_read_both_ways(tmp_path):
    models = {name: make_model(package) for name, package in PACKAGES.items()}
    for source, target in (("keras", "tidegate"), ("tidegate", "keras")):
        fresh = make_model(PACKAGES[source])
        fresh.save_weights(tmp_path / "m.weights.h5")
        models[target].load_weights(tmp_path / "m.weights.h5")
        got = as_numpy(models[target](X))
        assert_forward_close(got, as_numpy(fresh(X)), engines=2)
        names = [weight.path for weight in fresh.weights]
        assert names == [weight.path for weight in models[target].weights]


def test_model_file_keeps_the_layers(tmp_path):
    model = make_model(tidegate.keras)
    model.optimizer.build(model.trainable_variables)  # Keras warns of files without
    model.save(tmp_path / "m.keras")
    again = keras.saving.load_model(tmp_path / "m.keras")
    assert type(again.get_layer("gru")) is tidegate.keras.GRU
    assert type(again.get_layer("both").forward_layer) is tidegate.keras.LSTM
    np.testing.assert_array_equal(again.predict(X, verbose=0), model.predict(X, verbose=0))


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "SimpleRNN"])
def test_stateful_calls_go_on_where_the_last_ended(kind):
    layers = [getattr(package, kind)(4, stateful=True) for package in PACKAGES.values()]
    for layer in layers:
        layer.build((24, 6, 3))
    layers[1].set_weights(layers[0].get_weights())
    for _ in range(2):
        for _ in range(3):
            theirs, ours = (as_numpy(layer(X)) for layer in layers)
            assert_forward_close(ours, theirs, engines=2)
        assert any(as_numpy(state).any() for state in layers[1].states)
        for layer in layers:
            layer.reset_states()
        assert not any(as_numpy(state).any() for state in layers[1].states)


def test_stateful_gradients_take_the_state_of_before():
    # Not a GRU: Keras's own fails here on torch.
    layers = [package.SimpleRNN(4, stateful=True) for package in PACKAGES.values()]
    for layer in layers:
        layer.build((24, 6, 3))
    layers[1].set_weights(layers[0].get_weights())
    for _ in range(2):
        expected, got = (derive(layer, X) for layer in layers)
        for ours, theirs in zip(got[1], expected[1], strict=True):
            np.testing.assert_allclose(ours, theirs, **KERAS_FIT)


def test_float64_is_computed_in_float64():
    layer = tidegate.keras.GRU(4, reset_after=False, dtype="float64")
    y = as_numpy(layer(keras.ops.convert_to_tensor(X, "float64")))
    w = from_keras(layer.get_weights(), "gru", reset_after=False)
    assert y.dtype == w.dtype == np.float64
    expected = rnn_forward(w, X.astype("float64"), batch_first=True).state[0]
    np.testing.assert_array_equal(y, expected)


def test_half_precision_is_computed_in_float32():
    layer = tidegate.keras.LSTM(4, dtype="mixed_bfloat16")
    y = layer(X)
    assert keras.backend.standardize_dtype(y.dtype) == "bfloat16"
    exact = tidegate.keras.LSTM(4)
    exact.build(X.shape)
    exact.set_weights(layer.get_weights())
    got = as_numpy(keras.ops.cast(y, "float32"))
    np.testing.assert_allclose(got, as_numpy(exact(X)), atol=0.01)  # bfloat16 has 8 bits


def test_a_batch_of_any_size_and_length():
    inputs = keras.Input((None, 3))
    model = keras.Model(inputs, tidegate.keras.LSTM(4, return_sequences=True)(inputs))
    assert model.output_shape == (None, None, 4)
    for shape in ((1, 1, 3), (5, 9, 3)):
        assert model.predict(np.ones(shape), verbose=0).shape == (*shape[:2], 4)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"activation": "selu"}, r'LSTM: activation is "selu"; expected one of .*"elu" is nearest'),
        ({"recurrent_activation": "softmax"}, r'recurrent_activation is "softmax".*"sigmoid" is'),
        ({"activation": abs}, r"LSTM: activation is <built-in function abs>; expected one of tanh"),
        ({"use_cudnn": True}, r'LSTM: use_cudnn is True; expected "auto" or False'),
    ],
    ids=str,
)
def test_what_the_engine_lacks_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        tidegate.keras.LSTM(3, **options)
