"""Turn the recurrent layers of a model into tidegate's, in place."""

from typing import Any

import torch

from tidegate._accelerated import Report
from tidegate.torch import cells, layers
from tidegate.torch.module import EngineModule
from tidegate.torch.parameters import check_weight

REPLACEMENTS = {
    made.torch_class: made
    for made in (
        *(layers.LSTM, layers.GRU, layers.RNN),
        *(cells.LSTMCell, cells.GRUCell, cells.RNNCell),
    )
}
NAMES = {kind.__name__ for kind in REPLACEMENTS}
HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")


def accelerate(module: torch.nn.Module) -> Report:
    """Let every recurrent layer of a model run on tidegate, in place.

    The modules stay the same objects with the same parameters: optimisers, hooks, shared layers and
    train or eval mode go on; only their class changes.

    Parameters
    ----------
    module : torch.nn.Module
        Any model; of a layer, the layer itself.

    Returns
    -------
    Report
        What was accelerated, what was left and why; print it.

    Raises
    ------
    TypeError
        `module` is not a torch.nn.Module.

    Examples
    --------
    >>> import torch, tidegate.torch
    >>> model = torch.nn.Sequential(torch.nn.Embedding(9, 3), torch.nn.GRU(3, 4))
    >>> print(tidegate.torch.accelerate(model))
    accelerate: 1 accelerated, 0 left
      1: GRU(3, 4)
    """
    if not isinstance(module, torch.nn.Module):
        raise TypeError(
            f"accelerate: module is {type(module).__name__}; expected a torch.nn.Module."
        )
    report = Report()
    for name, part in module.named_modules():
        if isinstance(part, EngineModule) or not _is_recurrent(part):
            continue
        why = _reason_to_leave(part)
        if why:
            report.left[name] = why
            continue
        part.__class__ = REPLACEMENTS[type(part)]
        report.accelerated[name] = repr(part)
        if any(getattr(part, hooks, None) for hooks in HOOKS):
            report.notes[name] = "has hooks; they go on running"
    return report


def _is_recurrent(part: Any) -> bool:
    if isinstance(part, torch.jit.ScriptModule):
        return part.original_name in NAMES
    return any(kind.__name__ in NAMES for kind in type(part).__mro__)


def _reason_to_leave(part: Any) -> str:
    """Return why a recurrent module cannot be accelerated; "" if it can."""
    kind = type(part)
    whole = f"{kind.__module__}.{kind.__name__}"
    reasons = {
        "compiled by torch.jit; accelerate the model before it is scripted": isinstance(
            part, torch.jit.ScriptModule
        ),
        "parametrized; accelerate the model before it is parametrized": (
            torch.nn.utils.parametrize.is_parametrized(part)
        ),
        f"quantized, {whole}": "quant" in kind.__module__,
        f"{whole} is a class of its own, not torch.nn's": kind not in REPLACEMENTS,
        "its forward was replaced": "forward" in vars(part),
    }
    for why, holds in reasons.items():
        if holds:
            return why
    try:
        for name, parameter in part.named_parameters():
            check_weight("accelerate", name, parameter)
    except (TypeError, RuntimeError) as error:
        return str(error).removeprefix("accelerate: ")
    return ""
