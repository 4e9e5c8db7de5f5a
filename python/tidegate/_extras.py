"""Packages that only some features need; imported when used, with an error that names the extra."""

from importlib import import_module
from typing import Any


def require(module: str, *, extra: str, purpose: str) -> Any:
    """Import an optional package, or say how to install it.

    Parameters
    ----------
    module : str
        What to import, such as "safetensors.numpy".
    extra : str
        The extra of pyproject.toml that brings it, such as "io".
    purpose : str
        The function that needs it, as the user called it; it starts the error message.

    Returns
    -------
    module
        The imported module.

    Raises
    ------
    ImportError
        The package is not installed. One that is installed and fails raises its own error.

    Examples
    --------
    >>> require("json", extra="io", purpose="model.save").loads("[1]")
    [1]
    """
    package = module.partition(".")[0]
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name != package:
            raise
        raise ImportError(
            f"{purpose}: needs the package {package}, which is not installed; "
            f'run: pip install "tidegate[{extra}]"',
            name=package,
        ) from None
