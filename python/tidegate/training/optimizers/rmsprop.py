"""RMSprop (Hinton 2012), in Keras's form.

    v = rho·v + (1 - rho)·g²         a = rho·a + (1 - rho)·g   (centered)
    d = rate·g / √(v + epsilon)      or, centered:  rate·g / √(v - a² + epsilon)
    w = w - d                        or, with momentum:  m = momentum·m + d,  w = w - m

g is the gradient; v and a are running means of its square and of itself.
"""

from typing import Any

from tidegate.layers import checks
from tidegate.training.optimizers.base import Optimizer
from tidegate.training.optimizers.schedules import LearningRateSchedule


class RMSprop(Optimizer):
    """Divide the gradient by a running root of its mean square; common arguments as in Optimizer.

    Parameters
    ----------
    rho : float
        How much of the running means stays.
    momentum : float
    epsilon : float
    centered : bool
        Divide by the running standard deviation instead.
    """

    def __init__(
        self,
        learning_rate: float | LearningRateSchedule = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
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
        self.rho = checks.number("RMSprop", "rho", rho, least=0, below=1)
        self.momentum = checks.number("RMSprop", "momentum", momentum, least=0, most=1)
        self.epsilon = checks.number("RMSprop", "epsilon", epsilon, least=0)
        self.centered = checks.boolean("RMSprop", "centered", centered)

    def slot_names(self) -> tuple[str, ...]:
        """See Optimizer."""
        names = ["velocity"]
        if self.centered:
            names.append("average_gradient")
        if self.momentum:
            names.append("momentum")
        return tuple(names)

    def _update(self, slots: Any, side: int, keep: float, rate: float, step: int) -> None:
        options = self.rho, self.epsilon, self.momentum, self.centered
        slots.rmsprop(side, keep, *options, rate)
