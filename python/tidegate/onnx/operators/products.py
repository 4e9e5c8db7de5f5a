"""MatMul and Gemm."""

import numpy as np

from tidegate.layers.types import Array
from tidegate.onnx.operators.node import Node, Operator, floating, limited, same_dtype


def _require_inner(a: Array, b: Array) -> None:
    same_dtype(floating(a), floating(b))
    if a.ndim == 0 or b.ndim == 0 or a.shape[-1] != b.shape[-2 if b.ndim > 1 else 0]:
        raise ValueError(f"its inputs have the shapes {a.shape} and {b.shape}; no product")


def _matmul(node: Node, a: Array, b: Array) -> Array:
    _require_inner(a, b)
    if b.ndim == 2:  # one product of all rows, as Dense computes it: the same bits
        shape = limited((*a.shape[:-1], b.shape[1]), a, b)
        rows: Array = a.reshape(-1, a.shape[-1]).dot(b)
        return rows.reshape(shape)
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    limited((*batch, *a.shape[-2:-1], *b.shape[-1:]), a, b)
    y: Array = np.matmul(a, b)
    return y


def _gemm(node: Node, a: Array, b: Array, c: Array | None = None) -> Array:
    """Return alpha A B + beta C."""
    if a.ndim != 2 or b.ndim != 2:
        raise ValueError(f"its inputs have the shapes {a.shape} and {b.shape}; expected two axes")
    a = a.T if node.get("transA", 0) else a
    b = b.T if node.get("transB", 0) else b
    _require_inner(a, b)
    limited((len(a), b.shape[1]), a, b)
    y: Array = a.dot(b)
    alpha, beta = node.get("alpha", 1.0), node.get("beta", 1.0)
    if alpha != 1:
        y *= y.dtype.type(alpha)
    if c is not None:
        same_dtype(y, c)
        if np.broadcast_shapes(y.shape, c.shape) != y.shape:
            raise ValueError(f"its C has shape {c.shape}; expected one for {y.shape}")
        y += c if beta == 1 else c * y.dtype.type(beta)
    return y


OPERATORS: dict[str, Operator] = {
    "MatMul": Operator(_matmul, (2, 2)),
    "Gemm": Operator(
        _gemm,
        (2, 3),
        attributes={"alpha": "float", "beta": "float", "transA": "int", "transB": "int"},
    ),
}
