"""tidegate, through its functional interface.

Training packs the weights anew in every call, as after an optimiser step, and writes into the same
gradient arrays, as `fit` does.
"""

from typing import Any

from tidegate._arrays import FloatArray
from tidegate.bench.case import Case
from tidegate.bench.engines.engine import Engine as Base
from tidegate.bench.engines.engine import Prepared
from tidegate.bench.problem import Arrays, IntArray, Problem, gradient_name
from tidegate.functional import (
    SavedForward,
    SavedStack,
    birnn_backward,
    birnn_forward,
    rnn_backward,
    rnn_forward,
    rnn_stack_backward,
    rnn_stack_forward,
)
from tidegate.runtime import set_num_threads
from tidegate.weights import CellWeights

Layers = list[list[CellWeights]]
# Of one layer, of a stack, or of each bidirectional layer.
Saved = SavedForward | SavedStack | list[Any] | None


class Engine(Base):
    """See `tidegate.bench.engines.engine.Engine`."""

    def __init__(self, threads: int) -> None:
        set_num_threads(threads)

    @staticmethod
    def refusal(case: Case) -> str | None:
        """Nothing is refused."""
        return None

    def prepare(self, problem: Problem) -> Prepared:
        """Make the weights and, for training, the arrays of their gradients."""
        kind = problem.case.cell
        weights = [
            [
                CellWeights.view(
                    kind.cell,
                    **arrays,
                    activation=kind.activation,
                    reset_after=kind.reset_after,
                )
                for arrays in directions
            ]
            for directions in problem.layers
        ]
        state, lengths = problem.state or None, problem.lengths
        if not problem.case.training:

            def inference() -> FloatArray:
                return forward(weights, problem.x, state, lengths)[0]

            return Prepared(inference, lambda: {"y": inference()})

        gradients = [[w.empty_like() for w in directions] for directions in weights]

        def training() -> FloatArray:
            for directions in weights:
                for w in directions:
                    w.changed()
            _, saved = forward(weights, problem.x, state, lengths, training=True)
            return backward(saved, problem.dy, gradients)

        def result() -> Arrays:
            named: Arrays = {"x": training()}
            for layer, direction, _ in problem.cells():
                for name, array in gradients[layer][direction].arrays().items():
                    named[gradient_name(name, layer, direction)] = array
            return named

        return Prepared(training, result)


def forward(
    layers: Layers,
    x: FloatArray,
    state: tuple[FloatArray, ...] | None,
    lengths: IntArray | None,
    *,
    training: bool = False,
) -> tuple[FloatArray, Saved]:
    """Run a layer, a stack, or stacked bidirectional layers, each by the door made for it."""
    y: FloatArray | None = x
    options: dict[str, Any] = {"lengths": lengths, "training": training}
    if len(layers[0]) == 2:
        kept: list[Any] = []
        both = None if state is None else state * 2
        for ahead, back in layers:
            out = birnn_forward(ahead, back, y, both, **options)
            y = out.y
            kept.append(out.saved)
        saved: Saved = kept
    elif len(layers) > 1:
        states = None if state is None else [state] * len(layers)
        y, _, saved = rnn_stack_forward([w for [w] in layers], x, states, **options)
    else:
        y, _, saved, _ = rnn_forward(layers[0][0], x, state, **options)
    assert y is not None
    return y, saved


def backward(saved: Saved, dy: FloatArray, gradients: Layers) -> FloatArray:
    """Return the gradient by x; those of the weights go into `gradients`."""
    dx: FloatArray | None = dy
    if isinstance(saved, list):
        for kept, out in zip(saved[::-1], gradients[::-1], strict=True):
            dx = birnn_backward(kept, dx, out=out).x
    elif isinstance(saved, SavedStack):
        dx = rnn_stack_backward(saved, dy, out=[out for [out] in gradients]).x
    else:
        dx = rnn_backward(saved, dy, out=gradients[0][0]).x
    assert dx is not None
    return dx
