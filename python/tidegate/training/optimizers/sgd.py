"""SGD, with momentum and Nesterov's momentum in Keras's form.

    m = momentum·m - rate·g
    w = w + m                        or, with nesterov:  w = w + momentum·m - rate·g

Without momentum, w = w - rate·g.
"""

from typing import Any

from tidegate.layers import checks
from tidegate.training.optimizers.base import Optimizer
from tidegate.training.optimizers.schedules import LearningRateSchedule


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

    def _update(self, slots: Any, side: int, keep: float, rate: float, step: int) -> None:
        slots.sgd(side, keep, self.momentum, self.nesterov, rate)
