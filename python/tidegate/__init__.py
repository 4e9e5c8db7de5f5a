"""Gated recurrent networks (LSTM, GRU, simple RNN) on the CPU, forward and backward, from NumPy.

`import tidegate as tg` loads the compiled core for this CPU and nothing else; every name below is
imported when it is first used, so that a program pays only for what it needs.
"""

from typing import TYPE_CHECKING

from tidegate._loader import isa as _isa  # noqa: F401  fails here, with the fix, if there is no core
from tidegate._version import __version__
from tidegate.runtime import get_config, get_num_threads, set_num_threads, show_config

if TYPE_CHECKING:
    from tidegate import functional, io, layers, models, reference, sequences, training, weights
    from tidegate.activation import Activation
    from tidegate.io import load
    from tidegate.stream import Stream
    from tidegate.weights import CellWeights
else:
    _SUBMODULES = {
        "functional",
        "io",
        "layers",
        "models",
        "reference",
        "sequences",
        "training",
        "weights",
    }
    _HOME_OF = {
        "Activation": "activation",
        "CellWeights": "weights",
        "Stream": "stream",
        "load": "io",
    }

    def __getattr__(name):
        """Import a submodule, or the module that holds `name`, on first use (PEP 562)."""
        from importlib import import_module

        if name in _SUBMODULES:
            return import_module(f"tidegate.{name}")
        if name in _HOME_OF:
            value = getattr(import_module(f"tidegate.{_HOME_OF[name]}"), name)
            globals()[name] = value
            return value
        raise AttributeError(f"module 'tidegate' has no attribute {name!r}")

    def __dir__():
        return sorted({*globals(), *_SUBMODULES, *_HOME_OF})


__all__ = [
    "Activation",
    "CellWeights",
    "Stream",
    "__version__",
    "functional",
    "get_config",
    "get_num_threads",
    "io",
    "layers",
    "load",
    "models",
    "reference",
    "sequences",
    "set_num_threads",
    "show_config",
    "training",
    "weights",
]
