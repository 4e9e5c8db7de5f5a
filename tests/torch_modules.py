"""Modules of torch.nn beside ours: the same weights, inputs and losses, and all gradients."""

import pytest

from random_runs import Draw
from tolerances import BETWEEN_ENGINES, assert_forward_close, assert_gradient_close

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
from torch.nn.utils import rnn as packing  # noqa: E402

import tidegate.torch as tt  # noqa: E402

LAYERS = ("LSTM", "GRU", "RNN")
CELLS = ("LSTMCell", "GRUCell", "RNNCell")


def pair(kind, *args, seed=0, **kwargs):
    """A module of torch.nn and ours, each initialised from the same seed."""
    made = []
    for source in (torch.nn, tt):
        torch.manual_seed(seed)
        made.append(getattr(source, kind)(*args, **kwargs))
    return made


def results(module, x, states=(), *, pack=None, seed=0):
    """Outputs and, by a loss of random weights, all gradients, by name.

    `pack` are the arguments of pack_padded_sequence; dropout draws from `seed`.
    """
    x = x.clone().requires_grad_()
    states = [part.clone().requires_grad_() for part in states]
    for parameter in module.parameters():
        parameter.grad = None
    given = x if pack is None else packing.pack_padded_sequence(x, **pack)
    torch.manual_seed(seed)
    hx = tuple(states) if len(states) == 2 else states[0] if states else None
    flat = _flat(module(given, hx))
    generator = torch.Generator().manual_seed(1)
    loss = sum((o * torch.randn(o.shape, generator=generator, dtype=o.dtype)).sum() for o in flat)
    loss.backward()
    outputs = {f"output {k}": part.detach() for k, part in enumerate(flat)}
    gradients = {f"d{name}": p.grad for name, p in module.named_parameters()}
    gradients["dx"] = x.grad
    gradients |= {f"dstate {k}": part.grad for k, part in enumerate(states)}
    return outputs, gradients


def _flat(result):
    if isinstance(result, torch.Tensor):
        return [result]
    if isinstance(result, packing.PackedSequence):
        return [result.data]
    return [tensor for part in result for tensor in _flat(part)]


def assert_same_results(theirs, ours, x, states=(), **options):
    """Compare outputs and every gradient of two modules."""
    expected_outputs, expected_gradients = results(theirs, x, states, **options)
    outputs, gradients = results(ours, x, states, **options)
    assert gradients.keys() == expected_gradients.keys()
    for name, expected in expected_outputs.items():
        assert_forward_close(outputs[name].numpy(), expected.numpy(), name, BETWEEN_ENGINES)
    for name, expected in expected_gradients.items():
        got = gradients[name]
        assert (got is None) == (expected is None), name
        if got is not None:
            assert_gradient_close(got.numpy(), expected.numpy(), name, BETWEEN_ENGINES)


def random_layer(seed, dtype=torch.float64):
    """Two modules with random options, x, states, and how it is packed, if it is."""
    draw = Draw(seed)
    kind = draw.one(*LAYERS)
    steps, batch, inputs, hidden = (draw.size() for _ in range(4))
    options = {
        "num_layers": draw.one(1, 1, 2, 3),
        "bias": draw.chance(0.8),
        "batch_first": draw.chance(),
        "bidirectional": draw.chance(),
        "dtype": dtype,
    }
    if options["num_layers"] > 1 and draw.chance():
        options["dropout"] = draw.one(0.3, 1.0)
    if kind == "RNN":
        options["nonlinearity"] = draw.one("tanh", "relu")
    if kind == "LSTM" and hidden > 1 and draw.chance(0.3):
        options["proj_size"] = int(draw.rng.integers(1, hidden))
    batched, pack = draw.chance(0.8), None
    if batched and draw.chance(0.4):
        lengths = torch.from_numpy(draw.lengths(batch, steps, least=1))
        is_sorted = draw.chance()
        lengths = lengths.sort(descending=True).values if is_sorted else lengths
        pack = {"lengths": lengths, "batch_first": options["batch_first"]}
        pack["enforce_sorted"] = is_sorted
    shape = ((batch, steps) if options["batch_first"] else (steps, batch)) if batched else (steps,)
    x = torch.from_numpy(draw.normal(*shape, inputs)).to(dtype)
    runs = options["num_layers"] * (1 + options["bidirectional"])
    widths = [options.get("proj_size", 0) or hidden, hidden][: 2 if kind == "LSTM" else 1]
    sizes = [(runs, batch, width) if batched else (runs, width) for width in widths]
    states = [torch.from_numpy(draw.normal(*size)).to(dtype) for size in sizes]
    modules = pair(kind, inputs, hidden, seed=seed, **options)
    return modules, x, states if draw.chance(0.7) else [], pack
