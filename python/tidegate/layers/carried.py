"""The state that a recurrent layer starts with: given by the caller, or left by the call before."""

from collections.abc import Sequence
from typing import Any

from tidegate.layers import checks
from tidegate.layers.types import Array, Dtype


class CarriedState:
    """What a layer starts its next batch with.

    Attributes
    ----------
    state : tuple of (B, H) arrays or None
        After the last batch; None before the first one. Replaced, never changed in place: whoever
        keeps it can put it back.
    """

    __slots__ = ("state",)

    def __init__(self) -> None:
        self.state: tuple[Array, ...] | None = None

    def start(self, where: str, rows: int) -> tuple[Array, ...] | None:
        """Return the state that a batch of `rows` sequences starts with; None is zeros.

        Raises
        ------
        ValueError
            The last batch had another number of sequences.
        """
        if self.state is None or rows == 0:
            return None
        if (kept := len(self.state[0])) != rows:
            raise ValueError(
                f"{where}: a batch has {rows} sequences and the state of the one before has "
                f"{kept}; expected {kept}, as a stateful layer goes on row by row (reset_states() "
                "forgets the state)."
            )
        return self.state

    def keep(self, final: tuple[Array, ...]) -> None:
        """Take the state after a batch; copied, since the output may share its memory."""
        if len(final[0]):
            self.state = tuple(part.copy() for part in final)


def initial_state(
    where: str, names: Sequence[str], state: Any, shapes: Sequence[tuple[int, int]], dtype: Dtype
) -> tuple[Array, ...] | None:
    """Check an initial state, one array for each name; None is zeros."""
    if state is None:
        return None
    given = list(state) if isinstance(state, list | tuple) else [state]
    if len(given) != len(names):
        raise ValueError(
            f"{where}: initial_state has {len(given)} arrays; expected {len(names)}: "
            f"[{', '.join(names)}]."
        )
    arrays = []
    for name, value, shape in zip(names, given, shapes, strict=True):
        array = checks.finite(where, f"initial_state {name}", value, dtype)
        if array.shape != shape:
            raise ValueError(
                f"{where}: initial_state {name} has shape {array.shape}; expected {shape}."
            )
        arrays.append(array)
    return tuple(arrays)
