"""Outputs and gradients of a Keras layer by the automatic differentiation of Keras's backend."""

import keras
import numpy as np

BACKEND = keras.config.backend()


def derive(layer, x, states=(), *, compiled=False, **call):
    """Outputs of a call, and gradients of their weighted sum by x, the states and the weights."""
    outputs, gradients = DERIVE[BACKEND](layer, x, states, compiled, call)
    return [as_numpy(y) for y in outputs], [as_numpy(g) for g in gradients]


def as_numpy(tensor):
    return np.array(keras.ops.convert_to_numpy(tensor))


def flat(outputs):
    return list(keras.tree.flatten(outputs))


def total(outputs):
    """The loss whose gradients are asked for: every element of every output has its own weight."""
    rng = np.random.default_rng(5)
    weights = [rng.standard_normal(tuple(y.shape)) for y in outputs]
    parts = zip(outputs, weights, strict=True)
    return sum(keras.ops.sum(y * keras.ops.convert_to_tensor(dy, y.dtype)) for y, dy in parts)


def with_tensorflow(layer, x, states, compiled, call):
    import tensorflow as tf

    def compute():
        inputs = [tf.constant(array) for array in (x, *states)]
        again = call | ({"initial_state": inputs[1:]} if states else {})
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = flat(layer(inputs[0], **again))
            loss = total(outputs)
        wanted = [*inputs, *(v.value for v in layer.trainable_variables)]
        return outputs, tape.gradient(loss, wanted, unconnected_gradients="zero")

    return (tf.function(compute) if compiled else compute)()


def with_jax(layer, x, states, compiled, call):
    import jax

    fixed = [v.value for v in layer.non_trainable_variables]

    def loss(inputs, weights):
        again = call | ({"initial_state": inputs[1:]} if states else {})
        outputs, after = layer.stateless_call(weights, fixed, inputs[0], **again)
        return total(flat(outputs)), (flat(outputs), after)

    compute = jax.value_and_grad(loss, argnums=(0, 1), has_aux=True)
    weights = [v.value for v in layer.trainable_variables]
    (_, (outputs, after)), gradients = (jax.jit(compute) if compiled else compute)(
        [jax.numpy.asarray(array) for array in (x, *states)], weights
    )
    for variable, value in zip(layer.non_trainable_variables, after, strict=True):
        variable.assign(value)
    return outputs, flat(gradients)


def with_torch(layer, x, states, compiled, call):
    import torch

    inputs = [torch.tensor(array, requires_grad=True) for array in (x, *states)]
    weights = [v.value for v in layer.trainable_variables]
    if states:
        call = call | {"initial_state": inputs[1:]}
    outputs = flat(layer(inputs[0], **call))
    loss = total(outputs)
    found = torch.autograd.grad(loss, [*inputs, *weights], allow_unused=True)
    zeros = map(torch.zeros_like, [*inputs, *weights])
    return outputs, [z if g is None else g for g, z in zip(found, zeros, strict=True)]


DERIVE = {"tensorflow": with_tensorflow, "jax": with_jax, "torch": with_torch}
