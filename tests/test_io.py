"""Model files: everything comes back, a resumed fit goes on bit for bit, saving is atomic."""

import os

import numpy as np
import pytest

import tidegate as tg
from tidegate.layers import GRU, LSTM, Bidirectional, Dense, Dropout, Embedding, Input, SimpleRNN
from tidegate.models import Sequential
from tidegate.training import ReduceLROnPlateau, losses, metrics, optimizers

safetensors = pytest.importorskip(
    "safetensors", reason="safetensors is not installed: no model files"
)

RNG = np.random.default_rng(0)
X = RNG.standard_normal((30, 5, 3)).astype("f4")
TOKENS = RNG.integers(0, 7, (30, 5))
STACKS = {
    "lstm": [Input((5, 3)), LSTM(4, peephole="diagonal", activation="relu"), Dense(1)],
    "full": [Input((None, 3)), LSTM(4, peephole="full", dtype="float64"), Dense(1)],
    "projection": [
        Input((5, 3)),
        LSTM(4, projection=2, projection_initializer="he_normal"),
        Dense(1),
    ],
    "gru": [Input((5, 3)), GRU(4, reset_after=False, update="replace"), Dense(1, use_bias=False)],
    "both": [
        Bidirectional(LSTM(4, return_sequences=True), input_shape=(5, 3), name="two.ways"),
        Dropout(0.3, noise_shape=(None, 1, None)),
        SimpleRNN(3, go_backwards=True, return_sequences=True),
        Dense(2, "tanh"),
        GRU(2),
        Dense(1, kernel_initializer="he_normal"),
    ],
    "tokens": [Embedding(7, 4, input_shape=(5,)), GRU(4), Dropout(0.2), Dense(1)],
}
WARM_UP = optimizers.CosineDecay(0.01, 12, warmup_target=0.02, warmup_steps=3)
OPTIMIZERS = {
    "sgd": lambda: optimizers.SGD(0.1, momentum=0.9, nesterov=True, clipvalue=0.5),
    "rmsprop": lambda: optimizers.RMSprop(momentum=0.1, centered=True, clipnorm=1.0),
    "adam": lambda: optimizers.Adam(WARM_UP),
    "adamw": lambda: optimizers.AdamW(0.01, global_clipnorm=1.0),
    "plain sgd": lambda: optimizers.SGD(optimizers.ExponentialDecay(0.1, 3, 0.5, staircase=True)),
}


def make(stack="both", optimizer="adam", seed=3, **options):
    layers = [
        layer if isinstance(layer, Input) else type(layer).from_config(layer.get_config())
        for layer in STACKS[stack]
    ]
    model = Sequential(layers, name="mine", seed=seed)
    model.compile(OPTIMIZERS[optimizer](), "mse", **options)
    return model, (TOKENS if stack == "tokens" else X), RNG.standard_normal(30)


def everything(model):
    slots = [slot.tobytes() for _, _, slot in model.optimizer.slots()]
    return [value.tobytes() for value in model.get_weights()], slots, model.optimizer.iterations


@pytest.mark.parametrize("stack", STACKS)
def test_a_model_comes_back(stack, tmp_path):
    model, x, y = make(stack, metrics=["mae"])
    model.fit(x, y, epochs=2, verbose=0)
    model.save(tmp_path / "m.safetensors")
    again = tg.load(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(again.predict(x), model.predict(x))
    assert everything(again) == everything(model)
    assert again.name == "mine"
    assert again.input_shape == model.input_shape
    assert [a.get_config() for a in again.layers] == [b.get_config() for b in model.layers]
    assert again.evaluate(x, y) == model.evaluate(x, y)
    assert again.optimizer.get_config() == model.optimizer.get_config()
    for parameter in again.parameters.values():
        assert any(np.shares_memory(parameter.value, flat.values) for flat in again.buffers)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("stack", ["both", "tokens"])
def test_a_resumed_fit_goes_on_bit_for_bit(stack, optimizer, tmp_path):
    unbroken, x, y = make(stack, optimizer)
    history = unbroken.fit(x, y, batch_size=8, epochs=10, verbose=0).history
    model, _, _ = make(stack, optimizer)
    first = model.fit(x, y, batch_size=8, epochs=5, verbose=0).history
    model.save(tmp_path / "m.safetensors")
    del model
    again = tg.load(tmp_path / "m.safetensors")
    second = again.fit(x, y, batch_size=8, initial_epoch=5, epochs=10, verbose=0).history
    assert everything(again) == everything(unbroken)
    assert first["loss"] + second["loss"] == history["loss"]


def test_a_model_without_a_seed_resumes_too(tmp_path):
    model, x, y = make(seed=None)
    model.save(tmp_path / "start")
    expected = tg.load(tmp_path / "start")
    expected.fit(x, y, epochs=4, verbose=0)
    model.fit(x, y, epochs=2, verbose=0)
    model.save(tmp_path / "half")
    again = tg.load(tmp_path / "half")
    again.fit(x, y, initial_epoch=2, epochs=4, verbose=0)
    assert everything(again) == everything(expected)


def test_resuming_keeps_a_lowered_learning_rate(tmp_path):
    model, x, y = make(optimizer="adamw")
    model.fit(x, y, epochs=4, verbose=0, callbacks=[ReduceLROnPlateau("loss", 0.5, 1, min_delta=9)])
    model.save(tmp_path / "m")
    assert tg.load(tmp_path / "m").optimizer.learning_rate == model.optimizer.learning_rate < 0.01


def test_training_on_batches_goes_on_bit_for_bit(tmp_path):
    model, x, y = make()
    model.train_on_batch(x, y)
    model.save(tmp_path / "m")
    again = tg.load(tmp_path / "m")
    assert again.train_on_batch(x, y) == model.train_on_batch(x, y)
    assert everything(again) == everything(model)


def test_all_that_was_compiled_comes_back(tmp_path):
    model = Sequential([Input((3,)), Dense(4, "softmax")], seed=0)
    model.compile(
        optimizers.SGD(optimizers.PiecewiseConstantDecay([2], [0.1, 0.01])),
        losses.CategoricalCrossentropy(label_smoothing=0.1),
        metrics=["accuracy", metrics.BinaryAccuracy(0.3, name="high"), "mse"],
        weighted_metrics=["categorical_accuracy", "accuracy"],
    )
    x, y = RNG.standard_normal((9, 3)), np.eye(4)[RNG.integers(0, 4, 9)]
    model.save(tmp_path / "fresh")  # compiled, never trained
    again = tg.load(tmp_path / "fresh")
    assert again.evaluate(x, y, return_dict=True) == model.evaluate(x, y, return_dict=True)
    assert again.loss.label_smoothing == 0.1
    assert not again.optimizer.bound
    model.fit(x, y, verbose=0)
    again.fit(x, y, verbose=0)
    assert everything(again) == everything(model)


def test_without_the_optimizer(tmp_path):
    model, x, y = make()
    model.fit(x, y, verbose=0)
    model.save(tmp_path / "all")
    model.save(tmp_path / "weights", include_optimizer=False)
    assert os.path.getsize(tmp_path / "weights") < 0.6 * os.path.getsize(tmp_path / "all")
    again = tg.load(tmp_path / "weights")
    assert not again.compiled
    np.testing.assert_array_equal(again.predict(x), model.predict(x))
    with pytest.raises(RuntimeError, match="fit: the model has no loss; expected compile"):
        again.fit(x, y)


def test_the_file_reads_as_safetensors(tmp_path):
    from safetensors.numpy import load_file

    model, x, y = make("lstm")
    model.fit(x, y, verbose=0)
    model.save(tmp_path / "m")
    arrays = load_file(tmp_path / "m")
    for name, value in model.named_weights().items():
        np.testing.assert_array_equal(arrays[f"weights/{name}"], value)
    assert arrays["optimizer/velocity/lstm/weight_ih"].shape == (16, 3)


def test_equal_models_make_equal_files(tmp_path):
    """Up to the order of the metadata, which safetensors draws anew each time."""
    seen = []
    for name in ("a", "b"):
        model, _, _ = make()
        model.fit(X, np.ones(30), verbose=0)
        model.save(tmp_path / name)
        with safetensors.safe_open(tmp_path / name, "numpy") as file:
            seen.append(file.metadata())
    assert seen[0] == seen[1]  # with it the checksum of all arrays
