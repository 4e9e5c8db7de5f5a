"""Which regularizer and constraint holds for which arrays of a layer.

The engine keeps the transposes of Keras's kernels, and the two biases of a reset-after GRU apart;
regularizers and constraints see Keras's arrays, (I, G*H), (H, G*H) and (2, 3H), gates in the
engine's order.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from tidegate.layers import constraints, regularizers
from tidegate.layers.constraints import Constraint
from tidegate.layers.parameters import Parameter
from tidegate.layers.regularizers import Regularizer
from tidegate.layers.types import Array, Config


class WeightRule(NamedTuple):
    """A penalty in the loss and a constraint after each step, for one array of Keras's."""

    parameters: tuple[Parameter, ...]
    regularizer: Regularizer | None
    constraint: Constraint | None

    def penalty(self) -> float:
        """Return what is added to the loss."""
        assert self.regularizer is not None
        return float(self.regularizer.value(self._array()))

    def add_gradient(self) -> None:
        """Add the gradient of the penalty to those of the parameters."""
        assert self.regularizer is not None
        gradient = self.regularizer.gradient(self._array())
        for parameter, part in self._parts(gradient):
            parameter.grad += part

    def constrain(self) -> None:
        """Change the values to what the constraint says."""
        assert self.constraint is not None
        for parameter, part in self._parts(self.constraint(self._array())):
            np.copyto(parameter.value, part, casting="same_kind")

    def _array(self) -> Array:
        """Return the values as Keras has them; a view of one parameter, a copy of two."""
        first = self.parameters[0]
        if len(self.parameters) == 2:
            return np.stack([parameter.value for parameter in self.parameters])
        return first.value.T if _transposed(first) else first.value

    def _parts(self, array: Array) -> Iterable[tuple[Parameter, Array]]:
        """Return each parameter with its part of one of Keras's arrays."""
        if len(self.parameters) == 2:
            return zip(self.parameters, array, strict=True)
        return [(self.parameters[0], array.T if _transposed(self.parameters[0]) else array)]


def _transposed(parameter: Parameter) -> bool:
    return parameter.name.rpartition("/")[2].startswith("weight_")


class RuleOptions:
    """The regularizers and constraints that a layer was made with.

    Parameters
    ----------
    where : str
        The layer, for messages.
    given : dict
        Arguments such as kernel_regularizer and bias_constraint, as the user wrote them.
    """

    def __init__(self, where: str, given: dict[str, Any]) -> None:
        self._where = where
        self.chosen: dict[str, Regularizer | Constraint | None] = {
            name: (regularizers if name.endswith("_regularizer") else constraints).get(
                where, name, value
            )
            for name, value in given.items()
        }

    def config(self) -> Config:
        """Return the options in words that JSON knows; those that are None are left out."""
        return {
            name: self._described(name, rule)
            for name, rule in self.chosen.items()
            if rule is not None
        }

    def _described(self, name: str, rule: Regularizer | Constraint) -> Config:
        kind = type(rule)
        known: dict[str, Any] = {**regularizers.CLASSES, **constraints.CLASSES}
        if known.get(kind.__name__) is not kind:
            raise ValueError(
                f"{self._where}: {name} is of class {kind.__name__}, which a configuration cannot "
                f"hold; expected one of {', '.join(known)}."
            )
        return {"class": kind.__name__, "config": rule.get_config()}

    def rules(self, roles: dict[str, tuple[Parameter, ...]]) -> list[WeightRule]:
        """Return the rules for the parameters of each role, such as "kernel"."""
        found = []
        for role, parameters in roles.items():
            regularizer = self.chosen.get(f"{role}_regularizer")
            constraint = self.chosen.get(f"{role}_constraint")
            if parameters and (regularizer is not None or constraint is not None):
                assert not isinstance(regularizer, Constraint)
                assert not isinstance(constraint, Regularizer)
                rank = len(parameters[0].shape) + len(parameters) - 1
                self._require_axes(f"{role}_constraint", constraint, rank)
                found.append(WeightRule(parameters, regularizer, constraint))
        return found

    def _require_axes(self, name: str, constraint: Constraint | None, rank: int) -> None:
        """Raise unless the axes of a constraint exist."""
        axis = getattr(constraint, "axis", 0)
        axes = axis if isinstance(axis, tuple) else (axis,)
        if any(not -rank <= part < rank for part in axes):
            raise ValueError(
                f"{self._where}: {name} is {constraint!r}; expected axes of an array of rank "
                f"{rank}."
            )


def recurrent_roles(parameters: Iterable[Parameter]) -> dict[str, tuple[Parameter, ...]]:
    """Return the parameters of a recurrent layer by the roles that Keras gives them."""
    by_name = {parameter.name.rpartition("/")[2]: parameter for parameter in parameters}
    names = {"kernel": ("weight_ih",), "recurrent": ("weight_hh",), "bias": ("bias_ih", "bias_hh")}
    return {
        role: tuple(by_name[name] for name in those if name in by_name)
        for role, those in names.items()
    }
