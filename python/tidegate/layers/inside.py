"""What a layer consists of: itself, and the layers inside if it wraps others."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tidegate.layers.base import Layer


def with_inner(layer: "Layer") -> list["Layer"]:
    """Return the layer and all layers inside, at any depth."""
    return [layer, *(part for inner in layer.inner_layers for part in with_inner(inner))]
