"""From a name, a class or an object to an object; an unknown name gets the list of known ones."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, TypeVar

from tidegate.layers import checks

T = TypeVar("T")


def find(where: str, argument: str, value: Any, known: Mapping[str, type[T]], base: type[T]) -> T:
    """Return `value` if it is an object of `base`, else an object of the class that it names.

    Raises
    ------
    ValueError
        The name is unknown; the message lists the known names.
    TypeError
        It is neither a name nor an object of `base`.
    """
    if isinstance(value, base):
        return value
    if isinstance(value, type) and issubclass(value, base):
        return value()
    if isinstance(value, str):
        if value in known:
            return known[value]()
        close = get_close_matches(value, known, 1)
        hint = f" (did you mean {close[0]!r}?)" if close else ""
        listed = ", ".join(f'"{name}"' for name in known)
        raise ValueError(
            f"{where}: {argument} is {value!r}; expected one of {listed}, "
            f"or an object of {base.__name__}{hint}."
        )
    raise TypeError(
        f"{where}: {argument} is {value!r} of type {type(value).__name__}; expected a name or an "
        f"object of {base.__name__}."
    )


def make(where: str, argument: str, description: Any, known: Mapping[str, type[T]]) -> T:
    """Return an object from {"class": ..., "config": ...}, which came from a file.

    Raises
    ------
    ValueError, TypeError
        It is something else, or the constructor refuses the configuration.
    """
    if not isinstance(description, dict) or set(description) != {"class", "config"}:
        raise ValueError(f"{where}: the {argument} is no table of class and config.")
    kind = known[checks.choice(where, f"the class of the {argument}", description["class"], known)]
    config = description["config"]
    if not isinstance(config, dict):
        raise ValueError(f"{where}: the config of the {argument} is no table.")
    from_config = getattr(kind, "from_config", None)
    made: T = kind(**config) if from_config is None else from_config(config)
    return made
