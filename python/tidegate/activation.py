"""Activations of recurrent cells: names, their parameters and what these may be."""

import numbers
from dataclasses import dataclass
from typing import Any

from tidegate._arrays import as_real

# What ONNX gives each when alpha or beta is not stated.
PARAMETERS: dict[str, dict[str, float]] = {
    "tanh": {},
    "sigmoid": {},
    "relu": {},
    "linear": {},
    "hard_sigmoid": {"alpha": 0.2, "beta": 0.5},
    "leaky_relu": {"alpha": 0.01},
    "thresholded_relu": {"alpha": 1.0},
    "scaled_tanh": {"alpha": 1.0, "beta": 1.0},
    "elu": {"alpha": 1.0},
    "softsign": {},
    "softplus": {},
    "affine": {"alpha": 1.0, "beta": 0.0},
}
_LARGEST = 1e30  # what float32 holds with its square root's margin


@dataclass(frozen=True)
class Activation:
    """An activation with its parameters.

    Parameters
    ----------
    name : str
        "tanh", "sigmoid", "relu" (max(x, 0)), "linear" (x), "softsign" (x / (1 + |x|)),
        "softplus" (log(1 + exp(x))); with parameters "hard_sigmoid" (min(max(alpha x + beta, 0),
        1)), "leaky_relu" (x, or alpha x below 0), "thresholded_relu" (x, or 0 below alpha),
        "scaled_tanh" (alpha tanh(beta x)), "elu" (x, or alpha (exp(x) - 1) below 0), "affine"
        (alpha x + beta).
    alpha, beta : float, optional
        ONNX's defaults if omitted: hard_sigmoid 0.2, 0.5 (Keras 3: 1/6, 0.5); leaky_relu 0.01;
        thresholded_relu 1; scaled_tanh 1, 1; elu 1; affine 1, 0.

    Raises
    ------
    ValueError
        An unknown name, a parameter that the activation does not have, or one from whose output
        the slope cannot be told: alpha < 0 of leaky_relu, thresholded_relu and elu, alpha = 0 of
        scaled_tanh.

    Notes
    -----
    Wherever a cell takes the name of an activation it takes one of these too, or the same as a
    pair: ("leaky_relu", {"alpha": 0.1}). The slope at a kink is that of the left side.

    Examples
    --------
    >>> Activation("hard_sigmoid", alpha=1 / 6)
    Activation(name='hard_sigmoid', alpha=0.16666666666666666, beta=0.5)
    """

    name: str
    alpha: float | None = None
    beta: float | None = None

    def __post_init__(self) -> None:
        """Check the parameters and put the default ones in."""
        known = PARAMETERS.get(self.name) if isinstance(self.name, str) else None
        if known is None:
            raise ValueError(f"Activation: name is {self.name!r}; expected one of {_listed()}.")
        for parameter in ("alpha", "beta"):
            value = getattr(self, parameter)
            if parameter in known:
                value = known[parameter] if value is None else value
                object.__setattr__(self, parameter, _checked(self.name, parameter, value))
            elif value is not None:
                has = " and ".join(known) or "no parameters"
                raise ValueError(
                    f"Activation: {parameter} is {value!r}; expected None "
                    f'("{self.name}" has {has}).'
                )

    @property
    def parameters(self) -> dict[str, float]:
        """Those that this activation has, by name."""
        return {name: getattr(self, name) for name in PARAMETERS[self.name]}


def _listed() -> str:
    return ", ".join(f'"{name}"' for name in PARAMETERS)


def _checked(name: str, parameter: str, value: Any) -> float:
    real = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not real or not abs(as_real(value)) <= _LARGEST:
        raise ValueError(
            f'Activation: {parameter} of "{name}" is {value!r}; expected a finite number.'
        )
    if parameter == "alpha":
        if name in ("leaky_relu", "thresholded_relu", "elu") and value < 0:
            raise ValueError(
                f'Activation: alpha of "{name}" is {value!r}; expected a number >= 0 (with a '
                "negative one, an output does not tell which side of the kink it came from)."
            )
        if name == "scaled_tanh" and abs(value) < 1 / _LARGEST:
            raise ValueError(
                f'Activation: alpha of "{name}" is {value!r}; expected another number than 0.'
            )
    return float(value)


def as_activation(where: str, argument: str, value: Any) -> str | Activation:
    """Return what a caller gave as an activation: a name, or an Activation if not all is default.

    `value` is a name, an Activation, or a pair of a name and a dict of parameters.
    """
    name, given = value, {}
    if isinstance(value, Activation):
        name, given = value.name, value.parameters
    elif isinstance(value, tuple | list) and len(value) == 2 and isinstance(value[1], dict):
        name, given = value
    if not isinstance(name, str) or name not in PARAMETERS:
        raise ValueError(
            f"{where}: {argument} is {value!r}; expected one of {_listed()}, or a pair such as "
            '("leaky_relu", {"alpha": 0.1}).'
        )
    unknown = [key for key in given if key not in ("alpha", "beta")]
    if unknown:
        raise ValueError(
            f"{where}: {argument} has parameter {unknown[0]!r}; expected alpha or beta."
        )
    made = Activation(name, **given)
    return name if made.parameters == PARAMETERS[name] else made


def config_of(activation: str | Activation) -> Any:
    """Return it as JSON can hold it: a name, or [name, parameters]."""
    if isinstance(activation, str):
        return activation
    return [activation.name, activation.parameters]


def for_core(activation: str | Activation) -> tuple[str, float, float]:
    """Return (name, alpha, beta), zeros where the activation has no such parameter."""
    made = Activation(activation) if isinstance(activation, str) else activation
    return made.name, made.alpha or 0.0, made.beta or 0.0
