"""Stateful layers in training: what is asked of the data, and states that follow undone steps."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, cast

from tidegate.layers.recurrent import RecurrentLayer

if TYPE_CHECKING:
    from tidegate.training.trainer import Trainer

Train = TypeVar("Train", bound=Callable[..., Any])


def recurrent_parts(model: "Trainer") -> list[RecurrentLayer]:
    """Return all recurrent layers of a model, also those inside other layers."""
    return [part for layer in model.layers for part in layer.recurrent_parts()]


def is_stateful(model: "Trainer") -> bool:
    """Whether a layer carries its state from batch to batch."""
    return any(part.stateful for part in recurrent_parts(model))


def require_rows(model: "Trainer", where: str, name: str, count: int, size: int) -> None:
    """Raise unless every batch has the same number of sequences, where that matters."""
    if count > size and count % size and is_stateful(model):
        raise ValueError(
            f"{where}: {name} has {count} samples and batch_size is {size}, which leaves "
            f"{count % size} for the last batch; expected a multiple, since a stateful layer goes "
            "on row by row (choose another batch_size, or drop samples)."
        )


def require_validation_rows(
    model: "Trainer", where: str, count: int, size: int, trained: int
) -> None:
    """Raise unless validation can go on where training, in batches of `trained`, ends."""
    require_rows(model, where, "the validation data", count, size)
    rows = min(count, size)
    if rows != trained and is_stateful(model):
        raise ValueError(
            f"{where}: batches of the validation data have {rows} samples and those of x "
            f"{trained}; expected {trained}, since a stateful layer goes on row by row from "
            "training to validation (choose other samples, or evaluate() them after "
            "reset_states())."
        )


def require_order(model: "Trainer", where: str, shuffle: bool) -> None:
    """Raise if the samples would be shuffled under a stateful layer."""
    if shuffle and is_stateful(model):
        raise ValueError(
            f"{where}: shuffle is True and the model has a stateful layer; expected shuffle=False, "
            "since batch i+1 goes on where batch i ended, row by row."
        )


def keeping_states(model: "Trainer", train: Train) -> Train:
    """Return `train`, which puts carried states back if it breaks off before its step is done."""
    carried = [part.carried for part in recurrent_parts(model) if part.carried is not None]
    if not carried:
        return train

    def train_or_restore(*arguments: Any, **options: Any) -> Any:
        steps = model.optimizer.iterations
        before = [kept.state for kept in carried]
        try:
            return train(*arguments, **options)
        except BaseException:
            if model.optimizer.iterations == steps:
                for kept, state in zip(carried, before, strict=True):
                    kept.state = state
            raise

    return cast(Train, train_or_restore)
