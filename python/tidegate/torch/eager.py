"""Code that torch.compile leaves alone: it runs between two graphs, as it stands."""

import sys
from collections.abc import Callable
from functools import wraps
from typing import Any

import torch


def eager(function: Callable[..., Any]) -> Callable[..., Any]:
    """Like torch.compiler.disable, which would import the compiler now and take seconds."""
    outside: Callable[..., Any] | None = None

    @wraps(function)
    def run(*args: Any) -> Any:
        nonlocal outside
        if outside is None:
            if "torch._dynamo" not in sys.modules:
                return function(*args)  # nothing is being compiled
            outside = torch.compiler.disable(function)
        return outside(*args)

    return run
