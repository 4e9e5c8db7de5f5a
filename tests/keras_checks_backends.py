"""What tidegate.keras owes to one backend of Keras; test_keras_layers.py runs this on each."""

import gc

import keras
import numpy as np
import pytest

import tidegate.keras
from keras_autodiff import BACKEND, as_numpy, derive

X = np.random.default_rng(3).standard_normal((4, 5, 3)).astype("float32")
on_tensorflow = pytest.mark.skipif(BACKEND != "tensorflow", reason="about TensorFlow's graphs")
on_jax = pytest.mark.skipif(BACKEND != "jax", reason="about JAX's transformations")
on_torch = pytest.mark.skipif(BACKEND != "torch", reason="about PyTorch's autograd")


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "SimpleRNN"])
def test_gradients_of_one_step_that_runs_backwards(kind):
    """NumPy calls one step contiguous though its stride is negative, which PyTorch refuses."""
    found = []
    for backwards in (False, True):
        layer = getattr(tidegate.keras, kind)(4, go_backwards=backwards, seed=1)
        layer.build((4, 1, 3))
        layer.set_weights([np.full(w.shape, 0.1, "float32") for w in layer.get_weights()])
        found.append(derive(layer, X[:, :1]))
    for forwards, backwards in zip(*found, strict=True):
        for a, b in zip(forwards, backwards, strict=True):
            np.testing.assert_array_equal(a, b)


def kept():
    from tidegate.keras.tensorflow_loop import KEPT

    gc.collect()
    return len(KEPT)


@on_tensorflow
def test_what_a_forward_kept_is_freed_with_and_without_its_backward():
    import tensorflow as tf

    layer = tidegate.keras.LSTM(4, dropout=0.5)
    layer.build(X.shape)

    @tf.function
    def forward():
        return tf.reduce_sum(layer(X, training=True))

    @tf.function
    def both():
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(layer(X, training=True))
        return tape.gradient(loss, [v.value for v in layer.trainable_variables])

    for run in (forward, both, forward.python_function, both.python_function):
        for _ in range(5):
            run()
        layer(X)  # TensorFlow drops arrays at its next call of Python
        forward()
        assert kept() <= 1


@on_tensorflow
def test_gradients_without_training_and_taken_twice():
    import tensorflow as tf

    layer = tidegate.keras.GRU(4)
    layer.build(X.shape)

    def gradients(training):
        with tf.GradientTape(persistent=True) as tape:
            loss = tf.reduce_sum(layer(X, training=training) ** 2)
        kernel = layer.trainable_variables[0].value
        return tape.gradient(loss, kernel), tape.gradient(loss, kernel)

    results = [as_numpy(g) for t in (False, True) for g in gradients(t)]
    results += [as_numpy(g) for t in (False, True) for g in tf.function(gradients)(t)]
    assert np.abs(results[0]).max() > 0
    for result in results[1:]:
        np.testing.assert_array_equal(result, results[0])


@on_tensorflow
@pytest.mark.parametrize("compiled", [False, True])
def test_gradients_by_weights_alone(compiled):
    import tensorflow as tf

    layer = tidegate.keras.GRU(4)
    layer.build(X.shape)
    kernel = layer.trainable_variables[0].value
    x = tf.constant(X)

    def gradients(watched):
        with tf.GradientTape() as tape:
            if watched:
                tape.watch(x)
            loss = tf.reduce_sum(layer(x, training=True) ** 2)
        return tape.gradient(loss, [kernel, x])

    run = tf.function(gradients) if compiled else gradients
    (alone, none), (expected, dx) = run(False), run(True)
    assert none is None and np.abs(dx).max() > 0
    np.testing.assert_array_equal(alone, expected)
    if compiled:  # the gradients of graphs need no tape
        again = tf.function(lambda: tf.gradients(tf.reduce_sum(layer(x) ** 2), [kernel, x]))()
        np.testing.assert_array_equal(again[0], expected)
        np.testing.assert_array_equal(again[1], dx)


@on_tensorflow
def test_second_derivatives_are_refused_by_tensorflow():
    import tensorflow as tf

    layer = tidegate.keras.GRU(4)
    x = tf.constant(X)
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            y = tf.reduce_sum(layer(x))
        dx = tf.reduce_sum(inner.gradient(y, x) ** 2)
    with pytest.raises(NotImplementedError, match="second derivatives are asked for"):
        outer.gradient(dx, x)


@on_tensorflow
def test_jit_compile_goes_on_without_xla():
    model = keras.Sequential([keras.Input((5, 3)), tidegate.keras.LSTM(2)])
    with pytest.warns(UserWarning, match="doesn't support `jit_compile=True`"):
        model.compile("sgd", "mse", jit_compile=True)
    model.fit(X, np.ones((4, 2)), verbose=0)


@on_tensorflow
@pytest.mark.parametrize("made", ["drop-in", "accelerated"])
def test_saved_graphs_are_refused_and_the_way_around_them_works(made, tmp_path):
    import tensorflow as tf

    package = tidegate.keras if made == "drop-in" else keras.layers
    both = keras.layers.Bidirectional(package.LSTM(2, name="memory"))
    model = keras.Sequential([keras.Input((5, 3)), both])
    tidegate.keras.accelerate(model)
    expected = model.predict(X, verbose=0)
    message = (
        r"LSTM 'forward_memory': a SavedModel .*to_keras\(tidegate.keras.from_keras\(model\)\)"
    )
    for save in (model.export, lambda path: tf.saved_model.save(model, path)):
        with pytest.raises(NotImplementedError, match=message):
            save(str(tmp_path / "refused"))
    assert not (tmp_path / "refused").exists()
    tf.train.Checkpoint(model=model).write(str(tmp_path / "checkpoint"))

    plain = tidegate.keras.to_keras(tidegate.keras.from_keras(model))
    plain.export(str(tmp_path / "plain"), verbose=False)
    loaded = tf.saved_model.load(str(tmp_path / "plain"))
    np.testing.assert_allclose(loaded.serve(X), expected, rtol=1e-6, atol=1e-6)


def pure_call(layer):
    layer.build(X.shape)
    weights = [v.value for v in layer.trainable_variables]
    fixed = [v.value for v in layer.non_trainable_variables]
    return lambda x: layer.stateless_call(weights, fixed, x)[0]


@on_jax
def test_vmap_runs_one_by_one():
    import jax

    call = pure_call(tidegate.keras.LSTM(4))
    several = np.stack([X, X + 1])
    expected = np.stack([call(x) for x in several])
    np.testing.assert_array_equal(jax.vmap(call)(several), expected)
    dx = jax.vmap(jax.grad(lambda x: call(x).sum()))(several)
    for k, x in enumerate(several):
        np.testing.assert_array_equal(dx[k], jax.grad(lambda x: call(x).sum())(x))


@on_jax
def test_second_derivatives_are_refused_by_jax():
    import jax

    call = pure_call(tidegate.keras.GRU(4))
    dx = jax.grad(lambda x: call(x).sum())
    with pytest.raises(NotImplementedError, match="second derivatives are asked for"):
        jax.grad(lambda x: (dx(x) ** 2).sum())(X)


@on_torch
def test_torch_keeps_what_a_second_backward_needs():
    import torch

    layer = tidegate.keras.GRU(4)
    x = torch.tensor(X, requires_grad=True)
    y = layer(x).sum()
    (first,) = torch.autograd.grad(y, x, retain_graph=True)
    (second,) = torch.autograd.grad(y, x, create_graph=True)
    torch.testing.assert_close(first, second, rtol=0, atol=0)
    with pytest.raises(NotImplementedError, match="second derivatives are asked for"):
        (second**2).sum().backward()


@on_torch
def test_torch_gradients_by_weights_alone():
    import torch

    layer = tidegate.keras.LSTM(4)
    layer.build(X.shape)
    weights = [v.value for v in layer.trainable_variables]
    alone = torch.autograd.grad(layer(torch.tensor(X)).sum(), weights)
    x = torch.tensor(X, requires_grad=True)
    _, *expected = torch.autograd.grad(layer(x).sum(), [x, *weights])
    torch.testing.assert_close(list(alone), expected, rtol=0, atol=0)


@on_torch
def test_torch_notices_inputs_modified_before_backward():
    import torch

    layer = tidegate.keras.GRU(4)
    x = torch.tensor(X)
    y = layer(x).sum()
    x += 1
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.backward()
