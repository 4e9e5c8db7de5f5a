"""From a name, an object or a configuration to an object: initializers and rules of weights."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from tidegate.layers import checks

T = TypeVar("T")


def find(
    where: str,
    name: str,
    value: Any,
    base: type[T],
    classes: Mapping[str, Callable[..., T]],
    named: Mapping[str, Callable[[], T]],
    expected: str,
) -> T:
    """Return `value` if it is an object of `base`, else what it describes or names.

    Raises
    ------
    ValueError
        The class or the name is unknown; the message lists the known ones.
    TypeError
        It is something else; the message says what was `expected`.
    """
    if isinstance(value, base):
        return value
    if isinstance(value, dict) and set(value) == {"class", "config"}:
        if not isinstance(value["config"], dict):
            raise ValueError(f"{where}: the config of {name} is no table.")
        kind = checks.choice(where, f"the class of {name}", value["class"], classes)
        return classes[kind](**value["config"])
    if value is None or isinstance(value, str):
        return named[checks.choice(where, name, value, named)]()
    raise TypeError(f"{where}: {name} is {value!r}; expected {expected}.")
