"""What the layers and the cells share: when torch.nn runs instead, and how the engine is called."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch.autograd import forward_ad

from tidegate.torch.eager import eager
from tidegate.torch.function import Recurrence, Run
from tidegate.torch.parameters import Parameters

if TYPE_CHECKING:
    from torch.nn import Module as Base
else:
    Base = object  # the torch.nn class comes beside it

ENGINE = "_tidegate"  # in the __dict__ of a module, never in its state


class EngineModule(Base):  # type: ignore[misc]
    """A mixin before a torch.nn class: keeps what the engine packed, and leaves it out of copies.

    `torch_class` is the class of torch.nn that a class replaces.
    """

    torch_class: Any

    def _make_parameters(self) -> list[Parameters]:
        """Describe the parameters to the engine."""
        raise NotImplementedError

    def _engine_parameters(self, kind: Any = None) -> list[Parameters]:
        """Return the parameters as the engine reads them, made once for each `kind` of call."""
        kinds = self.__dict__.setdefault(ENGINE, {})
        if kind not in kinds:
            kinds[kind] = self._make_parameters()
        made: list[Parameters] = kinds[kind]
        return made

    def _forget(self) -> None:
        """Read the parameters anew at the next call."""
        # Another thread may add a kind meanwhile: the list is made at once.
        for made in list(self.__dict__.get(ENGINE, {}).values()):
            for parameters in made:
                parameters.changed()

    def train(self, mode: bool = True) -> Any:
        """Set the mode, as in torch.nn; parameters are read anew at the next call."""
        self._forget()
        base: Any = super()
        return base.train(mode)

    def __getstate__(self) -> dict[str, Any]:
        """Copy and pickle the module, not what was packed."""
        inherited: Any = getattr(super(), "__getstate__", None)  # Python 3.10 has none in object
        state = self.__dict__ if inherited is None else inherited()
        return {name: value for name, value in state.items() if name != ENGINE}

    def __prepare_scriptable__(self) -> Any:
        """Give torch.jit.script the torch.nn module with the same parameters."""
        twin = object.__new__(self.torch_class)
        twin.__dict__.update({k: v for k, v in self.__dict__.items() if k != ENGINE})
        return twin


def leaves_to_torch() -> bool:
    """Whether a graph is being recorded that must hold operators of PyTorch only."""
    return bool(torch.jit.is_tracing() or torch.compiler.is_exporting())


def states_of(hx: Any, *, pair: bool) -> list[Any]:
    """Return the states of a call as a list, empty if there are none."""
    if hx is None:
        return []
    states = list(hx) if pair else [hx]
    if pair and len(states) != 2:
        raise RuntimeError(f"hx has {len(states)} tensors; lstm expects two hidden states (h, c)")
    return states


def to_dtype(dtype: Any, *tensors: Any) -> Any:
    """Return tensors in the dtype of the parameters where autocast is on, else as they are."""
    if not torch.is_autocast_enabled("cpu"):
        return tensors
    return [t.to(dtype) if t.is_floating_point() else t for t in tensors]


@eager
def call(module: Any, run: Run, x: Any, states: Sequence[Any]) -> Any:
    """Run the engine; as a node of the graph where something needs gradients."""
    for tensor in (x, *states):
        if not tensor.is_cpu or tensor.layout != torch.strided:
            raise RuntimeError(
                f"{run.parameters.where}: a tensor is on {tensor.device} with layout "
                f"{tensor.layout}; expected a dense tensor on the CPU (torch.nn has the others)."
            )
    weights = run.parameters.of(module)
    for state in states:
        if state.dtype != weights[0].dtype:
            raise RuntimeError(
                f"{run.parameters.where}: a state has dtype {state.dtype}; expected "
                f"{weights[0].dtype}, that of the parameters (hx.to(...) converts)."
            )
    given = (x, *states, *weights)
    traced = torch.is_grad_enabled() and any(t.requires_grad for t in given)
    if traced or forward_ad._current_level >= 0:  # the latter is refused there
        return Recurrence.apply(run, len(states), *given)
    layers = run.parameters.layers(weights, run.rows(x))
    return run.forward(layers, x, states, training=False)[0]
