"""Adam (Kingma & Ba 2015) and AdamW (Loshchilov & Hutter 2019), in Keras's form.

    m = m + (1 - beta_1)·(g - m)
    v = v + (1 - beta_2)·(g² - v)
    w = w - rate·√(1 - beta_2^t)/(1 - beta_1^t) · m / (√v + epsilon)

AdamW first shrinks the weights: w = w - rate·weight_decay·w.
"""

import math
from typing import Any

from tidegate.layers import checks
from tidegate.training.optimizers.base import Optimizer
from tidegate.training.optimizers.schedules import LearningRateSchedule


class Adam(Optimizer):
    """Steps scaled by running means of the gradient and its square; see Optimizer too.

    Parameters
    ----------
    beta_1, beta_2 : float
        How much of the running means stays.
    epsilon : float
    """

    def __init__(
        self,
        learning_rate: float | LearningRateSchedule = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        *,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        global_clipnorm: float | None = None,
        clipvalue: float | None = None,
    ) -> None:
        super().__init__(
            learning_rate,
            weight_decay=weight_decay,
            clipnorm=clipnorm,
            global_clipnorm=global_clipnorm,
            clipvalue=clipvalue,
        )
        where = type(self).__name__
        self.beta_1 = checks.number(where, "beta_1", beta_1, least=0, below=1)
        self.beta_2 = checks.number(where, "beta_2", beta_2, least=0, below=1)
        self.epsilon = checks.number(where, "epsilon", epsilon, least=0)

    def slot_names(self) -> tuple[str, ...]:
        """See Optimizer."""
        return ("momentum", "velocity")

    def _update(self, slots: Any, side: int, keep: float, rate: float, step: int) -> None:
        size = rate * math.sqrt(1 - self.beta_2**step) / (1 - self.beta_1**step)
        rests = 1 - self.beta_1, 1 - self.beta_2
        slots.adam(side, keep, *rests, self.epsilon, size)


class AdamW(Adam):
    """Adam with decoupled weight decay, of all parameters; arguments as in Adam and Optimizer."""

    def __init__(
        self,
        learning_rate: float | LearningRateSchedule = 0.001,
        weight_decay: float = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        *,
        clipnorm: float | None = None,
        global_clipnorm: float | None = None,
        clipvalue: float | None = None,
    ) -> None:
        super().__init__(
            learning_rate,
            beta_1,
            beta_2,
            epsilon,
            weight_decay=checks.number("AdamW", "weight_decay", weight_decay, least=0),
            clipnorm=clipnorm,
            global_clipnorm=global_clipnorm,
            clipvalue=clipvalue,
        )
