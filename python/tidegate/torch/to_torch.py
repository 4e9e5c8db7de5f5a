"""Recurrent layers of tidegate as one module of torch.nn."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from tidegate.layers import GRU, LSTM, Bidirectional, SimpleRNN
from tidegate.layers.base import Layer
from tidegate.weights import to_torch as cell_to_torch

_KINDS: dict[type[Layer], Any] = {LSTM: nn.LSTM, GRU: nn.GRU, SimpleRNN: nn.RNN}


def to_torch(layers: Layer | Sequence[Layer]) -> nn.Module:
    """Return an nn.LSTM, nn.GRU or nn.RNN with the weights of built layers.

    Parameters
    ----------
    layers : LSTM, GRU, SimpleRNN or Bidirectional of one, or a sequence of these
        Each on top of the one before; of one class, size and direction, as the layers of one
        module are. They have weights: they were called, or are in a built model.

    Returns
    -------
    torch.nn.Module
        With batch_first=True. Its output is that of the last layer with return_sequences.
        Dropout, of the inputs or between layers, is not taken over.

    Raises
    ------
    ValueError
        A layer or option that torch.nn does not have, layers that do not go together, or that are
        not built.

    Examples
    --------
    >>> layer = GRU(4, return_sequences=True)
    >>> y = layer(np.ones((2, 5, 3)))
    >>> bool(np.allclose(to_torch(layer)(torch.ones(2, 5, 3))[0].detach(), y, atol=1e-6))
    True
    """
    stack: list[Any] = list(layers) if isinstance(layers, list | tuple) else [layers]
    _require_stack(stack)
    parts = stack[0].recurrent_parts()
    kind, w = _KINDS[type(parts[0])], parts[0].cell_weights
    options: dict[str, Any] = {"num_layers": len(stack), "bidirectional": len(parts) == 2}
    options["bias"] = w.bias_ih is not None
    options["dtype"] = getattr(torch, w.dtype.name)
    if w.weight_hr is not None:
        options["proj_size"] = w.output_size
    if w.cell == "rnn":
        options["nonlinearity"] = w.activation
    state: dict[str, Any] = {}
    for k, layer in enumerate(stack):
        for d, part in enumerate(layer.recurrent_parts()):
            try:
                state |= cell_to_torch(part.cell_weights, layer=k, reverse=d == 1)
            except ValueError as error:
                reason = str(error).partition(": ")[2]
                raise ValueError(f"to_torch: layer {part.name!r}: {reason}") from None
    module: nn.Module = kind(w.input_size, w.hidden_size, batch_first=True, **options)
    module.load_state_dict({name: torch.from_numpy(array) for name, array in state.items()})
    return module


def _require_stack(stack: list[Any]) -> None:
    """Raise unless the layers can be those of one module."""
    if not stack:
        raise ValueError("to_torch: layers is empty; expected at least one recurrent layer.")
    first = _described(stack[0])
    width = sum(part.output_size for part in stack[0].recurrent_parts())
    for layer in stack[1:]:
        for name, value in _described(layer).items():
            if value != first[name]:
                raise ValueError(
                    f"to_torch: layer {layer.name!r} has {name} {value} and the first {first[name]}"
                    "; expected the same (one module has layers of one kind)."
                )
        inputs = layer.recurrent_parts()[0].cell_weights.input_size
        if inputs != width:
            raise ValueError(
                f"to_torch: layer {layer.name!r} reads {inputs} features and the one before it "
                f"returns {width}; expected layers that were built one on top of the other."
            )


def _described(layer: Any) -> dict[str, Any]:
    """Return what the layers of one module have in common."""
    parts: Any = ()
    if type(layer) in (*_KINDS, Bidirectional):
        parts = layer.recurrent_parts()
    kinds = {type(part) for part in parts}
    if not kinds or not kinds <= set(_KINDS):
        listed = ", ".join(kind.__name__ for kind in _KINDS)
        raise ValueError(
            f"to_torch: {layer!r} is no layer of torch.nn's kind; expected {listed} or "
            "Bidirectional of one."
        )
    name = getattr(layer, "merge_mode", "concat")
    if len(kinds) > 1 or name != "concat":
        raise ValueError(
            f"to_torch: layer {layer.name!r} has merge_mode {name!r} and directions of "
            f'{len(kinds)} classes; expected "concat" and one class, as in torch.nn.'
        )
    forward = parts[0]
    if len(parts) == 1 and forward.go_backwards:
        raise ValueError(
            f"to_torch: layer {layer.name!r} has go_backwards=True; expected False "
            "(Bidirectional has both directions)."
        )
    for part in parts:
        if part.stateful:
            raise ValueError(
                f"to_torch: layer {layer.name!r} has stateful=True; expected False (torch.nn keeps "
                "no state between calls: give it the last one as hx)."
            )
        if part.noise.zoneout:
            raise ValueError(
                f"to_torch: layer {layer.name!r} has zoneout {part.noise.zoneout}; expected 0.0 "
                "(torch.nn has none, and it changes predictions too)."
            )
    options = [_options(part) for part in parts]
    for option, value in options[-1].items():
        if value != options[0][option]:
            raise ValueError(
                f"to_torch: layer {layer.name!r} has {option} {options[0][option]} forward and "
                f"{value} backward; expected the same (a module of torch.nn has one for both)."
            )
    return {"class": type(forward).__name__, "directions": len(parts), **options[0]}


def _options(part: Any) -> dict[str, Any]:
    """Return what torch.nn has once for all layers and directions of a module."""
    w = part.cell_weights
    return {
        "units": w.hidden_size,
        "projection": None if w.weight_hr is None else w.output_size,
        "use_bias": w.bias_ih is not None,
        "activation": w.activation,
        "dtype": w.dtype.name,
    }
