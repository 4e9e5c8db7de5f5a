"""tidegate.keras beside keras.layers in random configurations; test_keras_layers.py runs this.

Each seed draws a cell, its options, sizes, a mask with gaps, initial states, dropout, one direction
or two; outputs, states and all gradients are compared.
"""

import keras
import numpy as np
import pytest

import random_runs
import tidegate.keras
from keras_autodiff import BACKEND, derive
from random_runs import FIRST, Draw
from tolerances import BETWEEN_ENGINES, assert_forward_close, assert_gradient_close

PACKAGES = keras.layers, tidegate.keras
# JAX compiles each configuration, which takes seconds.
COUNT = max(4, random_runs.COUNT // (8 if BACKEND == "jax" else 2))
CANDIDATES = ("tanh", "relu", "linear", "elu", "softsign", "softplus", "leaky_relu", None)


def draw_options(draw, kind):
    """Arguments of a layer of either package."""
    options = {
        "units": draw.size(),
        "activation": "tanh" if draw.chance() else draw.one(*CANDIDATES),
        "use_bias": draw.chance(0.8),
        "dropout": draw.one(0, 0, 0.3),
        "recurrent_dropout": draw.one(0, 0, 0.4),
        "seed": int(draw.rng.integers(99)),
        "return_sequences": draw.chance(),
        "return_state": draw.chance(),
        "go_backwards": draw.chance(0.3),
        "zero_output_for_mask": draw.chance(0.3),
        # Keras's own loops compute partly in float32 on JAX and torch, whatever the dtype.
        "dtype": draw.one("float32", "float64") if BACKEND == "tensorflow" else "float32",
    }
    if options["dtype"] == "float64" and options["activation"] == "leaky_relu":
        options["activation"] = "elu"  # TensorFlow takes its slope of 0.2 in float32
    if kind != "SimpleRNN":
        options["recurrent_activation"] = draw.one("sigmoid", "sigmoid", "hard_sigmoid", "tanh")
        options["implementation"] = draw.one(2, 2, 1)
        if options["dropout"] and not options["recurrent_dropout"]:
            options["implementation"] = 2  # with a mask for each gate Keras's own layers fail
    if kind == "GRU":
        options["reset_after"] = draw.chance()
    return options


def set_same_weights(draw, layers, shape):
    for layer in layers:
        layer.build(shape)
    dtype = layers[0].dtype
    values = [
        draw.weights(w.shape[0] if w.ndim > 1 else 1, *w.shape) for w in layers[0].get_weights()
    ]
    for layer in layers:
        layer.set_weights([value.astype(dtype) for value in values])


@pytest.mark.parametrize("seed", range(FIRST, FIRST + COUNT))
def test_random(seed):
    draw = Draw(seed)
    kind = draw.one("LSTM", "GRU", "SimpleRNN")
    options = draw_options(draw, kind)
    batch, steps, inputs = draw.size(), 1 + draw.size() % 12, draw.size()
    draw.dtype = np.dtype(options["dtype"])
    layers = [getattr(package, kind)(**options) for package in PACKAGES]
    both = not options["go_backwards"] and draw.chance()
    if both:
        if kind == "SimpleRNN":  # whose copies in Keras's Bidirectional lose their seed
            options |= {"dropout": 0, "recurrent_dropout": 0}
            layers = [getattr(package, kind)(**options) for package in PACKAGES]
        merge = draw.one("concat", "sum", "mul", "ave", None)
        dtype = options["dtype"]
        layers = [keras.layers.Bidirectional(a, merge_mode=merge, dtype=dtype) for a in layers]
    set_same_weights(draw, layers, (batch, steps, inputs))
    x = draw.normal(batch, steps, inputs)
    parts = (2 if kind == "LSTM" else 1) * (2 if both else 1)
    states = [draw.normal(batch, options["units"]) for _ in range(parts * draw.chance(0.6))]
    call = {"mask": draw.mask(batch, steps) if draw.chance(0.6) else None}
    call["training"] = draw.chance(0.6)
    # Keras's loop at once, but for JAX, where that takes seconds; ours sometimes in a graph.
    expected = derive(layers[0], x, states, compiled=BACKEND == "jax", **call)
    got = derive(layers[1], x, states, compiled=draw.chance(), **call)
    for ours, theirs in zip(got[0], expected[0], strict=True):
        assert_forward_close(ours, theirs, "output", BETWEEN_ENGINES)
    for ours, theirs in zip(got[1], expected[1], strict=True):
        assert_gradient_close(ours, theirs, "gradient", BETWEEN_ENGINES)
