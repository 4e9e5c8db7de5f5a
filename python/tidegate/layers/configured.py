"""Configured: a layer in words that JSON knows, and back."""

import re
from typing import TYPE_CHECKING, Any, cast

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


def snake_case(name: str) -> str:
    """Turn a class name such as SimpleRNN into simple_rnn."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
