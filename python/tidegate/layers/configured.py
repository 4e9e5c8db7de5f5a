"""Configured: a layer in words that JSON knows, and back.

A file is data: what it names is looked up in a table of the classes that may stand there.
"""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from tidegate.layers import checks
from tidegate.layers.signatures import constructor_arguments
from tidegate.layers.types import Config, Dtype, Shape

if TYPE_CHECKING:
    from tidegate.layers.base import Layer


class Configured:
    """Base of Layer: what its constructor was given."""

    name: str
    dtype: Dtype
    declared_input_shape: Shape | None

    def get_config(self) -> Config:
        """Return the arguments of the constructor, in words that JSON knows."""
        config: Config = {"name": self.name, "dtype": self.dtype.name}
        if self.declared_input_shape is not None:
            config["input_shape"] = list(self.declared_input_shape)
        return config | self._config()

    def _config(self) -> Config:
        """Return the arguments that the subclass adds."""
        return {}

    @classmethod
    def from_config(cls, config: Any) -> "Layer":
        """Make a layer, not built, from what `get_config` returned.

        Raises
        ------
        ValueError, TypeError
            An argument is unknown or has a value that the constructor refuses.
        """
        if not isinstance(config, dict):
            kind = type(config).__name__
            raise TypeError(f"{cls.__name__}: its configuration is a {kind}; expected a dict.")
        known = constructor_arguments(cls)
        if unknown := sorted(set(config) - known):
            raise ValueError(f"{cls.__name__}: unknown argument {unknown[0]!r}.")
        # null stands for an initializer of the user's own: the default takes its place.
        lost = {key for key, value in config.items() if value is None and "initializer" in key}
        made = cls(**{key: value for key, value in config.items() if key not in lost})
        return cast("Layer", made)


def describe_as_one_of(known: "Mapping[str, type[Layer]]", layer: "Layer") -> Config:
    """Return class and configuration of a layer.

    Raises
    ------
    ValueError
        It is of a class that could not be made again.
    """
    kind = type(layer)
    if known.get(kind.__name__) is not kind:
        raise ValueError(
            f"save: the layer {layer.name!r} is of class {kind.__name__}; expected one of "
            f"{', '.join(known)}."
        )
    return {"class": kind.__name__, "config": layer.get_config()}


def make_one_of(known: "Mapping[str, type[Layer]]", where: str, description: Any) -> "Layer":
    """Make a layer, not built, from its class and configuration."""
    if not isinstance(description, dict) or set(description) != {"class", "config"}:
        raise ValueError(f"{where}: a layer is {description!r}; expected its class and config.")
    name = checks.choice(where, "the class of a layer", description["class"], known)
    if not isinstance(description["config"], dict):
        raise ValueError(f"{where}: the config of a {name} is no table.")
    return known[name].from_config(description["config"])


def snake_case(name: str) -> str:
    """Turn a class name such as SimpleRNN into simple_rnn."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
