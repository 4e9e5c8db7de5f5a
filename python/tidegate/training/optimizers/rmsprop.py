"""RMSprop (Hinton 2012), in Keras's form.

    v = rho·v + (1 - rho)·g²         a = rho·a + (1 - rho)·g   (centered)
    d = rate·g / √(v + epsilon)      or, centered:  rate·g / √(v - a² + epsilon)
    w = w - d                        or, with momentum:  m = momentum·m + d,  w = w - m

g is the gradient; v and a are running means of its square and of itself.
"""

import numpy as np

from tidegate.layers import checks
from tidegate.training.optimizers.base import Optimizer, Scalars
from tidegate.training.optimizers.schedules import LearningRateSchedule
from tidegate.training.optimizers.slots import Chunk


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

    def _constants(self) -> tuple[float, ...]:
        return (self.rho, 1 - self.rho, self.epsilon, self.momentum)

    def _update(self, chunk: Chunk, constants: Scalars, sizes: Scalars) -> None:
        values, gradient, old, new, scratch = chunk
        (rho, rest, epsilon, momentum), (rate,) = constants, sizes
        np.multiply(gradient, gradient, scratch)
        np.multiply(scratch, rest, scratch)
        np.multiply(old[0], rho, new[0])
        np.add(new[0], scratch, new[0])
        if self.centered:
            np.multiply(gradient, rest, scratch)
            np.multiply(old[1], rho, new[1])
            np.add(new[1], scratch, new[1])
            np.multiply(new[1], new[1], scratch)
            np.subtract(new[0], scratch, scratch)
            np.maximum(scratch, 0, out=scratch)  # rounding may leave less than -epsilon
            np.add(scratch, epsilon, scratch)
        else:
            np.add(new[0], epsilon, scratch)
        np.sqrt(scratch, scratch)
        np.divide(gradient, scratch, scratch)
        np.multiply(scratch, rate, scratch)
        if self.momentum:
            np.multiply(old[-1], momentum, new[-1])
            np.add(new[-1], scratch, new[-1])
            np.subtract(values, new[-1], values)
        else:
            np.subtract(values, scratch, values)
