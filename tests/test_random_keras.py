"""Random recurrent layers beside Keras 3's in float64: output, states, and every gradient.

Masks with gaps anywhere, padding on either side, rows that are masked throughout; both resets,
go_backwards, zero_output_for_mask, initial and returned states, stateful layers in their second
batch, Bidirectional with every merge. Dropout is off.
"""

import pytest

from keras_peer import keras_layer, tf, weights_of
from oracle_errors import Configuration
from random_runs import SEEDS, Draw
from tidegate import layers

BOUNDED = ("sigmoid", "tanh", "softsign")  # gates that cannot multiply states up to infinity
ACTIVATIONS = (*BOUNDED, "relu", "linear", "softplus", "elu")


def random_layer(draw):
    """A layer that is not built yet."""
    kind = draw.one("LSTM", "GRU", "SimpleRNN")
    options = {
        "use_bias": draw.chance(0.8),
        "return_sequences": draw.chance(),
        "activation": draw.one("tanh", "tanh", *ACTIVATIONS),
        "dtype": "float64",
    }
    if kind != "SimpleRNN":
        options["recurrent_activation"] = draw.one("sigmoid", *BOUNDED)
    if kind == "GRU":
        options["reset_after"] = draw.chance()
    if draw.chance(0.3):
        merge = draw.one("concat", "sum", "mul", "ave")
        layer = getattr(layers, kind)(draw.size(), **options)
        return layers.Bidirectional(layer, merge_mode=merge)
    options["go_backwards"] = draw.chance(0.3)
    # Keras documents it for sequences only; without them its backends differ.
    options["zero_output_for_mask"] = options["return_sequences"] and draw.chance(0.3)
    states = draw.one("none", "none", "stateful", "return_state")
    if states != "none":
        options[states] = True
    return getattr(layers, kind)(draw.size(), **options)


def options_of(layer, mask, states):
    """Which options a configuration has, by name."""
    config = layer.get_config()
    both = isinstance(layer, layers.Bidirectional)
    inner = (layer.forward_layer if both else layer).get_config()
    return {
        type(layer.forward_layer if both else layer).__name__: True,
        "both directions, each merge": both,
        "reset before the product": inner.get("reset_after") is False,
        "reset after the product": inner.get("reset_after") is True,
        "other activations": (inner["activation"], inner.get("recurrent_activation", "sigmoid"))
        != ("tanh", "sigmoid"),
        "go_backwards": config.get("go_backwards"),
        "go_backwards with a mask": config.get("go_backwards") and mask is not None,
        "mask with gaps": mask is not None,
        "rows masked throughout": mask is not None and not mask.any(axis=1).all(),
        "zero_output_for_mask": config.get("zero_output_for_mask") and mask is not None,
        "stateful": config.get("stateful"),
        "return_state": config.get("return_state"),
        "initial state": bool(states),
        "sequences": inner["return_sequences"],
    }


class Run:
    """One layer and its problem, here and in Keras."""

    def __init__(self, seed):
        draw = Draw(seed)
        self.layer = layer = random_layer(draw)
        batch, steps, width = (draw.size() for _ in range(3))
        self.x = draw.normal(batch, steps, width)
        self.before = draw.normal(batch, steps, width)  # a stateful layer's first batch
        self.mask = draw.mask(batch, steps) if draw.chance(0.7) else None
        sizes = getattr(layer, "state_sizes", ())
        given = getattr(layer, "return_state", False) and draw.chance()
        self.states = [draw.normal(batch, size) for size in sizes] if given else []
        layer.build((steps, width), draw.rng)
        self.stateful = getattr(layer, "stateful", False)
        self.draw = draw

    def ours(self):
        """The outputs, the gradients by x and by the states; dy is drawn like the outputs."""
        layer = self.layer
        if self.stateful:
            layer.forward(self.before, training=True, mask=self.mask)
        entry = [self.x, *self.states] if self.states else self.x
        outputs, saved = layer.forward(entry, training=True, mask=self.mask)
        self.dy = [self.draw.normal(*part.shape) for part in listed(outputs)]
        dentry = layer.backward(saved, self.dy if isinstance(outputs, tuple) else self.dy[0])
        return listed(outputs), listed(dentry)

    def theirs(self):
        """The same, and the gradients of the weights."""
        other = keras_layer(self.layer)
        other.build(self.x.shape)
        other.set_weights(weights_of(self.layer))
        options = {} if self.mask is None else {"mask": tf.constant(self.mask)}
        if self.stateful:
            other(tf.constant(self.before), **options)
        entry = [tf.constant(part) for part in (self.x, *self.states)]
        with tf.GradientTape() as tape:
            tape.watch(entry)
            if self.states:
                options["initial_state"] = entry[1:]
            outputs = listed(other(entry[0], **options))
            loss = sum(tf.reduce_sum(y * dy) for y, dy in zip(outputs, self.dy, strict=True))
        dentry, dweights = tape.gradient(loss, [entry, other.trainable_weights])
        return ([part.numpy() for part in group] for group in (outputs, dentry, dweights))


def listed(value):
    """One output or several as a list."""
    return list(value) if isinstance(value, list | tuple) else [value]


@pytest.mark.parametrize("seed", SEEDS)
def test_layer(seed):
    run = Run(seed)
    configuration = Configuration("Keras, float64", options_of(run.layer, run.mask, run.states))
    outputs, dentry = run.ours()
    expected, expected_dentry, dweights = run.theirs()
    for k, pair in enumerate(zip(outputs, expected, strict=True)):
        configuration.compare_forward(*pair, f"output {k}")
    for k, pair in enumerate(zip(dentry, expected_dentry, strict=True)):
        configuration.compare_gradient(*pair, f"gradient by input {k}")
    for pair in zip(weights_of(run.layer, "grad"), dweights, strict=True):
        configuration.compare_gradient(*pair, run.layer.name)
