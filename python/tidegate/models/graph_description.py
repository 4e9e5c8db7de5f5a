"""How the layers of a Model are connected, in words that JSON knows; and the way back.

inputs   [{"name": "series", "shape": [null, 2]}, ...]      the first places
calls    [{"layer": 0, "reads": [0]}, ...]                  each writes the next place, or places
output   3                                                  a place
"""

from typing import TYPE_CHECKING, Any

from tidegate.layers import Input, checks
from tidegate.layers.base import Layer
from tidegate.layers.recurrent import RecurrentLayer
from tidegate.layers.tensor import Tensor
from tidegate.layers.types import Config

if TYPE_CHECKING:
    from tidegate.models.base import BaseModel

KEYS = ("inputs", "calls", "output")
MOST_CALLS = 10_000


def is_graph(model: "BaseModel") -> bool:
    """Whether the model is no chain of layers."""
    from tidegate.models import Model

    return isinstance(model, Model)


def describe(model: Any) -> Config:
    """Return the entries about a graph."""
    numbers = {id(layer): k for k, layer in enumerate(model.layers)}
    return {
        "inputs": [
            {"name": name, "shape": list(entry.shape)}
            for name, entry in zip(model.input_names, model.inputs, strict=True)
        ],
        "calls": [
            {"layer": numbers[id(call.layer)], "reads": list(call.sources)}
            for call in model.calls()
        ],
        "output": model.output_place,
    }


def make(where: str, config: Config, layers: list[Layer], seed: int) -> Any:
    """Connect layers again; their parameters have no memory yet.

    Raises
    ------
    ValueError, TypeError
        The graph is none: a place is read before it is written, a layer is not used, ...
    """
    from tidegate.models import Model

    inputs, calls = config["inputs"], config["calls"]
    if not isinstance(inputs, list) or not isinstance(calls, list) or len(calls) > MOST_CALLS:
        raise ValueError(f"{where}: inputs or calls is no list (of at most {MOST_CALLS}).")
    tensors: list[Tensor] = []
    for entry in inputs:
        require_table(f"{where}: an input", entry, ("name", "shape"))
        tensors.append(
            Input(checks.input_shape(where, entry["shape"]), name=checks.name(where, entry["name"]))
        )
    known = list(tensors)
    for call in calls:
        require_table(f"{where}: a call", call, ("layer", "reads"))
        layer = layers[_index(where, "layer", call["layer"], len(layers))]
        reads = call["reads"]
        if not isinstance(reads, list) or not reads:
            raise ValueError(f"{where}: a call reads {reads!r}; expected a list of places.")
        sources = [tensors[_index(where, "a place", place, len(tensors))] for place in reads]
        tensors += _call(where, layer, sources)
    output = tensors[_index(where, "output", config["output"], len(tensors))]
    model = Model.connected(known, output, config["name"], seed)
    if len(model.layers) != len(layers) or len(model.calls()) != len(calls):
        raise ValueError(f"{where}: a layer or call is not connected to the output.")
    return model


def require_table(where: str, value: Any, keys: tuple[str, ...]) -> None:
    """Raise unless a value is a table of exactly these keys."""
    if not isinstance(value, dict) or set(value) != set(keys):
        raise ValueError(f"{where}: expected a table of exactly {', '.join(keys)}.")


def _index(where: str, name: str, value: Any, size: int) -> int:
    index = checks.integer(where, name, value, least=0)
    if index >= size:
        raise ValueError(f"{where}: {name} is {index}; expected less than {size}.")
    return index


def _call(where: str, layer: Layer, sources: list[Tensor]) -> list[Tensor]:
    """Return what a layer makes of tensors: of several, as a list, or as x and states."""
    if layer.takes_list:
        return [layer(sources)]
    if len(sources) > 1 and not isinstance(layer, RecurrentLayer):
        raise ValueError(f"{where}: a call reads {len(sources)} places; expected one.")
    states = {"initial_state": sources[1:]} if len(sources) > 1 else {}
    made = layer(sources[0], **states)
    return list(made) if isinstance(made, tuple) else [made]
