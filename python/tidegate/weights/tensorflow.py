"""Weights as TensorFlow 1's cells and TensorFlow's operators keep them; TensorFlow is not needed.

One kernel (I + P, G*H), rows of x above rows of h, and one bias (G*H,). LSTMs add `forget_bias` to
that of f whenever they run: it is not in the arrays, and here it becomes part of the bias.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from tidegate._arrays import FloatArray, check_choice
from tidegate.weights.cell_weights import CellWeights
from tidegate.weights.foreign import (
    check_holds,
    check_weights,
    missing,
    taken,
    total_bias,
    with_retain,
)
from tidegate.weights.gate_orders import gates_of, reordered
from tidegate.weights.tensorflow_kinds import KINDS, USUAL_KINDS, Kind


def from_tensorflow(
    arrays: Mapping[str, Any],
    kind: str = "LSTMCell",
    *,
    prefix: str = "",
    forget_bias: float | None = None,
    cell_clip: float | None = None,
    activation: Any = "tanh",
) -> CellWeights:
    """Return the cell of a TensorFlow 1 checkpoint, or of the operands of an operator.

    Parameters
    ----------
    arrays : mapping of str to array
        By the names below; a ":0" behind a name is ignored.
    kind : str
        "LSTMCell" (BasicLSTMCell and LSTMBlockCell too): kernel (I+P, 4H), bias (4H,), and where
        they are there w_i_diag, w_f_diag, w_o_diag (H,), projection/kernel (H, P).
        "BlockLSTM", "BlockLSTMV2" (the operators): w, b, wci, wcf, wco; leave the last three out
        where use_peephole is false.
        "CoupledInputForgetGateLSTMCell": W (I+P, 3H), B, W_F_diag, W_O_diag, W_P.
        "GRUCell": gates/kernel (I+H, 2H), gates/bias, candidate/kernel (I+H, H), candidate/bias.
        "GRUBlockCell": w_ru, b_ru, w_c, b_c. "BasicRNNCell": kernel (I+H, H), bias (H,).
    prefix : str
        What stands before the names, such as "rnn/lstm_cell/".
    forget_bias : float, optional
        What the cell adds to the bias of f when it runs; TensorFlow's default for the kind if
        omitted: 1, for BlockLSTMV2 and cells without a forget gate 0.
    cell_clip : float, optional
        Limit of c; TensorFlow's default for the kind if omitted: 3 for BlockLSTM, else none. 0 or
        less means none.
    activation
        Of the candidate, and in an LSTM of c on its way out.

    Returns
    -------
    CellWeights
        With one bias. Only b_f + forget_bias is not bit for bit what the arrays hold.

    Raises
    ------
    ValueError
        An unknown kind, a name that is missing, shapes that disagree.
    TypeError
        An array that is not float32 or float64.

    Examples
    --------
    >>> arrays = {"kernel": np.ones((7, 16)), "bias": np.zeros(16), "w_f_diag": np.ones(4)}
    >>> w = from_tensorflow(arrays)
    Traceback (most recent call last):
    ...
    ValueError: from_tensorflow: arrays has no "w_i_diag"; expected it among bias, kernel, w_f_diag.
    >>> w = from_tensorflow({"kernel": np.ones((7, 16)), "bias": np.zeros(16)})
    >>> w.input_size, w.bias_ih[4:8]
    (3, array([1., 1., 1., 1.]))
    """
    where = "from_tensorflow"
    check_choice(where, "kind", kind, tuple(KINDS))
    of = KINDS[kind]
    if isinstance(arrays, Mapping):
        arrays = {str(name).removesuffix(":0"): array for name, array in arrays.items()}
    names = [name for pair in of.parts.values() for name in pair]
    required = list(names)
    found = taken(where, arrays, prefix, [*names, *of.peepholes, of.projection or names[0]])
    if any(name in found for name in of.peepholes):
        required += of.peepholes
    for name in required:
        if name not in found:
            raise missing(where, arrays, prefix + name)
    weight, bias = _joined(where, of, found)
    hidden = len(bias) // len(gates_of(of.cell, of.coupled))
    outputs = found[of.projection].shape[-1] if of.projection in found else hidden
    inputs = weight.shape[1] - outputs
    if inputs < 0:
        raise ValueError(
            f"{where}: {names[0]} has {weight.shape[1]} rows; expected at least {outputs}, those "
            "of h."
        )
    forget = of.forget_bias if forget_bias is None else forget_bias
    if of.cell == "lstm":
        block = gates_of("lstm", of.coupled).index("f") * hidden
        bias[block : block + hidden] += bias.dtype.type(forget)
    elif forget:
        raise ValueError(f"{where}: forget_bias is {forget}; expected None for {kind}.")
    limit = of.cell_clip if cell_clip is None else cell_clip
    named: dict[str, Any] = {
        "weight_ih": weight[:, :inputs],
        "weight_hh": weight[:, inputs:],
        "bias_ih": bias,
    }
    if of.peepholes and of.peepholes[0] in found:
        named["peephole"] = np.stack([found[name] for name in of.peepholes])
    if of.projection in found:
        named["weight_hr"] = found[of.projection].T
    named |= {"coupled": of.coupled, "cell_clip": limit if limit and limit > 0 else None}
    if of.cell == "gru":
        named["reset_after"] = False
    return CellWeights(of.cell, **named, activation=activation)


def _joined(where: str, of: Kind, found: dict[str, FloatArray]) -> tuple[FloatArray, FloatArray]:
    """Return [W, R] (G*H, I+P) and the bias (G*H,) in our order of gates."""
    given = "".join(of.parts)
    kernels, biases = [], []
    for gates, (kernel, bias) in of.parts.items():
        array = found[kernel]
        if array.ndim != 2 or array.shape[1] % len(gates):
            raise ValueError(
                f"{where}: {kernel} has shape {array.shape}; expected two axes, the second "
                f"{len(gates)}*H."
            )
        if found[bias].shape != array.shape[1:]:
            raise ValueError(
                f"{where}: {bias} has shape {found[bias].shape}; expected {array.shape[1:]}, the "
                f"columns of {kernel}."
            )
        kernels.append(array.T)
        biases.append(found[bias])
    widths = {len(array) // len(gates) for array, gates in zip(kernels, of.parts, strict=True)}
    if len(widths) > 1 or len({array.shape[1] for array in kernels}) > 1:
        shapes = " and ".join(str(array.T.shape) for array in kernels)
        raise ValueError(
            f"{where}: the kernels have shapes {shapes}; expected the same rows, and H columns "
            "for each gate."
        )
    ours = gates_of(of.cell, of.coupled)
    return (
        reordered(np.concatenate(kernels), given, ours),
        reordered(np.concatenate(biases), given, ours),
    )


def to_tensorflow(
    w: CellWeights, kind: str | None = None, *, prefix: str = "", forget_bias: float | None = None
) -> dict[str, FloatArray]:
    """Return a cell as arrays by TensorFlow's names: the inverse of `from_tensorflow`.

    Parameters
    ----------
    w : CellWeights
        Two biases become their sum; without one there are zeros. `cell_clip` and the activation
        are no arrays: pass them to the cell, as well as `forget_bias`.
    kind, prefix, forget_bias
        See `from_tensorflow`; by default the cell of this kind that TensorFlow 1 users know, and
        its default. forget_bias=0 keeps the bits of b_f.

    Returns
    -------
    dict of str to array

    Raises
    ------
    ValueError
        What the kind does not have, such as full peepholes, layer normalisation, clip, or a GRU
        with reset_after.

    Examples
    --------
    >>> w = CellWeights("gru", np.ones((12, 3)), np.ones((12, 4)), reset_after=False)
    >>> {name: array.shape for name, array in to_tensorflow(w).items()}
    {'gates/kernel': (7, 8), 'gates/bias': (8,), 'candidate/kernel': (7, 4), 'candidate/bias': (4,)}
    """
    where = "to_tensorflow"
    usual = USUAL_KINDS[check_weights(where, w).cell]
    if kind is None:
        kind = "CoupledInputForgetGateLSTMCell" if w.coupled == "input" else usual
    of = KINDS[check_choice(where, "kind", kind, tuple(KINDS))]
    if of.cell != w.cell or (of.coupled and not w.coupled):
        raise ValueError(
            f'{where}: kind is "{kind}"; expected one for a cell "{w.cell}" such as "{usual}".'
        )
    check_holds(where, w, f"TensorFlow's {kind}", of.held)
    _check_activations(where, kind, of, w)
    arrays = with_retain(where, w)
    ours, given = gates_of(w.cell, w.coupled), "".join(of.parts)
    bias = total_bias(arrays)
    bias = np.zeros(len(w.weight_ih), w.dtype) if bias is None else bias.copy()
    if w.cell == "lstm":
        block = ours.index("f") * w.hidden_size
        forget = of.forget_bias if forget_bias is None else forget_bias
        bias[block : block + w.hidden_size] -= bias.dtype.type(forget)
    weight = np.concatenate([arrays["weight_ih"], arrays["weight_hh"]], axis=1)
    weight, bias = reordered(weight, ours, given), reordered(bias, ours, given)
    made, row = {}, 0
    for gates, (kernel_name, bias_name) in of.parts.items():
        rows = slice(row, row := row + len(gates) * w.hidden_size)
        made[kernel_name] = np.ascontiguousarray(weight[rows].T)
        made[bias_name] = bias[rows].copy()
    if "peephole" in arrays:
        made |= dict(zip(of.peepholes, arrays["peephole"].copy(), strict=True))
    if of.projection is not None and "weight_hr" in arrays:
        made[of.projection] = np.ascontiguousarray(arrays["weight_hr"].T)
    return {prefix + name: array for name, array in made.items()}


def _check_activations(where: str, kind: str, of: Kind, w: CellWeights) -> None:
    """Raise unless gates have "sigmoid", and the others are one that the kind may be given."""
    expected: dict[str, Any] = {"activation": "tanh"} if of.only_tanh else {}
    if w.cell != "rnn":
        expected["recurrent_activation"] = "sigmoid"
    if w.cell == "lstm":
        expected["output_activation"] = w.activation
    for place, value in expected.items():
        if getattr(w, place) != value:
            raise ValueError(
                f"{where}: w has {place}={getattr(w, place)!r}; expected {value!r}, the only one "
                f"of TensorFlow's {kind} (to_onnx holds others)."
            )
