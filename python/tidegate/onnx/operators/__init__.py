"""The operators of ONNX that tidegate computes: LSTM, GRU, RNN, and what exporters put around them.

One table, from the operator's name to how it runs; each file is one kind of operator.
"""

from tidegate.onnx.operators import (
    elementwise,
    normalization,
    products,
    recurrent,
    reductions,
    selection,
    shapes,
)
from tidegate.onnx.operators.node import Node, Operator

OPERATORS: dict[str, Operator] = {
    **recurrent.OPERATORS,
    **products.OPERATORS,
    **elementwise.OPERATORS,
    **normalization.OPERATORS,
    **reductions.OPERATORS,
    **selection.OPERATORS,
    **shapes.OPERATORS,
}

__all__ = ["OPERATORS", "Node", "Operator"]
