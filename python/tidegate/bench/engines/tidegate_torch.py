"""tidegate as a drop-in for torch.nn: what a PyTorch program sees, autograd included.

Training packs the weights anew in every call, as after an optimiser step.
"""

from typing import Any

from tidegate.bench.engines.torch import Engine as TorchEngine
from tidegate.runtime import set_num_threads


class Engine(TorchEngine):
    """See `tidegate.bench.engines.engine.Engine`; cases and refusals are those of torch.nn."""

    def __init__(self, threads: int) -> None:
        super().__init__(threads)
        set_num_threads(threads)

    def _after_step(self, module: Any) -> None:
        for parameter in module.parameters():
            self._torch.autograd.graph.increment_version(parameter)

    def _layers(self) -> Any:
        import tidegate.torch

        return tidegate.torch
