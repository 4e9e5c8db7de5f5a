"""Weights from torch.nn and to torch.nn: the modules compute what we do."""

import numpy as np
import pytest

from random_runs import SEEDS, Draw
from tidegate import functional, weights
from tolerances import BETWEEN_ENGINES, assert_forward_close

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")
KINDS = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU, "rnn": torch.nn.RNN}


def random_module(draw):
    """A module of random options, and its cell."""
    cell = draw.one(*KINDS)
    options = {
        "num_layers": int(draw.one(1, 2, 3)),
        "bias": draw.chance(0.7),
        "bidirectional": draw.chance(),
        "dtype": getattr(torch, np.dtype(draw.dtype).name),
    }
    hidden = draw.size()
    if cell == "lstm" and hidden > 1 and draw.chance(0.4):
        options["proj_size"] = int(draw.rng.integers(1, hidden))
    if cell == "rnn":
        options["nonlinearity"] = draw.one("tanh", "relu")
    return KINDS[cell](draw.size(), hidden, **options), cell


def cells_of(module, cell, prefix=""):
    """The CellWeights of all layers and directions, from the state of a module around it."""
    state = {prefix + name: array for name, array in module.state_dict().items()}
    activation = {"nonlinearity": module.nonlinearity} if cell == "rnn" else {}
    return [
        [
            weights.from_torch(state, cell, layer=k, reverse=bool(d), prefix=prefix, **activation)
            for d in range(1 + module.bidirectional)
        ]
        for k in range(module.num_layers)
    ]


def run(layers, x):
    for directions in layers:
        if len(directions) == 1:
            x = functional.rnn_forward(directions[0], x).y
        else:
            x = functional.birnn_forward(*directions, x).y
    return x


@pytest.mark.parametrize("seed", SEEDS)
def test_a_module_and_its_cells_compute_the_same(seed):
    draw = Draw(seed, np.float64 if seed % 2 else np.float32)
    torch.manual_seed(seed)
    module, cell = random_module(draw)
    x = draw.normal(draw.size(), draw.size(), module.input_size)
    layers = cells_of(module, cell, "inside.")
    with torch.no_grad():
        expected = module(torch.from_numpy(x))[0].numpy()
    assert_forward_close(run(layers, x), expected, "y", BETWEEN_ENGINES)
    state = module.state_dict()
    for k, directions in enumerate(layers):
        for d, w in enumerate(directions):
            for name, array in weights.to_torch(w, layer=k, reverse=bool(d)).items():
                assert np.array_equal(array, state.pop(name).numpy()), name
    assert not state


@pytest.mark.parametrize("cell", KINDS)
def test_the_names_of_a_single_cell(cell):
    kind = {"lstm": torch.nn.LSTMCell, "gru": torch.nn.GRUCell, "rnn": torch.nn.RNNCell}[cell]
    module = kind(3, 4, dtype=torch.float64)
    w = weights.from_torch(dict(module.named_parameters()), cell, layer=None)
    x = np.random.default_rng(0).standard_normal((2, 3))
    out = module(torch.from_numpy(x))
    expected = (out[0] if cell == "lstm" else out).detach().numpy()
    assert_forward_close(functional.rnn_forward(w, x[None]).y[0], expected, "h", BETWEEN_ENGINES)
    assert set(weights.to_torch(w, layer=None)) == set(module.state_dict())


def test_a_gru_that_replaces_runs_in_torch():
    draw = Draw(5)
    arrays = {"weight_ih": draw.weights(3, 12, 3), "weight_hh": draw.weights(4, 12, 4)}
    arrays["bias_hh"] = draw.weights(4, 12)
    w = weights.CellWeights("gru", **arrays, update="replace")
    module = torch.nn.GRU(3, 4, dtype=torch.float64)
    module.load_state_dict({k: torch.from_numpy(a) for k, a in weights.to_torch(w).items()})
    x = draw.normal(5, 2, 3)
    expected = functional.rnn_forward(w, x).y
    with torch.no_grad():
        assert_forward_close(module(torch.from_numpy(x))[0].numpy(), expected, "y", BETWEEN_ENGINES)
