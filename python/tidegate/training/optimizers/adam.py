"""Adam (Kingma & Ba 2015) and AdamW (Loshchilov & Hutter 2019), in Keras's form.

    m = m + (1 - beta_1)·(g - m)
    v = v + (1 - beta_2)·(g² - v)
    w = w - rate·√(1 - beta_2^t)/(1 - beta_1^t) · m / (√v + epsilon)

AdamW first shrinks the weights: w = w - rate·weight_decay·w.
"""

import math

import numpy as np

from tidegate.layers import checks
from tidegate.training.optimizers.base import Optimizer, Scalars
from tidegate.training.optimizers.schedules import LearningRateSchedule
from tidegate.training.optimizers.slots import Chunk


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

    def _constants(self) -> tuple[float, ...]:
        return (1 - self.beta_1, 1 - self.beta_2, self.epsilon)

    def _sizes(self, rate: float, step: int) -> tuple[float, ...]:
        return (rate * math.sqrt(1 - self.beta_2**step) / (1 - self.beta_1**step),)

    def _update(self, chunk: Chunk, constants: Scalars, sizes: Scalars) -> None:
        values, gradient, old, new, scratch = chunk
        (rest_1, rest_2, epsilon), (size,) = constants, sizes
        np.subtract(gradient, old[0], scratch)
        np.multiply(scratch, rest_1, scratch)
        np.add(old[0], scratch, new[0])
        np.multiply(gradient, gradient, scratch)
        np.subtract(scratch, old[1], scratch)
        np.multiply(scratch, rest_2, scratch)
        np.add(old[1], scratch, new[1])
        np.sqrt(new[1], scratch)
        np.add(scratch, epsilon, scratch)
        np.divide(new[0], scratch, scratch)
        np.multiply(scratch, size, scratch)
        np.subtract(values, scratch, values)


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
