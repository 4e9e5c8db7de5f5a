"""What converters share: reading arrays of any kind, and refusing what a format cannot hold."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from tidegate._arrays import FloatArray, as_float_array
from tidegate.activation import Activation
from tidegate.weights.cell_weights import CellWeights
from tidegate.weights.gate_orders import OURS, reordered

# What a cell may have that not every format holds: how to say it, and where it can go instead.
_NEAREST = {
    "diagonal peepholes": "to_onnx and to_tensorflow hold them",
    "full peepholes": "only files of tidegate hold them: model.save",
    "a projection": "to_torch and to_tensorflow hold it",
    "layer normalisation": "only files of tidegate hold it: model.save",
    "the decaying memory of a T-LSTM": "only files of tidegate hold it: model.save",
    'coupled="input"': "to_tensorflow holds it; `uncoupled` makes an LSTM of four gates",
    'coupled="forget"': "to_onnx holds it; `uncoupled` makes an LSTM of four gates",
    "reset_after=False": "to_keras, to_onnx and to_tensorflow hold it",
    "reset_after=True": "to_torch, to_keras and to_onnx hold it",
    "clip": "to_onnx holds it",
    "cell_clip": "to_tensorflow holds it",
    "output_clip": "only files of tidegate hold it: model.save",
}


def check_weights(where: str, w: Any) -> CellWeights:
    """Return w if it is a CellWeights."""
    if isinstance(w, CellWeights):
        return w
    raise TypeError(f"{where}: w is a {type(w).__name__}; expected a CellWeights.")


def check_holds(where: str, w: CellWeights, format_name: str, held: Iterable[str]) -> None:
    """Raise for what w has and a format does not hold; `held` are keys of _NEAREST."""
    held = set(held)
    for feature in _features(w):
        if feature not in held:
            raise ValueError(
                f"{where}: w has {feature}, which {format_name} cannot hold; expected none "
                f"({_NEAREST[feature]})."
            )


def _features(w: CellWeights) -> list[str]:
    """Return what w has beyond a plain cell, as keys of _NEAREST."""
    resets = w.cell == "gru"
    has = {
        f"{w.peephole_kind} peepholes": w.peephole is not None,
        "a projection": w.weight_hr is not None,
        "layer normalisation": w.gamma_ih is not None,
        "the decaying memory of a T-LSTM": w.weight_cc is not None,
        f'coupled="{w.coupled}"': w.coupled is not None,
        "reset_after=False": resets and not w.reset_after,
        "reset_after=True": resets and w.reset_after,
        "clip": w.clip is not None,
        "cell_clip": w.cell_clip is not None,
        "output_clip": w.output_clip is not None,
    }
    return [feature for feature, present in has.items() if present]


def check_default_activations(
    where: str, w: CellWeights, format_name: str, nearest: str, *, also: tuple[str, ...] = ()
) -> None:
    """Raise if an activation is not tanh or, of gates, sigmoid; `also` are others of candidates."""
    for place, usual in activation_places(w).items():
        given = getattr(w, place)
        if given == usual or (place == "activation" and given in also):
            continue
        expected = " or ".join(f'"{name}"' for name in (usual, *also))
        raise ValueError(
            f"{where}: w has {place}={given!r}; expected {expected}, the only one of "
            f"{format_name} ({nearest})."
        )


def activation_places(w: CellWeights) -> dict[str, str]:
    """Map the places of activations that the cell has to the usual ones."""
    places = {"activation": "tanh"}
    if w.cell != "rnn":
        places["recurrent_activation"] = "sigmoid"
    if w.cell == "lstm":
        places["output_activation"] = "tanh"
    return places


def reads_negated(activation: str | Activation) -> bool:
    """Tell whether 1 - s(a) = s(-a), so that a gate can become its complement."""
    if activation == "sigmoid":
        return True
    given = activation if isinstance(activation, Activation) else Activation(activation)
    return given.name in ("hard_sigmoid", "affine") and given.beta == 0.5


def with_retain(where: str, w: CellWeights) -> dict[str, FloatArray]:
    """Return the arrays with z as the share of h_prev: z rows negated where it was n's.

    1 - σ(a) = σ(-a), so that the function stays the same; negating loses no bit.
    """
    arrays = w.arrays()
    if w.cell != "gru" or w.update == "retain":
        return arrays
    if not reads_negated(w.recurrent_activation):
        raise ValueError(
            f'{where}: w has update="replace" and recurrent_activation='
            f'{w.recurrent_activation!r}; expected "sigmoid" (1 - s(a) = s(-a) is what makes '
            'update="retain" of it).'
        )
    signs = {"r": 1, "z": -1, "n": 1}
    for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
        if name in arrays:
            blocks = np.split(arrays[name], 3)
            arrays[name] = np.concatenate(
                [signs[gate] * block for gate, block in zip(OURS["gru"], blocks, strict=True)]
            )
    return arrays


def uncoupled(w: CellWeights) -> CellWeights:
    """Return an LSTM of four gates that computes what one with coupled gates does.

    i = 1 - f is i = σ(-a_f): the rows of the missing gate are the other's, negated. Training
    moves the two gates apart.

    Raises
    ------
    ValueError
        The gates are not coupled, or 1 - s(a) = s(-a) does not hold for their activation s.

    Examples
    --------
    >>> w = CellWeights("lstm", np.ones((6, 1)), np.ones((6, 2)), coupled="input")
    >>> uncoupled(w).weight_ih.T
    array([[-1., -1.,  1.,  1.,  1.,  1.,  1.,  1.]])
    """
    where = "uncoupled"
    if check_weights(where, w).coupled is None:
        raise ValueError(f'{where}: w has coupled=None; expected "input" or "forget".')
    if not reads_negated(w.recurrent_activation):
        raise ValueError(
            f"{where}: w has recurrent_activation={w.recurrent_activation!r}; expected "
            '"sigmoid" (1 - s(a) = s(-a) must hold).'
        )
    there, absent = ("f", "i") if w.coupled == "input" else ("i", "f")
    given: dict[str, Any] = w.arrays()

    def four(rows: FloatArray, gates: str, wanted: str) -> FloatArray:
        made = reordered(rows, gates, wanted)
        blocks = np.split(made, len(wanted))
        blocks[wanted.index(absent)][...] = -blocks[wanted.index(there)]
        return made

    for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
        if name in given:
            given[name] = four(given[name], f"{there}go", OURS["lstm"])
    if "peephole" in given:
        given["peephole"] = four(given["peephole"], f"{there}o", "ifo")
    return CellWeights(w.cell, **given, **options_of(w, without=("coupled",)))


def options_of(w: CellWeights, without: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return the options of a cell as its constructor takes them."""
    names = ["activation", "recurrent_activation", "output_activation", "reset_after", "update"]
    names += ["coupled", "clip", "cell_clip", "output_clip"]
    return {name: getattr(w, name) for name in names if name not in without}


def array_of(where: str, name: str, value: Any) -> FloatArray:
    """Return a float32 or float64 array of what may be a tensor of another system."""
    if hasattr(value, "detach"):  # a parameter of PyTorch refuses np.asarray
        value = value.detach()
    return as_float_array(where, name, value)


def taken(
    where: str, arrays: Mapping[str, Any], prefix: str, names: Iterable[str]
) -> dict[str, FloatArray]:
    """Return those of `prefix + name` that are there, by name."""
    if not isinstance(arrays, Mapping):
        raise TypeError(
            f"{where}: arrays is a {type(arrays).__name__}; expected a mapping of names to arrays."
        )
    found = {name: arrays[prefix + name] for name in names if prefix + name in arrays}
    return {name: array_of(where, prefix + name, value) for name, value in found.items()}


def missing(where: str, arrays: Mapping[str, Any], name: str) -> ValueError:
    """Return the error about a name that is not there."""
    listed = ", ".join(sorted(str(key) for key in arrays)[:8]) or "nothing"
    more = "" if len(arrays) <= 8 else f" and {len(arrays) - 8} more"
    return ValueError(f'{where}: arrays has no "{name}"; expected it among {listed}{more}.')


def total_bias(arrays: Mapping[str, FloatArray]) -> FloatArray | None:
    """Return the sum of the biases that are there; one alone keeps its bits."""
    present = [arrays[name] for name in ("bias_ih", "bias_hh") if name in arrays]
    return None if not present else present[0] if len(present) == 1 else present[0] + present[1]
