"""Random stacks of torch.nn's LSTM, GRU and RNN through our doors, in float64: forward, final
states and every gradient. Directions, layers, packed sequences, projections, initial states.
"""

import numpy as np
import pytest

from random_runs import SEEDS, Draw
from tidegate import CellWeights, functional
from tolerances import BETWEEN_ENGINES, assert_forward_close, assert_gradient_close

torch = pytest.importorskip("torch", reason="PyTorch is not installed: no parity with torch.nn")
from torch.nn.utils import rnn as packing  # noqa: E402

CELLS = {"LSTM": "lstm", "GRU": "gru", "RNN": "rnn"}


class RandomStack:
    """A torch module, its problem, and the same through our doors."""

    def __init__(self, seed):
        draw = Draw(seed)
        self.kind = draw.one("LSTM", "GRU", "RNN")
        self.steps, self.batch, self.inputs, self.hidden = (draw.size() for _ in range(4))
        self.layers = draw.one(1, 1, 2, 3)
        self.directions = draw.one(1, 2)
        options = {"nonlinearity": draw.one("tanh", "relu")} if self.kind == "RNN" else {}
        self.activation = options.get("nonlinearity", "tanh")
        self.width = self.hidden  # of h
        if self.kind == "LSTM" and self.hidden > 1 and draw.chance(0.3):
            self.width = options["proj_size"] = int(draw.rng.integers(1, self.hidden))
        torch.manual_seed(seed)
        self.module = getattr(torch.nn, self.kind)(
            self.inputs,
            self.hidden,
            self.layers,
            bias=draw.chance(0.8),
            bidirectional=self.directions == 2,
            dtype=torch.float64,
            **options,
        )
        self.x = draw.normal(self.steps, self.batch, self.inputs)
        self.lengths = draw.lengths(self.batch, self.steps, least=1) if draw.chance() else None
        runs = self.layers * self.directions
        widths = [self.width, self.hidden] if self.kind == "LSTM" else [self.width]
        self.states = [draw.normal(runs, self.batch, width) for width in widths]
        self.dstates = [draw.normal(runs, self.batch, width) for width in widths]
        self.dy = draw.normal(self.steps, self.batch, self.directions * self.width)

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

    def weights(self, layer, suffix):
        names = {n.rpartition("_l")[0] for n, _ in self.module.named_parameters()}
        arrays = {
            name: getattr(self.module, f"{name}_l{layer}{suffix}").detach().numpy()
            for name in names
        }
        return CellWeights(CELLS[self.kind], **arrays, activation=self.activation)

    def ours(self):
        """The same, layer by layer, with a bidirectional layer as one call."""
        h, saved, last, gradients = self.x, [], [], {}
        options = {"lengths": self.lengths, "training": True}
        for layer in range(self.layers):
            runs = range(layer * self.directions, (layer + 1) * self.directions)
            state = tuple(part[run] for run in runs for part in self.states)
            weights = [self.weights(layer, suffix) for suffix in self.suffixes()]
            if self.directions == 2:
                out = functional.birnn_forward(*weights, h, state, **options)
            else:
                out = functional.rnn_forward(weights[0], h, state, **options)
            h = out.y
            saved.append(out.saved)
            last.append(out.state)
        dy = self.dy
        dstates = []
        for layer in reversed(range(self.layers)):
            runs = range(layer * self.directions, (layer + 1) * self.directions)
            dstate = tuple(part[run] for run in runs for part in self.dstates)
            if self.directions == 2:
                grads = functional.birnn_backward(saved[layer], dy, dstate)
                weights = [grads.forward_weights, grads.backward_weights]
            else:
                grads = functional.rnn_backward(saved[layer], dy, dstate)
                weights = [grads.weights]
            for suffix, part in zip(self.suffixes(), weights, strict=True):
                gradients |= {f"{n}_l{layer}{suffix}": a for n, a in part.arrays().items()}
            dy = grads.x
            dstates.insert(0, grads.state)
        gradients["x"] = dy
        kinds = len(self.states)
        for k in range(kinds):
            parts = [part for state in dstates for part in state[k::kinds]]
            gradients[f"state {k}"] = np.stack(parts)
        states = [np.stack([p for s in last for p in s[k::kinds]]) for k in range(kinds)]
        return h, states, gradients

    def suffixes(self):
        return ("", "_reverse")[: self.directions]


@pytest.mark.parametrize("seed", SEEDS)
def test_stack(seed):
    stack = RandomStack(seed)
    y, last, theirs = stack.theirs()
    our_y, our_last, ours = stack.ours()
    assert_forward_close(our_y, y, "y", BETWEEN_ENGINES)
    for k, part in enumerate(our_last):
        assert_forward_close(part, last[k], f"state {k}", BETWEEN_ENGINES)
    assert ours.keys() == theirs.keys()
    for name, array in theirs.items():
        assert_gradient_close(ours[name], array, name, BETWEEN_ENGINES)
