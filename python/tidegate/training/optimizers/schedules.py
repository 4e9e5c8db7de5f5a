"""Learning rates that change with the number of steps taken, with Keras's formulas."""

import math
from bisect import bisect_left
from collections.abc import Sequence

from tidegate.layers import checks
from tidegate.layers.types import Config


class LearningRateSchedule:
    """Base: called with the number of finished steps, returns the rate of the next."""

    def __call__(self, step: int) -> float:
        """Return the learning rate after `step` steps; subclasses write this."""
        raise NotImplementedError

    def get_config(self) -> Config:
        """Return the arguments of the constructor."""
        return dict(vars(self))


class ExponentialDecay(LearningRateSchedule):
    """initial_learning_rate · decay_rate^(step / decay_steps).

    Parameters
    ----------
    initial_learning_rate : float
    decay_steps : int
    decay_rate : float
    staircase : bool
        Round the exponent down.
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        decay_rate: float,
        staircase: bool = False,
    ) -> None:
        where = "ExponentialDecay"
        self.initial_learning_rate = checks.number(
            where, "initial_learning_rate", initial_learning_rate, least=0
        )
        self.decay_steps = checks.integer(where, "decay_steps", decay_steps)
        self.decay_rate = checks.number(where, "decay_rate", decay_rate, least=0)
        self.staircase = checks.boolean(where, "staircase", staircase)

    def __call__(self, step: int) -> float:
        """See the base class."""
        exponent = step // self.decay_steps if self.staircase else step / self.decay_steps
        try:
            return self.initial_learning_rate * self.decay_rate**exponent
        except OverflowError:  # decay_rate > 1
            return math.inf


class CosineDecay(LearningRateSchedule):
    """Linear warm-up, then half a cosine down to a share of the rate (Loshchilov & Hutter 2017).

    Parameters
    ----------
    initial_learning_rate : float
        Where the warm-up starts; without warm-up, where the decay starts.
    decay_steps : int
        Steps of the decay, after the warm-up.
    alpha : float
        The last rate, as a share of the rate where the decay starts.
    warmup_target : float, optional
        Rate at the end of the warm-up; none without.
    warmup_steps : int
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        alpha: float = 0.0,
        warmup_target: float | None = None,
        warmup_steps: int = 0,
    ) -> None:
        where = "CosineDecay"
        self.initial_learning_rate = checks.number(
            where, "initial_learning_rate", initial_learning_rate, least=0
        )
        self.decay_steps = checks.integer(where, "decay_steps", decay_steps)
        self.alpha = checks.number(where, "alpha", alpha, least=0)
        self.warmup_steps = checks.integer(where, "warmup_steps", warmup_steps, least=0)
        self.warmup_target: float | None = None
        if warmup_target is not None:
            self.warmup_target = checks.number(where, "warmup_target", warmup_target, least=0)
            checks.integer(where, "warmup_steps", warmup_steps)

    def __call__(self, step: int) -> float:
        """See the base class."""
        top = self.initial_learning_rate
        if self.warmup_target is not None:
            if step <= self.warmup_steps:
                return top + (self.warmup_target - top) * step / self.warmup_steps
            step -= self.warmup_steps
            top = self.warmup_target
        done = min(step, self.decay_steps) / self.decay_steps
        cosine = 0.5 * (1 + math.cos(math.pi * done))
        return top * ((1 - self.alpha) * cosine + self.alpha)


class PiecewiseConstantDecay(LearningRateSchedule):
    """values[0] up to and with step boundaries[0], values[1] up to boundaries[1], ...

    Parameters
    ----------
    boundaries : list of int
        Rising.
    values : list of float
        One more than boundaries.
    """

    def __init__(self, boundaries: Sequence[int], values: Sequence[float]) -> None:
        where = "PiecewiseConstantDecay"
        self.boundaries = [checks.integer(where, "a boundary", b, least=0) for b in boundaries]
        self.values = [checks.number(where, "a value", value, least=0) for value in values]
        if len(self.values) != len(self.boundaries) + 1:
            raise ValueError(
                f"{where}: values has {len(self.values)} entries; "
                f"expected {len(self.boundaries) + 1}, one more than boundaries."
            )
        if any(a >= b for a, b in zip(self.boundaries[:-1], self.boundaries[1:], strict=True)):
            raise ValueError(f"{where}: boundaries is {self.boundaries}; expected rising steps.")

    def __call__(self, step: int) -> float:
        """See the base class."""
        return self.values[bisect_left(self.boundaries, step)]


SCHEDULES: dict[str, type[LearningRateSchedule]] = {
    kind.__name__: kind for kind in (ExponentialDecay, CosineDecay, PiecewiseConstantDecay)
}
