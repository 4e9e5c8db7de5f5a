"""One lock for building on first use: of threads that call an unbuilt layer at once, one builds."""

import os
import threading
from contextlib import AbstractContextManager
from typing import Any


class _Building:
    """A lock that a layer's build may take again, new in a forked child."""

    def __init__(self) -> None:
        self.lock = threading.RLock()

    def reset(self) -> None:
        self.lock = threading.RLock()  # another thread may have held the old one


_building = _Building()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_building.reset)


def building() -> AbstractContextManager[Any]:
    """Return the lock, for `with`."""
    return _building.lock
