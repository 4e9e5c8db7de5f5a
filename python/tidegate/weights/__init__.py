"""The weights of recurrent cells: `CellWeights`, and their way into and out of other systems.

The converters take and return plain arrays, so none of the other systems has to be installed.
Which order of gates each of them uses stands in `gate_orders` and nowhere else.
"""

from tidegate.weights.cell_weights import COUPLED, GATES, UPDATES, CellWeights
from tidegate.weights.foreign import uncoupled
from tidegate.weights.keras import from_keras, to_keras
from tidegate.weights.onnx import OnnxRNN, from_onnx, to_onnx
from tidegate.weights.tensorflow import from_tensorflow, to_tensorflow
from tidegate.weights.torch import from_torch, to_torch

__all__ = [
    "COUPLED",
    "GATES",
    "UPDATES",
    "CellWeights",
    "OnnxRNN",
    "from_keras",
    "from_onnx",
    "from_tensorflow",
    "from_torch",
    "to_keras",
    "to_onnx",
    "to_tensorflow",
    "to_torch",
    "uncoupled",
]
