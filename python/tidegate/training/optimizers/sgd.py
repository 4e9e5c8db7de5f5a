"""SGD, with momentum and Nesterov's momentum in Keras's form.

    m = momentum·m - rate·g
    w = w + m                        or, with nesterov:  w = w + momentum·m - rate·g

Without momentum, w = w - rate·g.
"""

import numpy as np

from tidegate.layers import checks
from tidegate.training.optimizers.base import Optimizer, Scalars
from tidegate.training.optimizers.schedules import LearningRateSchedule
from tidegate.training.optimizers.slots import Chunk


class SGD(Optimizer):
    """Stochastic gradient descent; common arguments as in Optimizer.

    Parameters
    ----------
    momentum : float
        0 <= momentum <= 1.
    nesterov : bool
        Look ahead (Sutskever et al. 2013).
    """

    def __init__(
        self,
        learning_rate: float | LearningRateSchedule = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
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
        self.momentum = checks.number("SGD", "momentum", momentum, least=0, most=1)
        self.nesterov = checks.boolean("SGD", "nesterov", nesterov)

    def slot_names(self) -> tuple[str, ...]:
        """See Optimizer."""
        return ("momentum",) if self.momentum else ()

    def _constants(self) -> tuple[float, ...]:
        return (self.momentum,)

    def _update(self, chunk: Chunk, constants: Scalars, sizes: Scalars) -> None:
        values, gradient, old, new, scratch = chunk
        (momentum,), (rate,) = constants, sizes
        np.multiply(gradient, rate, scratch)
        if not old:
            np.subtract(values, scratch, values)
            return
        np.multiply(old[0], momentum, new[0])
        np.subtract(new[0], scratch, new[0])
        if self.nesterov:
            np.subtract(values, scratch, values)
            np.multiply(new[0], momentum, scratch)
            np.add(values, scratch, values)
        else:
            np.add(values, new[0], values)
