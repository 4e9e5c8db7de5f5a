"""First values of parameters, with Keras's names, defaults and formulas.

An initializer is called with the shape that Keras uses, inputs before outputs, and a generator:
`glorot_uniform` fills the whole (I, G*H) kernel of a recurrent layer at once, `orthogonal` the
whole (H, G*H). The layers store the transpose, with tidegate's order of gates.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from tidegate.layers import checks, lookup
from tidegate.layers.types import Array, Config

# The standard deviation of a standard normal cut off at ±2.
_CUT_NORMAL_STDDEV = 0.87962566103423978


class Initializer:
    """Base: `draw` fills a shape; with `seed`, every call draws the same values."""

    def __init__(self, seed: int | None = None) -> None:
        name = type(self).__name__
        self.seed = None if seed is None else checks.integer(name, "seed", seed, least=0)

    def __call__(self, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        """Return a float64 array of `shape`."""
        return self.draw(shape, rng if self.seed is None else np.random.default_rng(self.seed))

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        """Return a float64 array of `shape`; subclasses write this."""
        raise NotImplementedError

    def get_config(self) -> Config:
        """Return the arguments of the constructor."""
        return dict(vars(self))


class Zeros(Initializer):
    """All zeros."""

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        """See the base class."""
        return np.zeros(shape)


class Ones(Initializer):
    """All ones."""

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        """See the base class."""
        return np.ones(shape)


class Constant(Initializer):
    """One value everywhere."""

    def __init__(self, value: float = 0.0) -> None:
        super().__init__()
        self.value = checks.number("Constant", "value", value)

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        """See the base class."""
        return np.full(shape, self.value)

    def get_config(self) -> Config:
        """Return the arguments of the constructor."""
        return {"value": self.value}


class RandomUniform(Initializer):
    """Uniform between minval and maxval."""

    def __init__(
        self, minval: float = -0.05, maxval: float = 0.05, seed: int | None = None
    ) -> None:
        super().__init__(seed)
        self.minval = checks.number("RandomUniform", "minval", minval)
        self.maxval = checks.number("RandomUniform", "maxval", maxval, least=self.minval)

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        """See the base class."""
        return rng.uniform(self.minval, self.maxval, shape)


class RandomNormal(Initializer):
    """Normal with a mean and a standard deviation."""

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None) -> None:
        super().__init__(seed)
        self.mean = checks.number("RandomNormal", "mean", mean)
        self.stddev = checks.number("RandomNormal", "stddev", stddev, least=0)

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        """See the base class."""
        return rng.normal(self.mean, self.stddev, shape)


class VarianceScaling(Initializer):
    """Variance scale / fan, where fan is fan_in, fan_out or their mean (Glorot & Bengio 2010).

    A matrix (inputs, outputs) has fan_in = inputs and fan_out = outputs, a vector its length for
    both.
    """

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: int | None = None,
    ) -> None:
        super().__init__(seed)
        where = "VarianceScaling"
        self.scale = checks.number(where, "scale", scale, least=0)
        self.mode = checks.choice(where, "mode", mode, ("fan_in", "fan_out", "fan_avg"))
        known = ("truncated_normal", "untruncated_normal", "uniform")
        self.distribution = checks.choice(where, "distribution", distribution, known)

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        """See the base class."""
        fan_in, fan_out = (shape[0], shape[-1]) if shape else (1, 1)
        fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        variance = self.scale / max(1.0, fan)
        if self.distribution == "uniform":
            limit = np.sqrt(3 * variance)
            return rng.uniform(-limit, limit, shape)
        if self.distribution == "untruncated_normal":
            return rng.normal(0.0, np.sqrt(variance), shape)
        values: Array = _cut_normal(shape, rng) * (np.sqrt(variance) / _CUT_NORMAL_STDDEV)
        return values


class Orthogonal(Initializer):
    """Orthonormal rows or columns, uniform over all such matrices (Saxe et al. 2014)."""

    def __init__(self, gain: float = 1.0, seed: int | None = None) -> None:
        super().__init__(seed)
        self.gain = checks.number("Orthogonal", "gain", gain)

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        """See the base class."""
        if len(shape) != 2:
            raise ValueError(f"Orthogonal: shape is {shape}; expected a matrix.")
        rows, columns = shape
        q, r = np.linalg.qr(rng.normal(size=(max(shape), min(shape))))
        q *= np.sign(np.diag(r))  # without it Q is not uniform
        values: Array = self.gain * (q if rows >= columns else q.T)
        return values


def _cut_normal(shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """Draw standard normal numbers, and again where they lie beyond ±2."""
    values: Array = rng.normal(size=shape)
    while (beyond := np.abs(values) > 2).any():
        values[beyond] = rng.normal(size=np.count_nonzero(beyond))
    return values


def _scaled(mode: str, scale: float, distribution: str) -> Callable[[], Initializer]:
    return lambda: VarianceScaling(scale, mode, distribution)


NAMED: dict[str, Callable[[], Initializer]] = {
    "zeros": Zeros,
    "ones": Ones,
    "constant": Constant,
    "random_uniform": RandomUniform,
    "uniform": RandomUniform,
    "random_normal": RandomNormal,
    "normal": RandomNormal,
    "orthogonal": Orthogonal,
    "glorot_uniform": _scaled("fan_avg", 1.0, "uniform"),
    "glorot_normal": _scaled("fan_avg", 1.0, "truncated_normal"),
    "he_uniform": _scaled("fan_in", 2.0, "uniform"),
    "he_normal": _scaled("fan_in", 2.0, "truncated_normal"),
    "lecun_uniform": _scaled("fan_in", 1.0, "uniform"),
    "lecun_normal": _scaled("fan_in", 1.0, "truncated_normal"),
}
CLASSES = {
    kind.__name__: kind
    for kind in (Zeros, Ones, Constant, RandomUniform, RandomNormal, VarianceScaling, Orthogonal)
}


def get(where: str, name: str, value: Any) -> Initializer:
    """Return the initializer that a name, an object or a configuration stands for."""
    expected = 'a name such as "glorot_uniform" or an Initializer (subclass it for your own rule)'
    return lookup.find(where, name, value, Initializer, CLASSES, NAMED, expected)


def describe(initializer: Initializer) -> Config | None:
    """Return what `get` makes an equal initializer from, or None for a class of the user's."""
    kind = type(initializer)
    if CLASSES.get(kind.__name__) is not kind:
        return None
    return {"class": kind.__name__, "config": initializer.get_config()}
