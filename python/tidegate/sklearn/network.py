"""The native model that an estimator's arguments describe."""

from typing import Any

from tidegate.layers import Bidirectional, Dense, Dropout, Input, checks
from tidegate.layers.base import Layer
from tidegate.layers.cells import CELLS
from tidegate.models import Sequential
from tidegate.training import optimizers
from tidegate.training.optimizers import Optimizer

# Of the norm of all gradients together: recurrent networks now and then meet a cliff.
CLIP = 1.0


def build(
    arguments: Any, where: str, *, values: int, outputs: int, activation: str, loss: Any, seed: int
) -> Sequential:
    """Return a compiled network: recurrent layers, then a Dense layer.

    Parameters
    ----------
    arguments : estimator
        Its arguments cell, units, layers, bidirectional, dropout, optimizer, learning_rate, dtype.
    where : str
        Starts the messages of errors.
    values : int
        Of each step of the input.
    outputs : int
    activation : str
        Of the Dense layer.
    loss : as for `compile`
    seed : int
    """
    dtype = checks.float_dtype(where, arguments.dtype)
    kind = CELLS[checks.choice(where, "cell", arguments.cell, CELLS)]
    units = checks.integer(where, "units", arguments.units)
    depth = checks.integer(where, "layers", arguments.layers)
    both = checks.boolean(where, "bidirectional", arguments.bidirectional)
    dropout = checks.number(where, "dropout", arguments.dropout, least=0, below=1)
    stack: list[Layer | Input] = [Input((None, values))]
    for number in range(depth):
        layer: Layer = kind(units, return_sequences=number < depth - 1, dtype=dtype)
        stack.append(Bidirectional(layer) if both else layer)  # type: ignore[arg-type]
        if dropout:
            stack.append(Dropout(dropout, dtype=dtype))
    stack.append(Dense(outputs, activation, dtype=dtype))
    model = Sequential(stack, seed=seed)
    model.compile(optimizer=_optimizer(arguments, where), loss=loss)
    return model


def _optimizer(arguments: Any, where: str) -> Optimizer:
    """Return an optimizer of its own for this fit."""
    given = arguments.optimizer
    if isinstance(given, Optimizer):
        described = optimizers.describe(given)
        if described is None:
            raise ValueError(
                f"{where}: optimizer is of class {type(given).__name__}; expected a name or an "
                "optimizer of tidegate's, of which each fit takes a fresh copy."
            )
        return optimizers.make(where, described)
    if not isinstance(given, str) or given.lower() not in optimizers.NAMED:
        optimizers.get(where, given)  # raises, with the list of names
        raise TypeError(f"{where}: optimizer is {given!r}; expected a name or an object.")
    rate = arguments.learning_rate
    if not isinstance(rate, optimizers.LearningRateSchedule):
        rate = checks.number(where, "learning_rate", rate, least=0)
    return optimizers.NAMED[given.lower()](rate, global_clipnorm=CLIP)
