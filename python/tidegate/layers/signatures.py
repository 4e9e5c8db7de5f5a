"""Which arguments the constructor of a layer takes."""

import inspect


def constructor_arguments(cls: type) -> set[str]:
    """Name the arguments of a class; where it hands on **options, those of its base too."""
    known: set[str] = set()
    for kind in cls.__mro__:
        arguments = inspect.signature(kind).parameters.values()
        known |= {argument.name for argument in arguments if argument.kind != argument.VAR_KEYWORD}
        if all(a.kind != a.VAR_KEYWORD for a in arguments):
            break
    return known
