"""What the two layers of a Bidirectional must be."""

from typing import Any

from tidegate.layers.recurrent import RecurrentLayer


def require_new(where: str, argument: str, layer: Any, *, backwards: bool) -> None:
    """Raise unless it is a recurrent layer of that direction that has no shapes yet."""
    if not isinstance(layer, RecurrentLayer):
        raise TypeError(
            f"{where}: {argument} is {layer!r}; expected a layer of LSTM, GRU or SimpleRNN."
        )
    if layer.declared or layer.go_backwards != backwards:
        direction = "backward" if backwards else "forward"
        state = "built already" if layer.declared else f"made with go_backwards={not backwards}"
        raise ValueError(
            f"{where}: {argument} {layer.name!r} is {state}; expected a new {direction} layer."
        )


def require_alike(
    where: str, layer: RecurrentLayer, other: RecurrentLayer, merge_mode: str | None
) -> None:
    """Raise unless `other` can be the backward layer of `layer`."""
    require_new(where, "backward_layer", other, backwards=True)
    if layer.takes_missing != other.takes_missing:
        raise ValueError(
            f"{where}: layer is a {type(layer).__name__} and backward_layer a "
            f"{type(other).__name__}, of which one takes NaN as missing; expected both or neither "
            "to do so."
        )
    names = ["dtype", "return_sequences", "return_state", "stateful"]
    for name in names if merge_mode in ("concat", None) else [*names, "output_size"]:
        ours, theirs = getattr(layer, name), getattr(other, name)
        if ours != theirs:
            raise ValueError(
                f"{where}: {name} is {ours} in layer and {theirs} in backward_layer; "
                f"expected one value (merge_mode is {merge_mode!r})."
            )
