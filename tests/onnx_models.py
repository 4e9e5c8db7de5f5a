"""Random models of what ONNX can hold, float32 or float64, with lengths or without."""

from tidegate import layers
from tidegate.models import Model, Sequential

# Attributes are float32: with these numbers a float64 model is the same model there, too.
EXACT = (
    *("tanh", "sigmoid", "relu", "linear", "softsign", "softplus", "elu"),
    *(("hard_sigmoid", {"alpha": 0.25, "beta": 0.375}), ("elu", {"alpha": 0.5})),
    *(("scaled_tanh", {"alpha": 1.5, "beta": 0.5}), ("affine", {"alpha": 0.5, "beta": 0.25})),
    *(("thresholded_relu", {"alpha": 0.125}), ("leaky_relu", {"alpha": 0.25})),
)
ACTIVATIONS = (*EXACT, "hard_sigmoid", "leaky_relu", ("elu", {"alpha": 0.3}))


class OnnxModels:
    """Draws models; `exact` is whether all nodes of the last one compute what its layers do."""

    def __init__(self, draw, dtype="float32", lengths=False):
        self.draw, self.lengths, self.exact = draw, lengths, True
        self.typed = {"dtype": dtype}
        self.activations = ACTIVATIONS if dtype == "float32" else EXACT

    def model(self):
        """A built model with random weights."""
        made = self._chain() if self.draw.chance() else self._graph()
        for parameter in made.parameters.values():
            parameter.value[...] = self.draw.rng.uniform(-0.9, 0.9, parameter.shape)
        made.weights_changed()
        return made

    def recurrent(self, units, sequences=True, **options):
        """A recurrent layer with any options that ONNX has."""
        draw = self.draw
        kind = draw.one(layers.LSTM, layers.GRU, layers.SimpleRNN)
        options |= {"return_sequences": sequences, **self.typed}
        options |= {name: draw.chance() for name in ("zero_output_for_mask", "use_bias")}
        options |= {"dropout": 0.2, "recurrent_dropout": 0.2} if draw.chance(0.2) else {}
        if draw.chance(0.3):
            options["clip"] = draw.one(0.5, 1.5)
        if draw.chance():
            options["activation"] = draw.one(*self.activations)
        if kind is not layers.SimpleRNN and draw.chance(0.3):
            options["recurrent_activation"] = draw.one("sigmoid", "softsign", "tanh")
        if kind is layers.LSTM:
            options |= {"peephole": draw.one(None, "diagonal"), "coupled": draw.one(None, "forget")}
        if kind is layers.GRU:
            options["reset_after"] = draw.chance()
            if options.get("recurrent_activation", "sigmoid") == "sigmoid":
                options["update"] = draw.one("retain", "retain", "replace")
                self.exact &= options["update"] == "retain"  # 1 - σ(a) is σ(-a), in other bits
        return kind(units, **options)

    def _bidirectional(self, units, sequences=True):
        merge = self.draw.one("concat", "sum", "mul", "ave")
        other = None
        if self.draw.chance(0.3):
            wide = units + self.draw.one(0, 1) * (merge == "concat")
            other = self.recurrent(wide, sequences, go_backwards=True)
        return layers.Bidirectional(self.recurrent(units, sequences), merge, other)

    def _dense(self, units):
        return layers.Dense(units, self.draw.one(None, "softmax", *self.activations), **self.typed)

    def _layer(self, width):
        """A layer from a sequence to a sequence."""
        units = self.draw.one(1, 3, 4)
        choices = [
            lambda: self.recurrent(units),
            lambda: self._bidirectional(units),
            lambda: self._dense(units),
            lambda: layers.Dropout(0.5),
            lambda: layers.Residual(self.recurrent(width)),
        ]
        if not self.lengths:
            choices.append(lambda: self.recurrent(units, go_backwards=True))
        return self.draw.one(*choices)()

    def _last(self):
        """A layer from a sequence to a vector, or None."""
        choices = [
            lambda: None,
            lambda: self.recurrent(3, False),
            lambda: self.recurrent(3, False, go_backwards=True),
            lambda: self._bidirectional(2, False),
        ]
        if not self.lengths:
            choices.append(self._pooling)
        return self.draw.one(*choices)()

    def _pooling(self):
        self.exact = False
        return layers.AttentionPooling(3, **self.typed)

    def _chain(self):
        made = Sequential(seed=1)
        if self.draw.chance(0.3):
            made.add(layers.Input((None,)))
            made.add(layers.Embedding(7, 3, **self.typed))
        else:
            made.add(layers.Input((None, self.draw.one(1, 2, 5))))
        for _ in range(self.draw.one(1, 2, 3)):
            made.add(self._layer((made.output_shape or made.input_shape)[-1]))
        if (last := self._last()) is not None:
            made.add(last)
        made.add(self._dense(2))
        return made

    def _graph(self):
        entry = layers.Input((None, 3))
        shared = self.recurrent(3)
        tensors = [shared(entry)]
        for _ in range(self.draw.one(1, 2)):
            low, other = (self.draw.one(entry, *tensors) for _ in range(2))
            if low.shape[-1] == 3 and self.draw.chance(0.3):
                tensors.append(shared(low))
            elif not self.lengths and self.draw.chance(0.3):
                tensors.append(self._handed_on(low))
            elif self.draw.chance():
                tensors.append(self._layer(low.shape[-1])(low))
            else:
                tensors.append(self._joined(low, other))
        output = layers.Concatenate()([tensors[0], tensors[-1]])
        if (last := self._last()) is not None:
            output = last(output)
        return Model(entry, self._dense(2)(output), seed=1)

    def _handed_on(self, low):
        kind = self.draw.one(layers.LSTM, layers.GRU, layers.SimpleRNN)
        options = {"return_sequences": True, **self.typed}
        y, *states = kind(2, return_state=True, **options)(low)
        return layers.Average()([y, kind(2, **options)(low, initial_state=states)])

    def _joined(self, low, other):
        if low.shape != other.shape:
            return layers.Concatenate()([low, other])
        plain = [layers.Add, layers.Average, layers.Multiply]
        attention = [] if self.lengths else [layers.Attention, layers.AdditiveAttention]
        kind = self.draw.one(*plain, *attention)
        self.exact &= kind in plain
        options = {} if kind in plain else {"use_scale": self.draw.chance(), **self.typed}
        return kind(**options)([low, other])
