"""The layers that a file may name. A file is data: only what stands here is ever made from it."""

from typing import Any

from tidegate.layers.attention import AdditiveAttention, Attention, AttentionPooling
from tidegate.layers.base import Layer
from tidegate.layers.bidirectional import WRAPPED, Bidirectional
from tidegate.layers.configured import describe_as_one_of, make_one_of
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
    """Return class and configuration of a layer; see `describe_as_one_of`."""
    return describe_as_one_of(LAYERS, layer)


def make(where: str, description: Any) -> Layer:
    """Make a layer, not built, from what `describe` returned."""
    return make_one_of(LAYERS, where, description)
