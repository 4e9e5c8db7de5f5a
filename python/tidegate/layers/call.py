"""Call: one use of a layer in a model. A model is its calls, in an order in which they can run.

A call reads arrays from places and writes its output to a place of its own; the inputs of the model
have the first places. In a chain each call reads what the one before wrote:

    place   0 --LSTM--> 1 --Dense--> 2
"""

from collections.abc import Iterable
from typing import Any, NamedTuple


class Call(NamedTuple):
    """A layer, the places that it reads and those that it writes (one, but for states)."""

    layer: Any  # a Layer, or what is used like one: a RecurrentRun
    sources: tuple[int, ...]
    targets: tuple[int, ...]


def chain(layers: Iterable[Any]) -> list[Call]:
    """Return the calls of layers that stand one after another."""
    return [Call(layer, (k,), (k + 1,)) for k, layer in enumerate(layers)]
