"""The attributes of ONNX's LSTM, GRU and RNN, and our options."""

from collections.abc import Mapping
from typing import Any

from tidegate._arrays import check_choice
from tidegate.activation import PARAMETERS, Activation
from tidegate.weights.cell_weights import CellWeights
from tidegate.weights.foreign import activation_places

DIRECTIONS = {"forward": 1, "reverse": 1, "bidirectional": 2}
ACTIVATIONS = {
    "Tanh": "tanh",
    "Sigmoid": "sigmoid",
    "Relu": "relu",
    "HardSigmoid": "hard_sigmoid",
    "LeakyRelu": "leaky_relu",
    "ThresholdedRelu": "thresholded_relu",
    "ScaledTanh": "scaled_tanh",
    "Elu": "elu",
    "Softsign": "softsign",
    "Softplus": "softplus",
    "Affine": "affine",
}
_NAMES = {ours: theirs for theirs, ours in ACTIVATIONS.items()}
_ANY_CASE = {theirs.lower(): ours for theirs, ours in ACTIVATIONS.items()}
# Our places in the order of ONNX's list for one direction.
_PLACES = {
    "LSTM": ("recurrent_activation", "activation", "output_activation"),
    "GRU": ("recurrent_activation", "activation"),
    "RNN": ("activation",),
}
_COMMON = (
    *("hidden_size", "direction", "activations", "activation_alpha", "activation_beta"),
    *("clip", "layout", "output_sequence"),  # the last from before opset 7
)
_OWN = {"LSTM": "input_forget", "GRU": "linear_before_reset"}


def options_from(
    where: str, op_type: str, directions: int, hidden: int, attributes: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Return options of CellWeights for each direction."""
    known = (*_COMMON, *([_OWN[op_type]] if op_type in _OWN else []))
    unknown = [name for name in attributes if name not in known]
    if unknown:
        raise ValueError(
            f'{where}: attributes has "{unknown[0]}"; expected some of {", ".join(known)} '
            f"for {op_type}."
        )
    direction = check_choice(
        where, "direction", _text(attributes.get("direction", "forward")), tuple(DIRECTIONS)
    )
    if DIRECTIONS[direction] != directions:
        raise ValueError(
            f'{where}: direction is "{direction}"; expected one of those with {directions} '
            "directions, as W and R have."
        )
    if attributes.get("hidden_size", hidden) != hidden:
        raise ValueError(
            f"{where}: hidden_size is {attributes['hidden_size']}; expected {hidden}, the last "
            "axis of R."
        )
    common: dict[str, Any] = {}
    if attributes.get("clip"):
        common["clip"] = attributes["clip"]
    if op_type == "GRU":
        common["reset_after"] = bool(attributes.get("linear_before_reset", 0))
    if op_type == "LSTM" and attributes.get("input_forget", 0):
        common["coupled"] = "forget"
    chosen = _activations_from(where, op_type, directions, attributes)
    places = _PLACES[op_type]
    return [
        common | dict(zip(places, chosen[d * len(places) :], strict=False))
        for d in range(directions)
    ]


def _activations_from(
    where: str, op_type: str, directions: int, attributes: Mapping[str, Any]
) -> list[Any]:
    """Return the activations of all directions; alphas and betas are consumed in order."""
    places = _PLACES[op_type]
    usual = {"recurrent_activation": "Sigmoid"}
    defaults = [usual.get(place, "Tanh") for place in places] * directions
    names = [_text(name) for name in attributes.get("activations") or defaults]
    if len(names) != len(defaults):
        raise ValueError(
            f"{where}: activations has {len(names)} names; expected {len(defaults)}, "
            f"{len(places)} for each direction of {op_type}."
        )
    numbers = {
        p: [float(v) for v in attributes.get(f"activation_{p}") or ()] for p in ("alpha", "beta")
    }
    made = []
    for name in names:
        ours = _ANY_CASE.get(name.lower())
        if ours is None:
            raise ValueError(
                f"{where}: activations has {name!r}; expected some of {', '.join(ACTIVATIONS)}."
            )
        takes = {p: numbers[p].pop(0) for p in PARAMETERS[ours] if numbers[p]}
        chosen = Activation(ours, **takes)
        same = chosen == Activation("affine", 1.0, 0.0)
        made.append("linear" if same else chosen)
    return made


def attributes_of(
    where: str, cells: list[CellWeights], direction: str | None, layout: int
) -> dict[str, Any]:
    """Return the attributes of the operator; what is the default is left out."""
    w = cells[0]
    if direction is None:
        direction = "forward" if len(cells) == 1 else "bidirectional"
    check_choice(where, "direction", direction, tuple(DIRECTIONS))
    if DIRECTIONS[direction] != len(cells):
        raise ValueError(
            f'{where}: direction is "{direction}" and weights has {len(cells)} entries; expected '
            f"{DIRECTIONS[direction]}."
        )
    if layout not in (0, 1):
        raise ValueError(f"{where}: layout is {layout!r}; expected 0 or 1.")
    attributes: dict[str, Any] = {"hidden_size": w.hidden_size, "direction": direction}
    if w.cell == "gru":
        attributes["linear_before_reset"] = int(w.reset_after)
    if w.coupled is not None:
        attributes["input_forget"] = 1
    if w.clip is not None:
        attributes["clip"] = w.clip
    if layout:
        attributes["layout"] = layout
    return attributes | _activation_attributes(cells)


def _activation_attributes(cells: list[CellWeights]) -> dict[str, Any]:
    """Return the lists of activations, alphas and betas, nothing where all are the usual ones."""
    usual = activation_places(cells[0])
    if all(getattr(w, place) == name for w in cells for place, name in usual.items()):
        return {}
    places = [place for place in _PLACES["LSTM"] if place in usual]
    chosen = [getattr(w, place) for w in cells for place in places]
    made = [
        Activation("affine") if a == "linear" else a if isinstance(a, Activation) else Activation(a)
        for a in chosen
    ]
    attributes: dict[str, Any] = {"activations": [_NAMES[a.name] for a in made]}
    for parameter in ("alpha", "beta"):
        values = [a.parameters[parameter] for a in made if parameter in a.parameters]
        if values:
            attributes[f"activation_{parameter}"] = values
    return attributes


def _text(value: Any) -> str:
    """Return a string attribute, which the onnx package gives as bytes."""
    return value.decode() if isinstance(value, bytes) else str(value)
