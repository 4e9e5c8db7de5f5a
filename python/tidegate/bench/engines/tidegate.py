"""tidegate, through its functional interface.

Training packs the weights anew in every call, as after an optimiser step, and writes into the same
gradient arrays, as `fit` does.
"""

import numpy as np

from tidegate._arrays import FloatArray
from tidegate.bench.case import Case
from tidegate.bench.engines.engine import Engine as Base
from tidegate.bench.engines.engine import Prepared
from tidegate.bench.problem import Arrays, Problem, gradient_name
from tidegate.functional import SavedForward, rnn_backward, rnn_forward
from tidegate.runtime import set_num_threads
from tidegate.weights import CellWeights

Layers = list[list[CellWeights]]


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
        state = problem.state or None
        if not problem.case.training:

            def inference() -> FloatArray:
                return forward(weights, problem.x, state)[0]

            return Prepared(inference, lambda: {"y": inference()})

        gradients = [[w.empty_like() for w in directions] for directions in weights]

        def training() -> FloatArray:
            for directions in weights:
                for w in directions:
                    w.changed()
            _, saved = forward(weights, problem.x, state, training=True)
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
    *,
    training: bool = False,
) -> tuple[FloatArray, list[list[SavedForward | None]]]:
    """Run stacked, possibly bidirectional layers, composed of calls of one layer and direction."""
    saved: list[list[SavedForward | None]] = []
    for directions in layers:
        outs = [
            rnn_forward(w, x, state, training=training, go_backwards=direction == 1)
            for direction, w in enumerate(directions)
        ]
        saved.append([out.saved for out in outs])
        ys = [out.y for out in outs if out.y is not None]
        x = ys[0] if len(ys) == 1 else np.concatenate(ys, axis=-1)
    return x, saved


def backward(
    saved: list[list[SavedForward | None]], dy: FloatArray, gradients: Layers
) -> FloatArray:
    """Return the gradient by x; those of the weights go into `gradients`."""
    for layer in range(len(saved) - 1, -1, -1):
        dys = np.split(dy, len(saved[layer]), axis=-1)
        dxs = [
            rnn_backward(kept, part, out=out).x
            for kept, part, out in zip(saved[layer], dys, gradients[layer], strict=True)
        ]
        assert dxs[0] is not None
        dy = dxs[0]
        for dx in dxs[1:]:
            dy += dx
    return dy
