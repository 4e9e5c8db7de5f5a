"""Truncated back-propagation through time (Williams & Peng 1990): long sequences in pieces.

A batch (N, T, ...) is walked in pieces of k steps, in order. Each piece is one step of training:
forward from the state that the piece before left, loss of its targets, backward to its first step,
step of the optimizer. Gradients end at the seams, so memory is that of k steps; the state crosses
them, so that with frozen weights the outputs are those of the unbroken run, bit for bit.
"""

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from tidegate.layers import Bidirectional
from tidegate.layers.base import Layer
from tidegate.layers.carried import CarriedState
from tidegate.layers.types import Array
from tidegate.training.carrying import keeping_states, recurrent_parts

if TYPE_CHECKING:
    from tidegate.training.trainer import Trainer

TrainPiece = Callable[..., tuple[float, int]]


class Truncated:
    """Training of one batch in pieces.

    Parameters
    ----------
    model : Trainer
        One that `require_pieces` let pass.
    train : function
        Takes one step of training, if anything counts: `Step.train_piece`.
    length : int
        Steps in a piece, k; the last one may be shorter.
    """

    def __init__(self, model: "Trainer", train: TrainPiece, length: int) -> None:
        self._length = length
        self._train = keeping_states(model, train)
        self._parts = [part for part in recurrent_parts(model) if not part.stateful]

    def train(
        self,
        x: Array,
        y: Array,
        weight: Array | None,
        rng: np.random.Generator | None,
        mask: Array | None = None,
    ) -> float:
        """Take one step for each piece in which a step counts; return the mean loss of all."""
        steps: int = x.shape[1]
        total, counted = 0.0, 0
        try:
            for part in self._parts:
                part.carried = CarriedState()
            for start in range(0, steps, self._length):
                here = slice(start, start + self._length)
                piece = x[:, here]
                weight_here = weight
                if weight is not None and weight.shape[1] == steps:
                    weight_here = weight[:, here]
                mask_here = None if mask is None else mask[:, here]
                if mask_here is not None and not mask_here.any():
                    continue  # states are held, and there is nothing to learn
                loss, count = self._train(piece, y[:, here], weight_here, rng, mask_here)
                total += loss * count
                counted += count
        finally:
            for part in self._parts:
                part.carried = None
        return total / max(counted, 1)


def require_pieces(model: "Trainer", where: str, x: Any) -> None:
    """Raise unless sequences can go through all layers in pieces.

    Raises
    ------
    ValueError
        A layer needs the whole sequence, or there is no time axis.
    """
    if not isinstance(x, np.ndarray):
        raise ValueError(
            f"{where}: tbptt is given and the model has several inputs; expected one, to be cut "
            "into pieces (join them along the features, or tbptt=None)."
        )
    for layer in model.layers:
        if (reason := _refusal(layer)) is not None:
            raise ValueError(
                f"{where}: tbptt is given and layer {layer.name!r} {reason} (tbptt=None trains on "
                "whole sequences)."
            )
    if not recurrent_parts(model):
        raise ValueError(f"{where}: tbptt is given and no layer is recurrent; expected one.")
    _require_one_state(model, where)


def _require_one_state(model: "Trainer", where: str) -> None:
    """Raise if a recurrent layer has more to carry over a seam than the state of its one call."""
    uses = Counter(id(call.layer) for call in model.calls())
    for call in model.calls():
        if not call.layer.recurrent_parts():
            continue
        problem = ""
        if len(call.sources) > 1 or len(call.targets) > 1:
            problem = "takes or returns states; expected sequences only between layers"
        elif uses[id(call.layer)] > 1:
            problem = f"is used {uses[id(call.layer)]} times; expected one use, as it carries one"
            problem += " state from piece to piece"
        if problem:
            raise ValueError(
                f"{where}: tbptt is given and layer {call.layer.name!r} {problem} (tbptt=None "
                "trains on whole sequences)."
            )


def _refusal(layer: Layer) -> str | None:
    """Say why a layer cannot run over pieces of a sequence."""
    parts = layer.recurrent_parts()
    if isinstance(layer, Bidirectional) or any(part.go_backwards for part in parts):
        return "starts at the last step; expected layers that run forwards"
    if not all(part.return_sequences for part in parts):
        return "returns the last step only; expected return_sequences=True, and y for every step"
    if not layer.stepwise:
        return f"is a {type(layer).__name__}; expected layers that need no step of another piece"
    return None
