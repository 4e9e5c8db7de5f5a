"""Modules of torch.nn as models of tidegate."""

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import nn

from tidegate.layers import GRU, LSTM, Bidirectional, Dense, Dropout, Embedding, Input, SimpleRNN
from tidegate.models import Sequential
from tidegate.weights import CellWeights
from tidegate.weights import from_torch as cell_from_torch
from tidegate.weights.foreign import total_bias

# A layer, and its weights by the names of our parameters.
_Made = tuple[Any, dict[str, Any]]
_RECURRENT: dict[type[nn.Module], tuple[str, Any]] = {
    nn.LSTM: ("lstm", LSTM),
    nn.GRU: ("gru", GRU),
    nn.RNN: ("rnn", SimpleRNN),
}
# Modules that follow a Linear and become its activation; with the parameters that they have there.
_ACTIVATIONS: dict[type[nn.Module], Callable[[Any], Any]] = {
    nn.ReLU: lambda module: "relu",
    nn.Tanh: lambda module: "tanh",
    nn.Sigmoid: lambda module: "sigmoid",
    nn.Softsign: lambda module: "softsign",
    nn.ELU: lambda module: ("elu", {"alpha": module.alpha}),
    nn.LeakyReLU: lambda module: ("leaky_relu", {"alpha": module.negative_slope}),
}
_LISTED = "LSTM, GRU, RNN, Linear, Embedding, Dropout, Identity, and activations behind a Linear"


def from_torch(
    module: nn.Module, *, return_sequences: bool = True, seed: int | None = None
) -> Sequential:
    """Return a model of tidegate with the layers and weights of a module.

    Parameters
    ----------
    module : torch.nn.Module
        An LSTM, GRU or RNN (of torch.nn or of `tidegate.torch`), or an nn.Sequential of these and
        Linear, Embedding, Dropout, Identity, and behind a Linear ReLU, Tanh, Sigmoid, Softsign,
        ELU, LeakyReLU or Softmax over the last axis. What a recurrent module hands on is its
        output sequence, as if nn.Sequential took the first of what it returns.
    return_sequences : bool
        Whether the last recurrent layer returns every step, or the output after the last step (of
        both directions, each after its own last: h_n of the last layer, side by side).
    seed : int, optional
        Of the new model.

    Returns
    -------
    Sequential
        It takes (N, T, I), batch first, whatever batch_first is. LSTM and RNN have one bias in
        the place of two: their sum. Several layers of one module come one after another, with
        Dropout between.

    Raises
    ------
    ValueError
        A module or option that tidegate does not have; the message names it.
    TypeError
        It is no module.

    Warns
    -----
    UserWarning
        Parameters without requires_grad, or an Embedding with padding_idx: predictions are the
        same, but training the new model moves them, as it trains every layer and every row.

    Examples
    --------
    >>> module = nn.Sequential(nn.GRU(3, 8, num_layers=2), nn.Linear(8, 1))
    >>> from_torch(module, return_sequences=False).predict(np.zeros((2, 5, 3))).shape
    (2, 1)
    """
    if not isinstance(module, nn.Module):
        raise TypeError(
            f"from_torch: module is a {type(module).__name__}; expected a torch.nn.Module (of the "
            "arrays of a state_dict: tidegate.weights.from_torch)."
        )
    made = _layers(module)
    recurrent = [layer for layer, _ in made if layer.recurrent_parts()]
    for part in recurrent[-1].recurrent_parts() if recurrent else ():
        part.return_sequences = return_sequences
    if not made:
        raise ValueError(f"from_torch: module has no layers; expected {_LISTED}.")
    first = made[0][0]
    inputs = (None,) if isinstance(first, Embedding) else (None, _input_size(module))
    model = Sequential([Input(inputs), *(layer for layer, _ in made)], seed=seed)
    model.set_weights([arrays[p.name] for layer, arrays in made for p in layer.parameters])
    if fixed := [text for path, part in _parts(module) if (text := _fixed(path, part))]:
        warnings.warn(
            "from_torch: predictions are the same, but training the new model also moves what "
            f"PyTorch keeps as it is: {'; '.join(fixed)}.",
            stacklevel=2,
        )
    return model


def _layers(module: nn.Module) -> list[_Made]:
    """Return our layers of a module, not built."""
    made: list[_Made] = []
    before: nn.Module | None = None
    owners: dict[int, str] = {}
    _require_no_hooks(module)
    for path, part in _parts(module):
        _require_plain(path, part)
        _require_own(path, part, owners)
        kind = _kind(part)
        if kind in _RECURRENT:
            made += _recurrent(part, *_RECURRENT[kind])
        elif kind is nn.Linear:
            made.append(_linear(part))
        elif kind is nn.Embedding:
            made.append(_embedding(path, part))
        elif kind is nn.Dropout:
            made.append((Dropout(part.p), {}))
        elif (activation := _activation(part)) is not None and isinstance(before, nn.Linear):
            old, arrays = made.pop()
            dense = Dense(old.units, activation, old.use_bias, dtype=old.dtype.name)
            made.append((dense, arrays))
        elif kind is not nn.Identity:
            raise ValueError(_unknown(path, part))
        before = part if kind is not nn.Identity else before
    return made


def _unknown(path: str, part: nn.Module) -> str:
    """Say why a module has no counterpart, and what to do."""
    name = f"from_torch: module {path!r} is"
    if type(part) is nn.Softmax:
        return f"{name} Softmax(dim={part.dim}); expected dim=-1, behind a Linear."
    advice = ""
    if next(part.children(), None) is not None:
        advice = (
            " (a forward of your own cannot be read: convert an nn.Sequential of its parts, or "
            "load what torch.onnx.export writes by tidegate.onnx.load)"
        )
    return f"{name} {type(part).__name__}; expected one of {_LISTED}{advice}."


def _parts(module: nn.Module, path: str = "") -> Iterator[tuple[str, nn.Module]]:
    """Yield the modules of an nn.Sequential, with those of one inside, and where they stand."""
    if type(module) is not nn.Sequential:
        yield path, module
        return
    for name, part in module._modules.items():  # named_children leaves out what comes again
        assert part is not None
        yield from _parts(part, f"{path}.{name}" if path else name)


def _kind(module: nn.Module) -> type[nn.Module]:
    """Return the class of torch.nn; that of a drop-in is the one that it replaces."""
    kind = type(module)
    ours = kind.__module__.startswith("tidegate.torch.")
    found = next((base for base in _RECURRENT if ours and issubclass(kind, base)), kind)
    return found


def _require_no_hooks(module: nn.Module) -> None:
    """Raise where a call may compute something else than the arrays of the modules say."""
    for path, part in module.named_modules():
        own = vars(part)
        if own["_forward_hooks"] or own["_forward_pre_hooks"]:
            raise ValueError(
                f"from_torch: module {path!r} ({type(part).__name__}): has hooks; expected none, "
                "for they may change what it computes (remove them: handle.remove(), "
                "torch.nn.utils.remove_weight_norm, torch.nn.utils.prune.remove)."
            )


def _require_plain(path: str, module: nn.Module) -> None:
    """Raise for parameters of a dtype that our layers do not have."""
    for name, parameter in module.named_parameters():
        where = f"from_torch: module {path!r} ({type(module).__name__})"
        if parameter.dtype not in (torch.float32, torch.float64):
            raise ValueError(
                f"{where}: {name} has dtype {parameter.dtype}; expected torch.float32 or "
                "torch.float64 (module.float() converts)."
            )


def _fixed(path: str, module: nn.Module) -> str:
    """Say which values of a module PyTorch does not train; "" if it trains all."""
    names = [name for name, p in module.named_parameters() if not p.requires_grad]
    found = [f"{', '.join(names)} (requires_grad=False)"] if names else []
    if getattr(module, "padding_idx", None) is not None:
        found.append(f"row {module.padding_idx} (padding_idx)")
    return f"module {path!r} ({type(module).__name__}): {', '.join(found)}" if found else ""


def _require_own(path: str, module: nn.Module, owners: dict[int, str]) -> None:
    """Raise for parameters that a module before this one has; `owners` is by their ids."""
    for name, parameter in module.named_parameters():
        owner = owners.setdefault(id(parameter), path)
        if owner != path:
            raise ValueError(
                f"from_torch: module {path!r} ({type(module).__name__}): {name} is that of module "
                f"{owner!r}; expected parameters of its own (layers of a Sequential share none)."
            )


def _dtype(parameter: Any) -> str:
    return str(parameter.dtype).removeprefix("torch.")


def _recurrent(module: Any, cell: str, ours: Any) -> list[_Made]:
    """Return the layers of a recurrent module, with Dropout between."""
    options: dict[str, Any] = {"use_bias": module.bias, "dtype": _dtype(module.weight_hh_l0)}
    if module.proj_size:
        options["projection"] = module.proj_size
    nonlinearity = {"nonlinearity": module.nonlinearity} if cell == "rnn" else {}
    options |= {"activation": module.nonlinearity} if cell == "rnn" else {}
    state = module.state_dict()
    made: list[_Made] = []
    for k in range(module.num_layers):
        if k and module.dropout:
            made.append((Dropout(module.dropout), {}))
        layer = ours(module.hidden_size, return_sequences=True, **options)
        cells = [
            cell_from_torch(state, cell, layer=k, reverse=reverse, **nonlinearity)
            for reverse in (False, True)[: 1 + module.bidirectional]
        ]
        if not module.bidirectional:
            made.append((layer, _values(cells[0])))
            continue
        directions = zip(("forward", "backward"), cells, strict=True)
        values = {f"{d}/{name}": a for d, w in directions for name, a in _values(w).items()}
        made.append((Bidirectional(layer), values))
    return made


def _values(w: CellWeights) -> dict[str, Any]:
    """Return the arrays as our layers have them: one bias where the two are only added."""
    arrays = w.arrays()
    bias = total_bias(arrays)
    if w.cell == "gru" or bias is None:
        return dict(arrays)
    kept = {name: array for name, array in arrays.items() if not name.startswith("bias")}
    return {**kept, "bias_ih": bias}


def _linear(module: Any) -> _Made:
    kernel = module.weight.detach().numpy().T
    bias = {} if module.bias is None else {"bias": module.bias.detach().numpy()}
    layer = Dense(module.out_features, use_bias=bool(bias), dtype=_dtype(module.weight))
    return layer, {"kernel": kernel, **bias}


def _embedding(path: str, module: Any) -> _Made:
    if module.max_norm is not None:
        raise ValueError(
            f"from_torch: module {path!r} (Embedding): max_norm is {module.max_norm}; expected "
            "None (PyTorch shortens the rows that a call reads: where none is longer, set "
            "module.max_norm = None)."
        )
    table = module.weight.detach().numpy()
    layer = Embedding(module.num_embeddings, module.embedding_dim, dtype=_dtype(module.weight))
    return layer, {"embeddings": table}


def _activation(module: Any) -> Any:
    """Return our activation of a module, or None."""
    if type(module) is nn.Softmax:
        return "softmax" if module.dim == -1 else None
    of = _ACTIVATIONS.get(type(module))
    return of(module) if of is not None else None


def _input_size(module: nn.Module) -> int:
    """Return the features of what the first module with a size takes."""
    for _, part in _parts(module):
        size = getattr(part, "input_size", getattr(part, "in_features", None))
        if size is not None:
            return int(size)
    raise ValueError("from_torch: no module has a size of its input; expected a Linear or an LSTM.")
