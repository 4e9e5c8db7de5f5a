"""State of estimators: the fitted model travels as safetensors bytes, never as pickled layers."""

from typing import Any

from tidegate import io
from tidegate.models.base import BaseModel


class SafetensorsState:
    """Mixin, first in the bases: `model_` in the state is the bytes of a model file.

    What is unpickled predicts the same bits, and a later fit continues bit for bit. Unpickling
    checks the bytes as `tidegate.load` checks a file; the rest of a pickle is Python's own, so
    load only pickles that you trust.
    """

    model_: BaseModel

    def __getstate__(self) -> dict[str, Any]:
        """Return the attributes, with bytes in the place of the model."""
        state: dict[str, Any] = dict(super().__getstate__())  # type: ignore[misc]
        if "model_" in state:
            state["model_"] = io.to_bytes(state["model_"])
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take what `__getstate__` returned."""
        if isinstance(state.get("model_"), bytes):
            state = {**state, "model_": io.from_bytes(state["model_"])}
        super().__setstate__(state)  # type: ignore[misc]
