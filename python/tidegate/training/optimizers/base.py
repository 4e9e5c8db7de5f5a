"""Optimizer: one pass of the core over the flat parameters.

The slots (moments) exist twice: a step reads one side and writes the other. The values are copied
before they change. So a step can be taken back, whole: after Ctrl-C in the middle of it, and when
the loss turns out to be NaN after it. A step is done when `_progress` is stored, at once.

    _progress = (steps done, side)

slots[side] belongs to the values, slots[1 - side] to those before.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from tidegate.layers import checks
from tidegate.layers.parameters import FlatParameters, Parameter
from tidegate.layers.types import Array, Config
from tidegate.training import lookup
from tidegate.training.optimizers import clipping
from tidegate.training.optimizers.schedules import SCHEDULES, LearningRateSchedule
from tidegate.training.optimizers.slots import SlotBuffers


class Optimizer:
    """Base of all optimizers.

    Parameters
    ----------
    learning_rate : float or LearningRateSchedule
    weight_decay : float, optional
        Each step first takes learning_rate · weight_decay of every parameter away from it.
    clipnorm, global_clipnorm, clipvalue : float, optional
        At most one: scale each parameter's gradient to this norm, scale all gradients together, or
        move each entry into ±clipvalue.

    Attributes
    ----------
    iterations : int
        Steps taken.
    learning_rate : float
        The rate of the next step; it can be set, unless it follows a schedule.
    """

    def __init__(
        self,
        learning_rate: float | LearningRateSchedule,
        *,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        global_clipnorm: float | None = None,
        clipvalue: float | None = None,
    ) -> None:
        self._rate = self._checked_rate(learning_rate)
        self.weight_decay = self._optional("weight_decay", weight_decay)
        self.clipnorm = self._optional("clipnorm", clipnorm)
        self.global_clipnorm = self._optional("global_clipnorm", global_clipnorm)
        self.clipvalue = self._optional("clipvalue", clipvalue)
        limits = {
            name: value
            for name in ("clipnorm", "global_clipnorm", "clipvalue")
            if (value := getattr(self, name)) is not None
        }
        if len(limits) > 1:
            raise ValueError(f"{type(self).__name__}: {limits} are set; expected one of them.")
        self._progress = (0, 0)
        self._copied_at = -1  # the step before which the values were copied; -1: no usable copy
        self._buffers: list[SlotBuffers] = []

    # -- what an optimizer is made of --------------------------------------------------------------

    def slot_names(self) -> tuple[str, ...]:
        """Return the arrays that are kept for each parameter."""
        return ()

    def _update(self, slots: Any, side: int, keep: float, rate: float, step: int) -> None:
        """Take step 1, 2, ... in the core: shrink the values to `keep`, then follow the rule."""
        raise NotImplementedError

    # -- learning rate -----------------------------------------------------------------------------

    @property
    def iterations(self) -> int:
        """Steps taken."""
        return self._progress[0]

    @property
    def learning_rate(self) -> float:
        """The rate of the next step."""
        if isinstance(self._rate, LearningRateSchedule):
            return float(self._rate(self.iterations))
        return self._rate

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        where = type(self).__name__
        if isinstance(self._rate, LearningRateSchedule):
            raise TypeError(
                f"{where}: learning_rate follows {type(self._rate).__name__} and cannot be set; "
                "make the optimizer with a number instead."
            )
        self._rate = checks.number(where, "learning_rate", value, least=0)

    def _checked_rate(self, rate: Any) -> float | LearningRateSchedule:
        if isinstance(rate, LearningRateSchedule):
            return rate
        return checks.number(type(self).__name__, "learning_rate", rate, least=0)

    def _optional(self, name: str, value: float | None) -> float | None:
        if value is None:
            return None
        return checks.number(type(self).__name__, name, value, least=0)

    # -- steps -------------------------------------------------------------------------------------

    def bind(self, buffers: Sequence[FlatParameters]) -> None:
        """Take charge of parameters; slots start at zero."""
        names = self.slot_names()
        self._buffers = [SlotBuffers(flat, names) for flat in buffers]
        self._progress = (0, 0)
        self._copied_at = -1

    @property
    def bound(self) -> bool:
        """Whether it has parameters to take steps on."""
        return bool(self._buffers)

    def bound_to(self, buffers: Sequence[FlatParameters]) -> bool:
        """Whether these are its parameters."""
        return [buffer.flat for buffer in self._buffers] == list(buffers)

    def step(self, constraints: Iterable[Callable[[], None]] = ()) -> None:
        """Change the values by one step along their gradients.

        Parameters
        ----------
        constraints : functions, optional
            Called once the values have changed; what they change is part of the step.

        Raises
        ------
        FloatingPointError
            A gradient is NaN or inf; nothing was changed.
        """
        self._clip()
        step, side = self._progress
        rate = self.learning_rate
        keep = 1.0 if self.weight_decay is None else 1 - rate * self.weight_decay
        self._copied_at = -1
        for buffer in self._buffers:
            np.copyto(buffer.previous, buffer.flat.values)
        self._copied_at = step
        for buffer in self._buffers:
            self._update(buffer.core, side, keep, rate, step + 1)
        for constrain in constraints:
            constrain()
        self._progress = (step + 1, 1 - side)

    def _clip(self) -> None:
        """Clip the gradients; raise if one is not finite."""
        flats = [buffer.flat for buffer in self._buffers]
        total = 0.0
        for flat in flats:
            total += clipping.squared_norm(flat.gradients)
        if math.isnan(total):
            raise FloatingPointError("a gradient is not finite")
        if self.global_clipnorm:
            gradients = [flat.gradients for flat in flats]
            clipping.scale_to_norm(gradients, math.sqrt(total), self.global_clipnorm)
        elif self.clipnorm:
            clipping.by_norm(flats, self.clipnorm)
        elif self.clipvalue:
            clipping.by_value(flats, self.clipvalue)

    def finish_or_undo(self) -> bool:
        """After an interruption: undo a step that was not finished; return whether one was."""
        step, _ = self._progress
        if self._copied_at != step:
            return False
        self._restore()
        return True

    def undo(self) -> bool:
        """Take the last step back, values, slots and count; return whether that was possible."""
        step, side = self._progress
        if step == 0 or self._copied_at != step - 1:
            return False
        self._restore()
        self._progress = (step - 1, 1 - side)
        return True

    def _restore(self) -> None:
        for buffer in self._buffers:
            np.copyto(buffer.flat.values, buffer.previous)
        self._copied_at = -1

    def forget_copy(self) -> None:
        """Take note that the values were set from outside: the last step cannot be taken back."""
        self._copied_at = -1

    # -- state -------------------------------------------------------------------------------------

    def slots(self) -> list[tuple[str, Parameter, Array]]:
        """Return (slot name, parameter, view) of all slots."""
        _, side = self._progress
        return [entry for buffer in self._buffers for entry in buffer.entries(side)]

    def restore(self, iterations: int) -> None:
        """Set the number of steps taken; the slots were filled through the views of `slots`."""
        self._progress = (iterations, self._progress[1])
        self._copied_at = -1

    def get_config(self) -> Config:
        """Return the arguments of the constructor; the learning rate is the current one."""
        rate = self._rate
        if isinstance(rate, LearningRateSchedule):
            if SCHEDULES.get(type(rate).__name__) is not type(rate):
                raise ValueError(
                    f"save: learning_rate is a {type(rate).__name__}; expected a number or one of "
                    f"{', '.join(SCHEDULES)} (or save with include_optimizer=False)."
                )
            described: Any = {"class": type(rate).__name__, "config": rate.get_config()}
        else:
            described = rate
        own = {key: value for key, value in vars(self).items() if not key.startswith("_")}
        return {"learning_rate": described, **own}

    def __repr__(self) -> str:
        """Return the class and the arguments that are set."""
        own = {key: value for key, value in vars(self).items() if not key.startswith("_")}
        rate = self._rate if isinstance(self._rate, float) else type(self._rate).__name__
        given = {"learning_rate": rate} | {k: v for k, v in own.items() if v is not None}
        return f"{type(self).__name__}({', '.join(f'{k}={v}' for k, v in given.items())})"

    @classmethod
    def from_config(cls, config: Config) -> "Optimizer":
        """Make an optimizer from what `get_config` returned."""
        rate = config.get("learning_rate")
        if isinstance(rate, dict):
            rate = lookup.make(cls.__name__, "learning_rate", rate, SCHEDULES)
        return cls(**(config | {"learning_rate": rate}))
