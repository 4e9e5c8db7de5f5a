"""A model in words that JSON knows, and its arrays by name; and the way back.

Everything that comes back passes the same constructors, and so the same checks, as what a program
writes; shapes are compared with the arrays before anything is allocated.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from tidegate.layers import checks, registry
from tidegate.layers.base import Layer
from tidegate.layers.types import Array, Config
from tidegate.models import graph_description
from tidegate.models.graph_description import is_graph, require_table
from tidegate.training import losses, metrics, optimizers

if TYPE_CHECKING:
    from tidegate.models.base import BaseModel

WHERE = "model"
MOST_LAYERS = 1000


def describe(model: "BaseModel", include_optimizer: bool) -> Config:
    """Return everything about a built model but its arrays.

    Raises
    ------
    ValueError
        A part is of a class of the user's, which could not be made again.
    """
    graph = is_graph(model)
    return {
        "class": "Model" if graph else "Sequential",
        "name": model.name,
        "seed": model.seed,
        "epochs_trained": model.epochs_trained,
        **(graph_description.describe(model) if graph else _describe_chain(model)),
        "layers": [registry.describe(layer) for layer in model.layers],
        "compile": _describe_compile(model) if include_optimizer and model.compiled else None,
    }


def _describe_chain(model: "BaseModel") -> Config:
    return {"input_shape": list(model.input_shape or ())}


def _describe_compile(model: "BaseModel") -> Config:
    loss = model.loss
    return {
        "optimizer": _known("optimizer", model.optimizer, optimizers.describe(model.optimizer)),
        "iterations": model.optimizer.iterations,
        "has_slots": model.optimizer.bound_to(model.buffers),
        "loss": None if loss is None else _known("loss", loss, losses.describe(loss)),
        "metrics": [_known("metric", m, metrics.describe(m)) for m in model.plain_metrics],
        "weighted_metrics": [
            _known("metric", m, metrics.describe(m)) for m in model.weighted_metrics
        ],
    }


def _known(argument: str, part: Any, described: Any) -> Any:
    if described is None:
        raise ValueError(
            f"save: the {argument} is of class {type(part).__name__}, which a file cannot hold; "
            "expected one of tidegate's (or save with include_optimizer=False)."
        )
    return described


def arrays(model: "BaseModel", include_optimizer: bool) -> dict[str, Array]:
    """Return the weights and, if wanted, the optimizer's slots by name; views."""
    names = {id(parameter): name for name, parameter in model.parameters.items()}
    found = {f"weights/{name}": p.value for name, p in model.parameters.items()}
    if include_optimizer and model.compiled and model.optimizer.bound_to(model.buffers):
        for slot, parameter, array in model.optimizer.slots():
            found[f"optimizer/{slot}/{names[id(parameter)]}"] = array
    return found


def make(config: Any, values: Mapping[str, Array]) -> "BaseModel":
    """Make a model from what `describe` and `arrays` returned.

    Raises
    ------
    ValueError, TypeError, KeyError
        Something is missing, too much, or has a value that cannot be.
    """
    name = config.get("class") if isinstance(config, dict) else None
    own = graph_description.KEYS if name == "Model" else ("input_shape",)
    keys = ("class", "name", "seed", "epochs_trained", *own, "layers", "compile")
    require_table(WHERE, config, keys)
    checks.choice(WHERE, "class", name, ("Sequential", "Model"))
    layers = config["layers"]
    if not isinstance(layers, list) or not 1 <= len(layers) <= MOST_LAYERS:
        raise ValueError(f"{WHERE}: layers is no list of 1 to {MOST_LAYERS} layers.")
    seed = checks.integer(WHERE, "seed", config["seed"], least=0)
    connect = graph_description.make if name == "Model" else _make_chain
    model: BaseModel = connect(WHERE, config, [registry.make(WHERE, part) for part in layers], seed)
    model.epochs_trained = checks.integer(
        WHERE, "epochs_trained", config["epochs_trained"], least=0
    )
    _require_arrays(model, values)
    model.allocate()
    for name, parameter in model.parameters.items():
        parameter.assign(values[f"weights/{name}"])
    model.weights_changed()
    if config["compile"] is not None:
        _compile(model, config["compile"])
    _restore_slots(model, values)
    return model


def _make_chain(where: str, config: Config, layers: list[Layer], seed: int) -> "BaseModel":
    from tidegate.models import Sequential

    model = Sequential(name=config["name"], seed=seed)
    model.assemble(layers, checks.input_shape(where, config["input_shape"]))
    return model


def _require_arrays(model: "BaseModel", values: Mapping[str, Array]) -> None:
    """Raise unless the weights are there, in the right shapes, and every array is finite."""
    for name, parameter in model.parameters.items():
        array = values.get(f"weights/{name}")
        if array is None:
            raise ValueError(f"{WHERE}: the array weights/{name} is missing.")
        _require_like(f"weights/{name}", array, parameter.shape, parameter.dtype)
    for name, array in values.items():
        if not name.startswith(("weights/", "optimizer/")) or (
            name.startswith("weights/") and name.partition("/")[2] not in model.parameters
        ):
            raise ValueError(f"{WHERE}: the array {name} belongs to no layer.")
        if not np.isfinite(array).all():
            raise ValueError(f"{WHERE}: the array {name} is not finite.")


def _require_like(name: str, array: Array, shape: tuple[int, ...], dtype: Any) -> None:
    if array.shape != shape or array.dtype != dtype:
        raise ValueError(
            f"{WHERE}: the array {name} has shape {array.shape} and dtype {array.dtype}; "
            f"expected {shape} and {dtype}."
        )


def _compile(model: "BaseModel", config: Any) -> None:
    keys = ("optimizer", "iterations", "has_slots", "loss", "metrics", "weighted_metrics")
    require_table(f"{WHERE}: compile", config, keys)
    model.compile(
        optimizers.make(WHERE, config["optimizer"]),
        None if config["loss"] is None else losses.make(WHERE, config["loss"]),
        metrics.make_all(WHERE, config["metrics"]),
        metrics.make_all(WHERE, config["weighted_metrics"]),
    )
    iterations = checks.integer(WHERE, "iterations", config["iterations"], least=0)
    if checks.boolean(WHERE, "has_slots", config["has_slots"]):
        model.bind_optimizer(WHERE)
        model.optimizer.restore(iterations)
    elif iterations:
        raise ValueError(f"{WHERE}: the optimizer has taken steps, but has no slots.")


def _restore_slots(model: "BaseModel", values: Mapping[str, Array]) -> None:
    """Copy the optimizer's slots; all that it needs must be there, and no more."""
    names = {id(parameter): name for name, parameter in model.parameters.items()}
    expected = {}
    if model.compiled and model.optimizer.bound:
        for slot, parameter, view in model.optimizer.slots():
            expected[f"optimizer/{slot}/{names[id(parameter)]}"] = view
    present = {name for name in values if name.startswith("optimizer/")}
    if wrong := sorted(present ^ set(expected)):
        state = "missing" if wrong[0] in expected else "not of this optimizer"
        raise ValueError(f"{WHERE}: the array {wrong[0]} is {state}.")
    for name, view in expected.items():
        _require_like(name, values[name], view.shape, view.dtype)
        view[...] = values[name]
