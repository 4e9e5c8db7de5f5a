"""tidegate, through its functional interface.

Training packs the weights anew in every call, as after an optimiser step, and writes into the same
gradient arrays, as `fit` does.
"""

from typing import Any

from tidegate.bench.case import Case
from tidegate.bench.engines.engine import Engine as Base
from tidegate.bench.engines.engine import Prepared
from tidegate.bench.problem import Arrays, Problem, gradient_name
from tidegate.functional.network import network_backward, network_forward
from tidegate.runtime import set_num_threads


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
        weights = problem.cell_weights()
        states = [problem.state * len(directions) for directions in weights]
        given = states if problem.state else None

        def forward(training: bool) -> Any:
            return network_forward(
                weights, problem.x, given, lengths=problem.lengths, training=training
            )

        if not problem.case.training:
            return Prepared(lambda: forward(False), lambda: {"y": forward(False).y})

        gradients = [[w.empty_like() for w in directions] for directions in weights]

        def training() -> Any:
            for directions in weights:
                for w in directions:
                    w.changed()
            return network_backward(forward(True).saved, problem.dy, out=gradients)

        def result() -> Arrays:
            named: Arrays = {"x": training().x}
            for layer, direction, _ in problem.cells():
                for name, array in gradients[layer][direction].arrays().items():
                    named[gradient_name(name, layer, direction)] = array
            return named

        return Prepared(training, result)
