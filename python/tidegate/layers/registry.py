"""The layers that a file may name. A file is data: only what stands here is ever made from it."""

from typing import Any

from tidegate.layers import checks
from tidegate.layers.attention import AdditiveAttention, Attention, AttentionPooling
from tidegate.layers.base import Layer
from tidegate.layers.bidirectional import WRAPPED, Bidirectional
from tidegate.layers.dense import Dense
from tidegate.layers.dropout import Dropout
from tidegate.layers.embedding import Embedding
from tidegate.layers.joining import Add, Average, Concatenate, Multiply
from tidegate.layers.masking import Masking
from tidegate.layers.missing_indicator import MissingIndicator
from tidegate.layers.residual import Residual
from tidegate.layers.types import Config

LAYERS: dict[str, type[Layer]] = {
    **WRAPPED,
    "Bidirectional": Bidirectional,
    "Dense": Dense,
    "Dropout": Dropout,
    "Embedding": Embedding,
    "Masking": Masking,
    "Residual": Residual,
    "MissingIndicator": MissingIndicator,
    "Add": Add,
    "AdditiveAttention": AdditiveAttention,
    "Attention": Attention,
    "AttentionPooling": AttentionPooling,
    "Average": Average,
    "Concatenate": Concatenate,
    "Multiply": Multiply,
}


def describe(layer: Layer) -> Config:
    """Return class and configuration of a layer.

    Raises
    ------
    ValueError
        It is of a class that could not be made again.
    """
    kind = type(layer)
    if LAYERS.get(kind.__name__) is not kind:
        known = ", ".join(LAYERS)
        raise ValueError(
            f"save: the layer {layer.name!r} is of class {kind.__name__}; expected one of {known}."
        )
    return {"class": kind.__name__, "config": layer.get_config()}


def make(where: str, description: Any) -> Layer:
    """Make a layer, not built, from what `describe` returned."""
    if not isinstance(description, dict) or set(description) != {"class", "config"}:
        raise ValueError(f"{where}: a layer is {description!r}; expected its class and config.")
    name = checks.choice(where, "the class of a layer", description["class"], LAYERS)
    if not isinstance(description["config"], dict):
        raise ValueError(f"{where}: the config of a {name} is no table.")
    return LAYERS[name].from_config(description["config"])
