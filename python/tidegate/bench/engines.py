"""The engines: each makes a function that runs one case once, in its own process."""

from collections.abc import Callable
from typing import Any

import numpy as np

from tidegate.bench.cases import Case
from tidegate.weights import GATES

Run = Callable[[], Any]


def arrays_of(case: Case) -> tuple[list[Any], Any, Any]:
    """Return weights (PyTorch's layout), x and dy in float32."""
    rng = np.random.default_rng(0)
    rows, bound = GATES[case.cell] * case.hidden, 1 / np.sqrt(case.hidden)
    shapes = ((rows, case.inputs), (rows, case.hidden), (rows,), (rows,))
    weights = [rng.uniform(-bound, bound, shape).astype(np.float32) for shape in shapes]
    x = rng.normal(size=(case.steps, case.batch, case.inputs)).astype(np.float32)
    dy = rng.normal(size=(case.steps, case.batch, case.hidden)).astype(np.float32)
    return weights, x, dy


def tidegate(case: Case, threads: int) -> Run:
    """Make a call of the functional interface; training packs and reuses buffers, as fit does."""
    import tidegate as tg

    tg.set_num_threads(threads)
    weights, x, dy = arrays_of(case)
    w = tg.CellWeights.view(case.cell, *weights)
    gradients = w.like({name: np.empty_like(array) for name, array in w.arrays().items()})

    def inference() -> None:
        tg.functional.rnn_forward(w, x)

    def training() -> None:
        w.changed()
        out = tg.functional.rnn_forward(w, x, training=True)
        tg.functional.rnn_backward(out.saved, dy, out=gradients)

    return training if case.training else inference


def torch(case: Case, threads: int) -> Run:
    """Make a call of torch.nn, in inference mode or with autograd."""
    import torch  # type: ignore[import-not-found, unused-ignore]

    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)
    weights, x_array, dy_array = arrays_of(case)
    kind = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU, "rnn": torch.nn.RNN}[case.cell]
    module = kind(case.inputs, case.hidden)
    with torch.no_grad():
        for parameter, array in zip(module.parameters(), weights, strict=True):
            parameter.copy_(torch.from_numpy(array))
    x, dy = torch.from_numpy(x_array), torch.from_numpy(dy_array)

    def inference() -> None:
        with torch.inference_mode():
            module(x)

    def training() -> None:
        module.zero_grad()
        x.grad = None
        x.requires_grad_(True)
        module(x)[0].backward(dy)

    return training if case.training else inference


ENGINES: dict[str, Callable[[Case, int], Run]] = {"tidegate": tidegate, "torch": torch}
