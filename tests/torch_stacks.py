"""Stacks of torch.nn's LSTM, GRU and RNN, and the same through our doors, in float64."""

import numpy as np
import pytest

from tidegate import CellWeights, functional

torch = pytest.importorskip("torch", reason="PyTorch is not installed: no parity with torch.nn")
from torch.nn.utils import rnn as packing  # noqa: E402

CELLS = {"LSTM": "lstm", "GRU": "gru", "RNN": "rnn"}


class TorchStack:
    """A torch module, its problem, and the same through our doors.

    Parameters
    ----------
    draw : Draw
        Where x, states and their gradients come from.
    kind : "LSTM", "GRU" or "RNN"
    sizes : T, B, I, H
    layers, directions : int
    lengths : (B,) at least 1, optional
        Torch packs the sequences.
    options : arguments of the torch module
    """

    def __init__(self, draw, kind, sizes, *, layers=1, directions=1, lengths=None, **options):
        self.kind, self.layers, self.directions, self.lengths = kind, layers, directions, lengths
        self.steps, batch, inputs, hidden = sizes
        self.activation = options.get("nonlinearity", "tanh")
        width = options.get("proj_size", 0) or hidden  # of h
        torch.manual_seed(int(draw.rng.integers(1 << 31)))
        self.module = getattr(torch.nn, kind)(
            inputs,
            hidden,
            layers,
            bidirectional=directions == 2,
            dtype=torch.float64,
            **options,
        )
        self.x = draw.normal(self.steps, batch, inputs)
        runs = layers * directions
        widths = [width, hidden] if kind == "LSTM" else [width]
        self.states = [draw.normal(runs, batch, part) for part in widths]
        self.dstates = [draw.normal(runs, batch, part) for part in widths]
        self.dy = draw.normal(self.steps, batch, directions * width)

    def theirs(self):
        """y, the final states, and gradients by name."""
        x = torch.from_numpy(self.x).requires_grad_()
        states = [torch.from_numpy(part).requires_grad_() for part in self.states]
        given = x
        if self.lengths is not None:
            lengths = torch.from_numpy(self.lengths)
            given = packing.pack_padded_sequence(x, lengths, enforce_sorted=False)
        y, last = self.module(given, tuple(states) if self.kind == "LSTM" else states[0])
        if self.lengths is not None:
            y = packing.pad_packed_sequence(y, total_length=self.steps)[0]
        last = last if self.kind == "LSTM" else (last,)
        loss = (y * torch.from_numpy(self.dy)).sum()
        for part, dpart in zip(last, self.dstates, strict=True):
            loss = loss + (part * torch.from_numpy(dpart)).sum()
        loss.backward()
        gradients = {name: p.grad.numpy() for name, p in self.module.named_parameters()}
        gradients["x"] = x.grad.numpy()
        gradients |= {f"state {k}": part.grad.numpy() for k, part in enumerate(states)}
        return y.detach().numpy(), [part.detach().numpy() for part in last], gradients

    def ours(self):
        """The same: layers of one direction in one call, bidirectional layers one by one."""
        options = {"lengths": self.lengths, "training": True}
        suffixes = ("", "_reverse")[: self.directions]
        weights = [[self._weights(k, suffix) for suffix in suffixes] for k in range(self.layers)]
        states, dstates = self._by_layer(self.states), self._by_layer(self.dstates)
        if self.directions == 1:
            stack = [w for [w] in weights]
            y, last, saved = functional.rnn_stack_forward(stack, self.x, states, **options)
            dy, dfirst, dweights = functional.rnn_stack_backward(saved, self.dy, dstates)
            grads = [[dw] for dw in dweights]
        else:
            y, outs = self.x, []
            for both, state in zip(weights, states, strict=True):
                outs.append(functional.birnn_forward(*both, y, state, **options))
                y = outs[-1].y
            last, dy, backs = [out.state for out in outs], self.dy, []
            for out, dstate in zip(outs[::-1], dstates[::-1], strict=True):
                backs.insert(0, functional.birnn_backward(out.saved, dy, dstate))
                dy = backs[0].x
            dfirst = [back.state for back in backs]
            grads = [[back.forward_weights, back.backward_weights] for back in backs]
        gradients = {
            f"{name}_l{k}{suffix}": array
            for k, both in enumerate(grads)
            for suffix, part in zip(suffixes, both, strict=True)
            for name, array in part.arrays().items()
        }
        gradients["x"] = dy
        gradients |= {f"state {k}": part for k, part in enumerate(self._by_kind(dfirst))}
        return y, self._by_kind(last), gradients

    def compare(self, compare_forward, compare_gradient):
        """Give every array of ours, torch's and its name to one of two functions."""
        y, last, theirs = self.theirs()
        our_y, our_last, ours = self.ours()
        compare_forward(our_y, y, "y")
        for k, part in enumerate(our_last):
            compare_forward(part, last[k], f"state {k}")
        assert ours.keys() == theirs.keys()
        for name, array in theirs.items():
            compare_gradient(ours[name], array, name)

    def _weights(self, layer, suffix):
        names = {n.rpartition("_l")[0] for n, _ in self.module.named_parameters()}
        arrays = {
            name: getattr(self.module, f"{name}_l{layer}{suffix}").detach().numpy()
            for name in names
        }
        return CellWeights(CELLS[self.kind], **arrays, activation=self.activation)

    def _by_layer(self, states):
        """Torch's h and c (D*layers, B, H) as one tuple per layer, direction by direction."""
        count = self.directions
        return [
            tuple(part[run] for run in range(k * count, (k + 1) * count) for part in states)
            for k in range(self.layers)
        ]

    def _by_kind(self, states):
        """The inverse of `_by_layer`."""
        kinds = len(self.states)
        return [np.stack([part for s in states for part in s[k::kinds]]) for k in range(kinds)]
