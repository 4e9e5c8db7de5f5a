"""A network for tables in one safetensors file, with everything that `predict` needs."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tidegate import io
from tidegate.forecast.errors import InputError
from tidegate.forecast.evaluate import shown
from tidegate.forecast.timeaxis import TimeAxis
from tidegate.models import Sequential
from tidegate.models.base import BaseModel
from tidegate.tabular.plan import Plan
from tidegate.tabular.rows import Rows
from tidegate.tabular.samples import Samples
from tidegate.tabular.scaling import Scaling

NOTE = "table"  # the key of the notes in the file
_PARTS = {"plan", "scaling", "classes", "axis", "naive"}
_AXES = ("fixed", "months", "month_ends", "business")
_CHUNK = 4096


@dataclass(frozen=True)
class TableModel:
    """A trained network with the plan and the scales that it was trained with.

    Attributes
    ----------
    model : Sequential or Model
    plan : Plan
    scaling : Scaling
    classes : list of str
    axis : TimeAxis or None
        How far apart the rows of the training stood.
    naive : list of float
        What answers without looking: the mean of each target, or the most frequent class.
    """

    model: BaseModel
    plan: Plan
    scaling: Scaling
    classes: list[str]
    axis: TimeAxis | None
    naive: list[float]

    def predict(self, rows: Rows, samples: Samples, verbose: int = 0) -> npt.NDArray[np.float64]:
        """Return values of the targets (N, K), or probabilities of the classes (N, C)."""
        parts = [np.zeros((0, len(self.classes) or len(self.plan.targets)))]
        chunks = np.array_split(np.arange(len(samples)), -(-len(samples) // _CHUNK) or 1)
        for chunk in shown(chunks, "predict", "sample", verbose):  # chunks bound memory
            if chunk.size:
                part = samples.take(chunk)
                outputs = self.model.predict(self.scaling.inputs(rows, part))
                parts.append(self.scaling.answers(rows, part, outputs))
        return np.concatenate(parts)

    def save(self, path: Path) -> None:
        """Write the file, whole or not at all."""
        table = {
            "plan": self.plan.describe(),
            "scaling": self.scaling.describe(),
            "classes": self.classes,
            "axis": None if self.axis is None else {"kind": self.axis.kind, "step": self.axis.step},
            "naive": self.naive,
        }
        io.save(self.model, path, notes={NOTE: table})

    @classmethod
    def load(cls, path: Path) -> "TableModel":
        """Read what `save` wrote.

        Raises
        ------
        InputError
            There is no such file, or it is no network for tables.
        """
        try:
            notes = io.load_notes(path)
            if NOTE not in notes:
                raise InputError(
                    f"{path}: is a model, but without the columns and scales of a table; expected "
                    "a file that `tidegate train` wrote."
                )
            return cls._make(io.load(path), notes[NOTE])
        except InputError:
            raise
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror}).") from None
        except ValueError as error:
            raise InputError(f"{path}: is no network for tables ({error}).") from None

    @classmethod
    def _make(cls, model: BaseModel, table: Any) -> "TableModel":
        if not isinstance(table, Mapping) or set(table) != _PARTS:
            raise ValueError("its table has other parts than expected")
        plan = Plan.make(table["plan"])
        classes, naive = table["classes"], table["naive"]
        if not isinstance(classes, list) or not all(isinstance(name, str) for name in classes):
            raise ValueError("its classes are no list of names")
        scaling = Scaling.make(table["scaling"], len(plan.inputs), len(plan.targets))
        if not isinstance(model, Sequential):
            raise ValueError("it is a graph of layers, not a chain")
        answers = np.asarray(naive, dtype=np.float64)
        width = len(classes) if plan.classifies else len(plan.targets)
        if answers.shape != (len(plan.targets),) or model.output_shape != (width,):
            raise ValueError("the model's output does not fit its columns")
        if model.input_shape != (plan.window, len(plan.inputs)):
            raise ValueError("the model's input does not fit its columns")
        return cls(model, plan, scaling, classes, _axis(table["axis"]), naive)


def _axis(found: Any) -> TimeAxis | None:
    """Return the grid of the training, without its start."""
    if found is None:
        return None
    if not isinstance(found, Mapping) or set(found) != {"kind", "step"}:
        raise ValueError("its axis is no table of kind and step")
    kind, step = found["kind"], found["step"]
    if kind not in _AXES or not isinstance(step, int) or step < 1:
        raise ValueError(f"its axis is {kind!r} of step {step!r}")
    return TimeAxis(kind, step=step)
