"""Operators on each element: arithmetic, comparisons and activations."""

import math
from typing import Any

import numpy as np

from tidegate.layers import activations
from tidegate.layers.types import Array
from tidegate.onnx.operators.node import Node, Operator, axis_of, floating, limited, same_dtype


def _binary(ufunc: Any, kinds: str = "fiu") -> Operator:
    def run(node: Node, a: Array, b: Array) -> Array:
        same_dtype(a, b)
        if a.dtype.kind not in kinds:
            raise ValueError(f"its inputs have dtype {a.dtype}, which the operator does not take")
        limited(np.broadcast_shapes(a.shape, b.shape), a, b)
        y: Array = ufunc(a, b)
        return y

    return Operator(run, (2, 2))


def _divide(a: Array, b: Array) -> Array:
    """Return a / b; integers are cut off towards 0, as in C."""
    if a.dtype.kind == "f":
        quotient: Array = a / b
        return quotient
    if not b.all():
        raise ValueError("an integer is divided by 0")
    down: Array = a // b  # through floating numbers, large int64 would be rounded
    down += ((a < 0) != (b < 0)) & (a % b != 0)
    return down


def _power(node: Node, a: Array, b: Array) -> Array:
    """Return a to the power of b in the dtype of a."""
    limited(np.broadcast_shapes(a.shape, b.shape), a, b)
    if a.dtype.kind == "b" or b.dtype.kind == "b":
        raise ValueError("its inputs are of bool, which the operator does not take")
    if a.dtype.kind != "f" and b.dtype.kind != "f" and (b < 0).any():
        raise ValueError("an integer has a negative exponent")
    y: Array = np.power(a, b)
    return y.astype(a.dtype, copy=False)


def _thresholded_relu(node: Node, x: Array) -> Array:
    """Return x above alpha, else 0; in a cell, the same function keeps x = alpha too."""
    alpha = x.dtype.type(node.get("alpha", 1.0))
    return np.where(floating(x) > alpha, x, x.dtype.type(0))


def _unary(function: Any, kinds: str = "f") -> Operator:
    def run(node: Node, x: Array) -> Array:
        if x.dtype.kind not in kinds:
            raise ValueError(f"its input has dtype {x.dtype}, which the operator does not take")
        y: Array = function(x)
        return y

    return Operator(run)


def _activation(ours: str, **defaults: float) -> Operator:
    """Return an activation of Dense, whose alpha and beta are attributes of the same names."""

    def run(node: Node, x: Array) -> Array:
        values = {name: float(node.get(name, value)) for name, value in defaults.items()}
        chosen = activations.get(node.op, (ours, values) if values else ours)
        return chosen.value(floating(x).copy())

    return Operator(run, attributes=dict.fromkeys(defaults, "float"))


_ERF = np.frompyfunc(math.erf, 1, 1)  # NumPy has none


def _erf(x: Array) -> Array:
    """Return 2/√π ∫ exp(-t²) dt from 0 to x."""
    return np.asarray(_ERF(x)).astype(x.dtype)


def _gelu(node: Node, x: Array) -> Array:
    """Return x Φ(x), with the normal distribution Φ or its approximation by tanh."""
    kind = node.get("approximate", "none")
    if kind not in ("none", "tanh"):
        raise ValueError(f'its approximate is {kind!r}; expected "none" or "tanh"')
    # One dtype throughout: NumPy 1 would take float32 arrays of one element to float64.
    half, one, cubic = (x.dtype.type(value) for value in (0.5, 1, 0.044715))
    if kind == "tanh":
        inner = x.dtype.type(math.sqrt(2 / math.pi)) * (floating(x) + cubic * x * x * x)
        return np.asarray(half * x * (one + np.tanh(inner)))
    return np.asarray(half * x * (one + _erf(floating(x) * x.dtype.type(math.sqrt(0.5)))))


def _softmax_axis(node: Node, x: Array) -> int:
    """Return the axis; before opset 13 it stood for all axes from that one on."""
    axis = axis_of(node.get("axis", -1 if node.opset >= 13 else 1), x.ndim)
    if node.opset < 13 and axis != x.ndim - 1:
        raise ValueError(f"its axis is {axis} in opset {node.opset}; expected the last axis")
    return axis


def _softmax(node: Node, x: Array) -> Array:
    """Return exp(x) / Σ exp(x) over one axis."""
    axis = _softmax_axis(node, x)
    moved = np.array(np.moveaxis(floating(x), axis, -1), order="C")
    y = activations.NAMED["softmax"].value(moved)
    return np.moveaxis(y, -1, axis)


def _log_softmax(node: Node, x: Array) -> Array:
    """Return x - log Σ exp(x) over one axis; the logarithm of a softmax that is 0 would be -inf."""
    axis = _softmax_axis(node, x)
    below = floating(x) - x.max(axis=axis, keepdims=True, initial=-np.inf)
    y: Array = below - np.log(np.exp(below).sum(axis=axis, keepdims=True))
    return y


def _clip(node: Node, x: Array, low: Array | None = None, high: Array | None = None) -> Array:
    ends = [node.get("min") if low is None else low, node.get("max") if high is None else high]
    for k, end in enumerate(ends):
        if end is not None:
            if np.size(end) != 1:
                raise ValueError(f"its limits have {np.size(end)} values; expected one each")
            ends[k] = np.asarray(end, x.dtype).reshape(())
    y = x if ends[0] is None else np.maximum(x, ends[0])
    return y if ends[1] is None else np.minimum(y, ends[1])


def _where(node: Node, condition: Array, a: Array, b: Array) -> Array:
    same_dtype(a, b)
    if condition.dtype != np.bool_:
        raise ValueError(f"its condition has dtype {condition.dtype}; expected bool")
    limited(np.broadcast_shapes(condition.shape, a.shape, b.shape), condition, a, b)
    return np.where(condition, a, b)


def _identity(node: Node, x: Array) -> Array:
    return x


def _dropout(node: Node, x: Array, ratio: Any = None, training: Array | None = None) -> Any:
    """Return x: nothing is dropped at inference."""
    if training is not None and training.any():
        raise ValueError("it is in training mode; expected a model exported for inference")
    return (x, np.ones(x.shape, np.bool_)) if len(node.outputs) > 1 else x


OPERATORS: dict[str, Operator] = {
    "Add": _binary(np.add),
    "Sub": _binary(np.subtract),
    "Mul": _binary(np.multiply),
    "Div": _binary(_divide),
    "Pow": Operator(_power, (2, 2)),
    "Equal": _binary(np.equal, "fiub"),
    "Greater": _binary(np.greater),
    "GreaterOrEqual": _binary(np.greater_equal),
    "Less": _binary(np.less),
    "LessOrEqual": _binary(np.less_equal),
    "And": _binary(np.logical_and, "b"),
    "Or": _binary(np.logical_or, "b"),
    "Not": _unary(np.logical_not, "b"),
    "Neg": _unary(np.negative, "fi"),
    "Sqrt": _unary(np.sqrt),
    "Reciprocal": _unary(np.reciprocal),
    "Exp": _unary(np.exp),
    "Erf": _unary(_erf),
    "Gelu": Operator(_gelu, attributes={"approximate": "string"}),
    "Tanh": _activation("tanh"),
    "Sigmoid": _activation("sigmoid"),
    "Relu": _activation("relu"),
    "HardSigmoid": _activation("hard_sigmoid", alpha=0.2, beta=0.5),
    "LeakyRelu": _activation("leaky_relu", alpha=0.01),
    "ThresholdedRelu": Operator(_thresholded_relu, attributes={"alpha": "float"}),
    "Elu": _activation("elu", alpha=1.0),
    "Softsign": _activation("softsign"),
    "Softplus": _activation("softplus"),
    "Softmax": Operator(_softmax, attributes={"axis": "int"}),
    "LogSoftmax": Operator(_log_softmax, attributes={"axis": "int"}),
    "Clip": Operator(_clip, (1, 3), attributes={"min": "float", "max": "float"}),
    "Where": Operator(_where, (3, 3)),
    "Identity": Operator(_identity),
    "Dropout": Operator(_dropout, (1, 3), 2, {"ratio": "float", "seed": "int"}),
}
