"""Random stacks of torch.nn's LSTM, GRU and RNN through our doors, in float64: forward, final
states and every gradient. Directions, layers, packed sequences, projections, initial states.
"""

import pytest

from oracle_errors import Configuration
from random_runs import SEEDS, Draw
from torch_stacks import TorchStack


def random_stack(draw):
    """A stack, and which options it has."""
    kind = draw.one("LSTM", "GRU", "RNN")
    sizes = tuple(draw.size() for _ in range(4))
    steps, batch, _, hidden = sizes
    layers, directions = draw.one(1, 1, 2, 3), draw.one(1, 2)
    options = {"bias": draw.chance(0.8)}
    if kind == "RNN":
        options["nonlinearity"] = draw.one("tanh", "relu")
    if kind == "LSTM" and hidden > 1 and draw.chance(0.3):
        options["proj_size"] = int(draw.rng.integers(1, hidden))
    lengths = draw.lengths(batch, steps, least=1) if draw.chance() else None
    used = {
        kind: True,
        "relu": options.get("nonlinearity") == "relu",
        "projection": "proj_size" in options,
        "packed sequences": lengths is not None,
        "2 or 3 layers": layers > 1,
        "both directions": directions == 2,
        "without bias": not options["bias"],
    }
    stack = TorchStack(
        draw, kind, sizes, layers=layers, directions=directions, lengths=lengths, **options
    )
    return stack, used


@pytest.mark.parametrize("seed", SEEDS)
def test_stack(seed):
    stack, used = random_stack(Draw(seed))
    configuration = Configuration("PyTorch, float64", used)
    stack.compare(configuration.compare_forward, configuration.compare_gradient)
