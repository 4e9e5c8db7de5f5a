"""What a network for tables is asked for; the part of a model file that names columns."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

TASKS = ("forecast", "regression", "classification")
MISSING = ("refuse", "carry")


@dataclass(frozen=True)
class Plan:
    """How a table becomes samples.

    Attributes
    ----------
    task : {"forecast", "regression", "classification"}
        "forecast" reads the targets' own past too.
    targets : tuple of str
        Columns to predict; one for "classification".
    features : tuple of str
        Columns to read beside those.
    group, time : str or None
        Columns that tell sequences apart, and steps.
    window : int or None
        Steps that the network reads before it answers. None: it reads whole sequences, each with
        one answer.
    horizon : int
        How many steps after the window the target stands; 0 is the window's last step.
    missing : {"refuse", "carry"}
        "carry" carries features forward over empty cells, and tells the network.
    time_format : str or None
        How the times are written.
    """

    task: str
    targets: tuple[str, ...]
    features: tuple[str, ...]
    group: str | None = None
    time: str | None = None
    window: int | None = None
    horizon: int = 0
    missing: str = "refuse"
    time_format: str | None = None

    @property
    def inputs(self) -> tuple[str, ...]:
        """Return the columns that the network reads, in their order."""
        return (*self.targets, *self.features) if self.task == "forecast" else self.features

    @property
    def classifies(self) -> bool:
        """Return whether the targets are classes."""
        return self.task == "classification"

    @property
    def written(self) -> tuple[str, ...]:
        """Return the columns of a file of predictions, those of each class apart."""
        place = () if self.window is None else (self.time or "row",)
        answers = tuple(f"{name}_predicted" for name in self.targets)
        group = () if self.group is None else (self.group,)
        return (*group, *place, *self.targets, *answers, *(["probability"] * self.classifies))

    def describe(self) -> dict[str, Any]:
        """Return the plan as JSON knows it."""
        return asdict(self)

    @classmethod
    def make(cls, found: Any) -> "Plan":
        """Return the plan that `describe` wrote.

        Raises
        ------
        ValueError
            A part is missing, unknown or of the wrong kind.
        """
        if not isinstance(found, Mapping) or set(found) != {field.name for field in fields(cls)}:
            raise ValueError("the plan has other parts than expected")
        parts = dict(found)
        for name in ("targets", "features"):
            if not _is_texts(parts[name]):
                raise ValueError(f"{name} is {parts[name]!r}; expected a list of column names")
            parts[name] = tuple(parts[name])
        for name in ("group", "time", "time_format"):
            if not isinstance(parts[name], str | None):
                raise ValueError(f"{name} is {parts[name]!r}; expected a text")
        plan = cls(**parts)
        whole = plan.window is None or (_is_count(plan.window) and plan.window >= 1)
        known = plan.task in TASKS and plan.missing in MISSING
        if not (whole and known and _is_count(plan.horizon) and plan.targets and plan.inputs):
            raise ValueError(f"the plan is {parts!r}, which no training makes")
        return plan


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(text, str) for text in value)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
