"""ONNX files in and out, and tidegate as a backend of the onnx package.

    pip install "tidegate[onnx]"

Names are imported when they are first used; the package onnx, when one of them is called.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tidegate.onnx.backend import Backend
    from tidegate.onnx.exporting.files import export
    from tidegate.onnx.loading.files import load
    from tidegate.onnx.model import OnnxModel
else:
    _HOME_OF = {
        "Backend": "backend",
        "OnnxModel": "model",
        "export": "exporting.files",
        "load": "loading.files",
    }

    def __getattr__(name):
        """Import the module that holds `name`, on first use (PEP 562)."""
        from importlib import import_module

        if name not in _HOME_OF:
            raise AttributeError(f"module 'tidegate.onnx' has no attribute {name!r}")
        value = getattr(import_module(f"tidegate.onnx.{_HOME_OF[name]}"), name)
        globals()[name] = value
        return value

    def __dir__():
        return sorted({*globals(), *_HOME_OF})


__all__ = ["Backend", "OnnxModel", "export", "load"]
