"""PyTorch: torch.nn in inference mode, or with autograd; packed sequences where lengths differ."""

from typing import Any

from tidegate.bench.case import Case
from tidegate.bench.engines.engine import Engine as Base
from tidegate.bench.engines.engine import Prepared
from tidegate.bench.problem import Arrays, Problem, gradient_name


class Engine(Base):
    """See `tidegate.bench.engines.engine.Engine`."""

    def __init__(self, threads: int) -> None:
        import torch

        torch.set_num_threads(threads)
        torch.set_num_interop_threads(1)
        torch.set_flush_denormal(True)
        self._torch = torch

    @staticmethod
    def refusal(case: Case) -> str | None:
        """torch.nn has neither peepholes, nor a reset before the product, nor other LSTMs."""
        kind = case.cell
        if kind.peephole:
            return "torch.nn.LSTM has no peepholes"
        if not kind.reset_after:
            return "torch.nn.GRU resets after the product only"
        if kind.cell == "lstm" and kind.activation != "tanh":
            return "torch.nn.LSTM has no other activation"
        return None

    def prepare(self, problem: Problem) -> Prepared:
        """Make a module with the weights of the problem."""
        torch = self._torch
        case = problem.case
        module = self._module(case)
        with torch.no_grad():
            for layer, direction, arrays in problem.cells():
                for name, array in arrays.items():
                    getattr(module, _name(name, layer, direction)).copy_(torch.from_numpy(array))
        x, dy = torch.from_numpy(problem.x), torch.from_numpy(problem.dy)
        state = self._state(problem)
        lengths = None if problem.lengths is None else torch.from_numpy(problem.lengths)
        packing = torch.nn.utils.rnn

        def forward() -> Any:
            if lengths is None:
                return module(x, state)[0]
            packed = packing.pack_padded_sequence(x, lengths, enforce_sorted=False)
            return packing.pad_packed_sequence(module(packed, state)[0], total_length=case.steps)[0]

        def inference() -> Any:
            with torch.inference_mode():
                return forward()

        if not case.training:
            return Prepared(inference, lambda: {"y": inference().numpy()})
        x.requires_grad_(True)

        def training() -> None:
            self._after_step(module)
            module.zero_grad()
            x.grad = None
            forward().backward(dy)

        def result() -> Arrays:
            training()
            named: Arrays = {"x": x.grad.numpy()}
            for layer, direction, arrays in problem.cells():
                for name in arrays:
                    gradient = getattr(module, _name(name, layer, direction)).grad
                    named[gradient_name(name, layer, direction)] = gradient.numpy()
            return named

        return Prepared(training, result)

    def _after_step(self, module: Any) -> None:
        """Do what an optimiser's step does to the module, the arithmetic apart."""

    def _layers(self) -> Any:
        """Return where the layers come from."""
        return self._torch.nn

    def _state(self, problem: Problem) -> Any:
        """Return the initial state as torch.nn takes it."""
        parts = [self._torch.from_numpy(part[None]) for part in problem.state]
        return tuple(parts) if len(parts) > 1 else parts[0] if parts else None

    def _module(self, case: Case) -> Any:
        """Make the torch.nn module of a case."""
        torch = self._torch
        options: dict[str, Any] = {"num_layers": case.layers, "bidirectional": case.bidirectional}
        if case.cell.cell == "rnn":
            options["nonlinearity"] = case.cell.activation
        kind = getattr(self._layers(), case.cell.cell.upper())
        module = kind(case.inputs, case.hidden, dtype=getattr(torch, case.dtype), **options)
        return module.train(case.training)


def _name(array: str, layer: int, direction: int) -> str:
    """Return torch.nn's name of a weight."""
    return f"{array}_l{layer}{'_reverse' if direction else ''}"
