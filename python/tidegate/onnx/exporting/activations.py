"""Activations of Dense as nodes."""

from dataclasses import replace

from tidegate.activation import Activation
from tidegate.layers.activations import Linear
from tidegate.onnx.exporting.writer import GraphWriter, Value

_PLAIN = {
    "relu": "Relu",
    "tanh": "Tanh",
    "sigmoid": "Sigmoid",
    "softsign": "Softsign",
    "softplus": "Softplus",
}
_WITH_PARAMETERS = {
    "hard_sigmoid": "HardSigmoid",
    "leaky_relu": "LeakyRelu",
    "elu": "Elu",
}


def write_activation(writer: GraphWriter, activation: Linear, value: Value) -> Value:
    """Return the value after an activation of Dense."""
    if activation.name == "linear":
        return value
    if activation.name == "softmax":
        return writer.apply("Softmax", value, axis=-1)
    config = activation.config or activation.name
    chosen = Activation(config) if isinstance(config, str) else Activation(config[0], **config[1])
    if chosen.name in _PLAIN:
        return writer.apply(_PLAIN[chosen.name], value)
    if chosen.name in _WITH_PARAMETERS:
        return writer.apply(_WITH_PARAMETERS[chosen.name], value, **chosen.parameters)

    def number(x: float | None) -> str:
        return writer.constant(x, value.dtype)

    if chosen.name == "scaled_tanh":
        inner = writer.node("Mul", [value.name, number(chosen.beta)])
        name = writer.node("Mul", [writer.node("Tanh", [inner]), number(chosen.alpha)])
    elif chosen.name == "thresholded_relu":  # ONNX's operator makes x = alpha 0
        below = writer.node("Less", [value.name, number(chosen.alpha)])
        name = writer.node("Where", [below, number(0), value.name])
    elif chosen.name == "affine":
        name = writer.node("Mul", [value.name, number(chosen.alpha)])
        name = writer.node("Add", [name, number(chosen.beta)])
    else:
        raise ValueError(f"activation is {chosen.name!r}; expected one that ONNX has")
    return replace(value, name=name)
