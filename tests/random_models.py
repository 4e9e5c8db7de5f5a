"""Random models, float64: layers with random options, in chains and in graphs, masked or not."""

import numpy as np

from tidegate import layers
from tidegate.models import Model, Sequential

F8 = {"dtype": "float64"}
NOISE = ("dropout", "recurrent_dropout", "zoneout", "weight_drop")
ROWS, STEPS = 4, 5


class RandomModel:
    """A model, its input, and what is hidden of it.

    Attributes
    ----------
    model : Sequential or Model
    x : (B, T, I)
    mask : (B, T) or None
    arguments : lengths= or mask= of predict and fit
    aligned : whether all steps keep their order, so that the amount of padding changes nothing
    """

    def __init__(self, draw, *, forwards=False, stateful=False, kinks=True, noise=True):
        self.draw, self.forwards, self.kinks, self.noise = draw, forwards, kinks, noise
        self.stateful = {"stateful": True} if stateful else {}
        self.aligned, self.timed = True, False
        self.inputs = draw.one(2, 3)
        self.model = self._chain() if draw.chance() else self._graph()
        for parameter in self.model.parameters.values():
            parameter.value[...] = draw.rng.uniform(-0.9, 0.9, parameter.shape)
        self.model.weights_changed()
        self.x = draw.rng.standard_normal((ROWS, STEPS, self.inputs))
        if self.timed:
            self.x[..., -1] = np.abs(self.x[..., -1])
        self.mask, self.arguments = None, {}
        if draw.chance(0.35):
            lengths = np.array([STEPS, 3, 1, 0])
            self.mask, self.arguments = np.arange(STEPS) < lengths[:, None], {"lengths": lengths}
        elif draw.chance():
            self.mask = draw.mask(ROWS, STEPS)
            self.mask[0, 0] = True
            self.arguments = {"mask": self.mask}

    def targets(self):
        """Numbers like the outputs."""
        return self.draw.rng.standard_normal(self.model.predict(self.x).shape)

    # -- layers ------------------------------------------------------------------------------------

    def _recurrent(self, units, sequences=True, **options):
        draw = self.draw
        kind = draw.one(layers.LSTM, layers.GRU, layers.SimpleRNN)
        options |= {"return_sequences": sequences, **F8, **self.stateful}
        if draw.chance(0.3):
            options["activation"] = draw.one("softsign", "softplus", ("elu", {"alpha": 0.5}))
        if self.kinks and draw.chance(0.3):
            options |= draw.one({"activation": "relu"}, {"clip": 1.5})
        for name in ("zero_output_for_mask", "use_bias"):
            options[name] = draw.chance()
        if draw.chance(0.3):
            options["recompute_every"] = draw.one(1, 2, 4)
        for name in NOISE:
            if self.noise and draw.chance(0.15):
                options[name] = 0.3
        if kind is layers.LSTM:
            options["peephole"] = draw.one(None, "diagonal", "full")
            options["coupled"] = draw.one(None, None, "input", "forget")
            if self.kinks and draw.chance(0.3):
                options["cell_clip"] = 0.7
            if draw.chance(0.3):
                options["projection"], units = units, units + 1
        if kind is layers.GRU:
            options |= {"reset_after": draw.chance(), "update": draw.one("retain", "replace")}
        alone = options.get("peephole") == "full" or "projection" in options
        if self.kinks and not alone and options.get("reset_after", True) and draw.chance(0.3):
            options["layer_norm"] = True
        return kind(units, **options)

    def _first(self):
        """A recurrent layer of the input, whose last feature may be the time between steps."""
        if self.draw.chance(0.8):
            return self._recurrent(2)
        self.timed = True
        options = {"return_sequences": True, **F8, **self.stateful}
        options |= {"decay": self.draw.one("log", "inverse")}
        if self.draw.chance(0.3):
            options["recompute_every"] = 2
        layer = layers.TimeLSTM(2, time_feature="gap", bias_initializer="random_normal", **options)
        return layer if self.forwards or self.draw.chance() else layers.Bidirectional(layer)

    def _bidirectional(self, units, sequences=True, merge=None):
        merge = merge or self.draw.one("concat", "sum", "mul", "ave")
        other = None
        if self.draw.chance(0.4):
            other = self._recurrent(units, sequences, go_backwards=True)
        return layers.Bidirectional(self._recurrent(units, sequences), merge, other)

    def _layer(self, width):
        """Any layer from a sequence to a sequence."""
        kinds = ["recurrent", "recurrent", "residual", "dense"]
        if self.noise:
            kinds.append("dropout")
        if not self.forwards:
            kinds += ["both ways", "both ways", "residual both ways", "backwards"]
        kind = self.draw.one(*kinds)
        self.aligned &= kind != "backwards"
        units = self.draw.one(2, 3)
        return {
            "recurrent": lambda: self._recurrent(units),
            "residual": lambda: layers.Residual(self._recurrent(width)),
            "dense": lambda: layers.Dense(units, self.draw.one("tanh", None), **F8),
            "dropout": lambda: layers.Dropout(0.2),
            "both ways": lambda: self._bidirectional(units),
            "residual both ways": lambda: layers.Residual(
                self._bidirectional(width, merge=self.draw.one("sum", "mul", "ave"))
            ),
            "backwards": lambda: self._recurrent(units, go_backwards=True),
        }[kind]()

    def _last(self):
        """A layer from a sequence to a vector, or None."""
        if self.forwards:
            return None
        kind = self.draw.one("sequence", "recurrent", "both ways", "pooling")
        return {
            "sequence": lambda: None,
            "recurrent": lambda: self._recurrent(2, False),
            "both ways": lambda: self._bidirectional(2, False),
            "pooling": lambda: layers.AttentionPooling(2, **F8),
        }[kind]()

    # -- models ------------------------------------------------------------------------------------

    def _chain(self):
        model = Sequential([layers.Input((None, self.inputs))], seed=1)
        if self.draw.chance(0.25):
            model.add(layers.Masking(5.0))
        model.add(self._first())
        for _ in range(self.draw.one(0, 1, 2)):
            model.add(self._layer(model.output_shape[-1]))
        if (last := self._last()) is not None:
            model.add(last)
        model.add(layers.Dense(1, **F8))
        return model

    def _graph(self):
        entry = layers.Input((None, self.inputs))
        shared = None if self.stateful or self.forwards else self._recurrent(self.inputs)
        tensors = [entry, self._first()(entry)]
        for _ in range(self.draw.one(1, 2, 3)):
            low, other = (self.draw.one(entry, *tensors) for _ in range(2))
            if shared is not None and low.shape[-1] == self.inputs and self.draw.chance():
                tensors.append(shared(shared(low)))
            elif not self.forwards and self.draw.chance(0.2):
                tensors.append(self._handed_on(low))
            elif self.draw.chance():
                tensors.append(self._layer(low.shape[-1])(low))
            else:
                tensors.append(self._joined(low, other))
        output = layers.Concatenate()([tensors[1], tensors[-1]])
        if (last := self._last()) is not None:
            output = last(output)
        return Model(entry, layers.Dense(1, **F8)(output), seed=1)

    def _handed_on(self, low):
        """Two layers, of which the second starts where the first ends."""
        options = {"return_sequences": True, **F8}
        if self.draw.chance():
            options["recompute_every"] = 2
        kind = self.draw.one(layers.LSTM, layers.GRU, layers.SimpleRNN)
        y, *states = kind(2, return_state=True, **options)(low)
        return layers.Add()([y, kind(2, **options)(low, initial_state=states)])

    def _joined(self, low, other):
        if low.shape != other.shape:
            return layers.Concatenate()([low, other])
        kinds = [layers.Add, layers.Average, layers.Multiply]
        if not self.forwards:
            kinds += [
                lambda: layers.Attention(use_scale=True, **F8),
                lambda: layers.AdditiveAttention(use_scale=True, **F8),
            ]
        return self.draw.one(*kinds)()([low, other])
