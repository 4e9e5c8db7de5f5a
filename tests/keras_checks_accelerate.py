"""accelerate(model), and .keras files from one kind of layer to the other: test_keras_layers.py."""

import keras
import numpy as np
import pytest

import tidegate.keras
from keras_checks_models import PACKAGES, X, Y, make_model
from tidegate.keras.accelerate import REPLACEMENTS
from tolerances import KERAS_FIT


def test_accelerate_goes_on_training_where_keras_was():
    models = [make_model(keras.layers) for _ in range(2)]
    models[1].set_weights(models[0].get_weights())
    for model in models:
        model.fit(X, Y, batch_size=12, shuffle=False, verbose=0)
    report = tidegate.keras.accelerate(models[1])
    names = {"forward_lstm": "LSTM", "backward_lstm": "LSTM", "gru": "GRU", "rnn": "SimpleRNN"}
    assert report.accelerated == names and report.left == {}
    assert type(models[1].get_layer("gru")) is tidegate.keras.GRU
    for model in models:
        model.fit(X, Y, batch_size=12, shuffle=False, verbose=0)
    for ours, theirs in zip(models[1].get_weights(), models[0].get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, **KERAS_FIT)
    assert tidegate.keras.accelerate(models[1]).accelerated == {}


def test_a_keras_file_of_one_kind_becomes_a_model_of_the_other(tmp_path, monkeypatch):
    models = {name: make_model(package) for name, package in PACKAGES.items()}
    for name, model in models.items():
        model.optimizer.build(model.trainable_variables)  # Keras warns of files without
        model.save(tmp_path / f"{name}.keras")
    fast = keras.saving.load_model(tmp_path / "keras.keras")
    tidegate.keras.accelerate(fast)
    instead = {f"tidegate>{kind.__name__}": kind for kind in REPLACEMENTS}
    for name in instead:  # as where tidegate is not installed
        monkeypatch.delitem(keras.saving.get_custom_objects(), name)
    plain = keras.saving.load_model(tmp_path / "tidegate.keras", custom_objects=instead)
    assert type(fast.get_layer("rnn")) is tidegate.keras.SimpleRNN
    assert type(plain.get_layer("rnn")) is keras.layers.SimpleRNN
    for got, source in ((fast, models["keras"]), (plain, models["tidegate"])):
        expected = source.predict(X, verbose=0)
        np.testing.assert_allclose(got.predict(X, verbose=0), expected, **KERAS_FIT)


def test_accelerate_counts_layers_of_one_name_in_several_models():
    parts = [
        keras.Sequential([keras.layers.GRU(2, return_sequences=True, name="same")], name=name)
        for name in ("first", "second")
    ]
    report = tidegate.keras.accelerate(keras.Sequential([keras.Input((4, 2)), *parts]))
    assert report.accelerated == {"same": "GRU", "same (2)": "GRU"}


@pytest.mark.parametrize("compiled", [True, False])
def test_a_model_inside_another_runs_on_the_engine_also_when_used_alone(compiled):
    inner = keras.Sequential([keras.Input((5, 3)), keras.layers.GRU(4)])
    model = keras.Sequential([keras.Input((5, 3)), inner, keras.layers.Dense(1)])
    if compiled:
        inner.compile("sgd", "mse")
    x = np.random.default_rng(0).normal(size=(2, 5, 3)).astype("float32")
    expected = inner.predict(x, verbose=0)
    tidegate.keras.accelerate(model)
    calls = []
    layer = inner.layers[0]
    run = layer.call
    layer.call = lambda *given, **options: calls.append(1) or run(*given, **options)
    np.testing.assert_allclose(inner.predict(x, verbose=0), expected, **KERAS_FIT)
    assert calls  # traced anew


def test_accelerate_says_what_it_left():
    class Own(keras.layers.LSTM):
        pass

    layers = [
        keras.layers.LSTM(2, activation="selu", return_sequences=True, name="selu"),
        keras.layers.RNN(keras.layers.GRUCell(2), return_sequences=True, name="cell"),
        Own(2, return_sequences=True, name="own"),
        keras.layers.GRU(2, use_cudnn=True, return_sequences=True, name="gpu"),
        keras.layers.GRU(2, name="fits"),
    ]
    report = tidegate.keras.accelerate(keras.Sequential([keras.Input((4, 2)), *layers[:3]]))
    for layer in layers[3:]:
        report.left |= tidegate.keras.accelerate(layer).left
    assert set(report.left) == {"selu", "cell", "own", "gpu"}
    text = str(report)
    assert 'selu: left: activation is "selu"; expected one of tanh' in text
    assert "cell: left: an RNN of the cell GRUCell, which the engine does not have" in text
    assert "Own is a class of its own, not keras.layers'" in text
    assert "gpu: left: use_cudnn is True; the engine runs on the CPU" in text


def test_accelerate_refuses_what_is_no_model():
    with pytest.raises(TypeError, match=r"accelerate: model is list; expected a model or a layer"):
        tidegate.keras.accelerate([keras.layers.LSTM(2)])
