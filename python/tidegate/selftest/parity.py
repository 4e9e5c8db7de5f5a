"""Forward and gradients beside `tidegate.reference`, the textbook in NumPy float64."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from tidegate import functional, reference
from tidegate.selftest.cells import PLAIN_CELLS, Cell, Problem, make_problem, make_weights
from tidegate.selftest.compare import Worst, forward_error, gradient_error, worse

RAGGED_SHAPE = (5, 9, 4, 19)  # (T, B, I, H)


class Run(NamedTuple):
    """What one forward and one backward pass returned."""

    out: Any
    grads: Any


def run(doors: Any, problem: Problem, **layout: Any) -> Run:
    """Forward and backward by `tidegate.functional` or `tidegate.reference`."""
    layout = problem.layout | layout
    out = doors.rnn_forward(problem.weights, problem.x, problem.state, training=True, **layout)
    return Run(out, doors.rnn_backward(out.saved, problem.dy, problem.dstate))


def forward_worst(got: Any, expected: Any, cell: Cell) -> Worst:
    """Compare y and the last state."""
    normalized = "norm" in cell.parts
    pairs = [(got.y, expected.y), *zip(got.state, expected.state, strict=True)]
    return worse(*(forward_error(*pair, normalized) for pair in pairs))


def gradients_worst(got: Any, expected: Any) -> Worst:
    """Compare the gradients by x, the first state and every array of the weights."""
    arrays, wanted = got.weights.arrays(), expected.weights.arrays()
    pairs = [(got.x, expected.x), *zip(got.state, expected.state, strict=True)]
    pairs += [(arrays[name], array) for name, array in wanted.items()]
    return worse(*(gradient_error(*pair) for pair in pairs))


def check_plain(problem: Problem) -> Iterator[tuple[str, Worst]]:
    """Compare outputs with and without training, and all gradients."""
    got, expected = run(functional, problem), run(reference, problem)
    inference = functional.rnn_forward(problem.weights, problem.x, problem.state, **problem.layout)
    yield "forward", forward_worst(got.out, expected.out, problem.cell)
    yield "forward, inference", forward_worst(inference, expected.out, problem.cell)
    yield "gradients", gradients_worst(got.grads, expected.grads)


def _compared(problem: Problem, layout: dict[str, Any]) -> Worst:
    got, expected = run(functional, problem, **layout), run(reference, problem, **layout)
    return worse(
        forward_worst(got.out, expected.out, problem.cell),
        gradients_worst(got.grads, expected.grads),
    )


def check_ragged(problem: Problem) -> Iterator[tuple[str, Worst]]:
    """Sequences of several lengths, and masks with gaps, also from the last step to the first."""
    steps, batch = problem.shape[:2]
    rng = np.random.default_rng(1)
    lengths = rng.integers(0, steps + 1, batch)
    lengths[:3] = 0, 1, steps
    for go_backwards in (False, True):
        backwards = {"go_backwards": go_backwards}
        yield "lengths", _compared(problem, {"lengths": lengths, **backwards})
    mask = rng.random((batch, steps)) < 0.6
    for output in ("zero", "hold"):
        yield "mask", _compared(problem, {"mask": mask, "masked_output": output})


def check_factors(problem: Problem) -> Iterator[tuple[str, Worst]]:
    """Factors on the state at every step: decay and zoneout."""
    _, batch, _, hidden = problem.shape
    rng = np.random.default_rng(2)
    width = problem.cell.output_size(hidden)

    def uniform(*size: int) -> Any:
        return rng.uniform(0, 1, size).astype(problem.x.dtype)

    factors = {"state_scale": uniform(*problem.dy.shape), "state_keep": uniform(batch, width)}
    yield "state factors", _compared(problem, factors)


def check_bidirectional(problem: Problem) -> Iterator[tuple[str, Worst]]:
    """Two directions in one call, with lengths."""
    cell, (steps, batch, inputs, hidden) = problem.cell, problem.shape
    weights = (problem.weights, make_weights(cell, inputs, hidden, problem.x.dtype, seed=1))
    lengths = np.arange(batch) % (steps + 1)
    dy = np.concatenate([problem.dy, problem.dy[::-1]], axis=2)
    out = functional.birnn_forward(
        *weights, problem.x, problem.state * 2, lengths=lengths, training=True
    )
    grads = functional.birnn_backward(out.saved, dy, problem.dstate * 2)
    expected = []
    for k, part in enumerate(np.split(dy, 2, axis=2)):
        one = problem._replace(weights=weights[k], dy=part)
        expected.append(run(reference, one, lengths=lengths, go_backwards=k == 1))
    y = np.concatenate([one.out.y for one in expected], axis=2)
    assert out.y is not None
    assert grads.x is not None
    normalized = "norm" in cell.parts
    yield "bidirectional", forward_error(out.y, y, normalized)
    state = [part for one in expected for part in one.out.state]
    for got, wanted in zip(out.state, state, strict=True):
        yield "bidirectional", forward_error(got, wanted, normalized)
    yield "bidirectional", gradient_error(grads.x, sum(one.grads.x for one in expected))
    dstate = [part for one in expected for part in one.grads.state]
    for got, wanted in zip(grads.state, dstate, strict=True):
        yield "bidirectional", gradient_error(got, wanted)
    for k, direction in enumerate((grads.forward_weights, grads.backward_weights)):
        arrays = expected[k].grads.weights.arrays()
        for name, array in direction.arrays().items():
            yield "bidirectional", gradient_error(array, arrays[name])


Checker = Callable[[Problem], Iterator[tuple[str, Worst]]]
# What is tried once for each variant of a cell, at RAGGED_SHAPE.
FOR_VARIANTS: tuple[Checker, ...] = (check_ragged, check_factors, check_bidirectional)


def variants(dtype: Any) -> Iterator[Problem]:
    """One problem for each variant of a cell."""
    for cell in PLAIN_CELLS:
        yield make_problem(cell, RAGGED_SHAPE, dtype)
