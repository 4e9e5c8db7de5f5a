"""Weights as the lists that keras.layers.LSTM, GRU and SimpleRNN take and give.

kernel (I, G*H), recurrent_kernel (H, G*H), with biases one (G*H,), of a GRU with reset_after (2,
3H): that of the input above that of the recurrence.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tidegate._arrays import FloatArray, check_choice, check_flag
from tidegate.activation import Activation
from tidegate.weights.cell_weights import GATES, CellWeights
from tidegate.weights.foreign import array_of, check_holds, check_weights, total_bias, with_retain
from tidegate.weights.gate_orders import KERAS, OURS, reordered

_HELD = ("reset_after=True", "reset_after=False")
# Functions of keras.activations, with what they take when nothing is said.
ACTIVATIONS: dict[str, str | Activation] = {
    **{name: name for name in ("tanh", "sigmoid", "relu", "linear", "elu", "softsign", "softplus")},
    "hard_sigmoid": Activation("hard_sigmoid", alpha=1 / 6, beta=0.5),
    "leaky_relu": Activation("leaky_relu", alpha=0.2),
}
# What Keras has and the engine has not, with what comes nearest.
_NEAREST = {
    "celu": "elu",
    "exponential": "softplus",
    "gelu": "softplus",
    "glu": "sigmoid",
    "hard_shrink": "linear",
    "hard_silu": "relu",
    "hard_tanh": "tanh",
    "log_sigmoid": "softplus",
    "log_softmax": "softplus",
    "mish": "softplus",
    "relu6": "relu",
    "selu": "elu",
    "silu": "relu",
    "soft_shrink": "linear",
    "softmax": "sigmoid",
    "sparse_plus": "relu",
    "sparse_sigmoid": "hard_sigmoid",
    "sparsemax": "sigmoid",
    "squareplus": "softplus",
    "tanh_shrink": "linear",
    "threshold": "relu",
}


def from_keras(
    arrays: Sequence[Any], cell: str, *, reset_after: bool = True, **options: Any
) -> CellWeights:
    """Return the cell of what `layer.get_weights()` of Keras gives; bit for bit.

    Parameters
    ----------
    arrays : sequence of 2 or 3 arrays
        kernel (I, G*H), recurrent_kernel (H, G*H) and, with use_bias, bias: (G*H,), or (2, 3H) of
        a GRU with reset_after. Of a Bidirectional layer the first half is the forward direction.
    cell : {"lstm", "gru", "rnn"}
        LSTM, GRU, SimpleRNN.
    reset_after : bool
        Of the GRU layer.
    **options
        Of `CellWeights`: activation, recurrent_activation. Keras's "hard_sigmoid" and
        "leaky_relu" have other parameters than ours; `keras_activation` translates.

    Raises
    ------
    ValueError
        Another number of arrays, or shapes that do not fit the cell and reset_after.
    TypeError
        An array that is not float32 or float64.

    Examples
    --------
    >>> from_keras([np.ones((3, 12)), np.ones((4, 12)), np.zeros((2, 12))], "gru")
    CellWeights("gru", input_size=3, hidden_size=4, dtype=float64)
    """
    where = "from_keras"
    check_choice(where, "cell", cell, tuple(GATES))
    check_flag(where, "reset_after", reset_after)
    if len(arrays) not in (2, 3):
        raise ValueError(
            f"{where}: arrays has {len(arrays)} entries; expected 2 or 3: kernel, "
            "recurrent_kernel, bias (a Bidirectional layer has those of two cells: split them)."
        )
    names = ("kernel", "recurrent_kernel", "bias")
    read = [array_of(where, name, a) for name, a in zip(names, arrays, strict=False)]
    if cell == "gru":
        options = {"reset_after": reset_after, **options}

    def ours(rows: FloatArray) -> FloatArray:
        return reordered(rows, KERAS[cell], OURS[cell])

    for name, array in zip(names[:2], read, strict=False):
        gates = len(OURS[cell])
        if array.ndim != 2 or array.shape[1] % gates:
            raise ValueError(
                f"{where}: {name} has shape {array.shape}; expected two axes, the second "
                f'{gates}*H for cell "{cell}".'
            )
    named: dict[str, Any] = {"weight_ih": ours(read[0].T), "weight_hh": ours(read[1].T)}
    if len(read) == 3:
        rows = 2 if cell == "gru" and reset_after else 1
        shape = (2, read[0].shape[1]) if rows == 2 else (read[0].shape[1],)
        if read[2].shape != shape:
            hint = " (reset_after says which of the two)" if cell == "gru" else ""
            raise ValueError(
                f"{where}: bias has shape {read[2].shape}; expected {shape} for cell "
                f'"{cell}"{hint}.'
            )
        biases = read[2].reshape(rows, -1)
        named |= {
            name: ours(bias) for name, bias in zip(("bias_ih", "bias_hh"), biases, strict=False)
        }
    return CellWeights(cell, **named, **options)


def to_keras(w: CellWeights) -> list[FloatArray]:
    """Return what `set_weights` of Keras's LSTM, GRU or SimpleRNN layer takes.

    Parameters
    ----------
    w : CellWeights
        Two biases that are only added (every cell but the GRU with reset_after) become their
        sum: the same function, one rounding apart. A GRU with update="replace" gets its z rows
        negated.

    Returns
    -------
    list of arrays
        kernel (I, G*H), recurrent_kernel (H, G*H), and bias unless w has none.

    Raises
    ------
    ValueError
        What those layers do not have: peepholes, a projection, layer normalisation, coupled
        gates, limits, an activation that Keras has no function for.

    Examples
    --------
    >>> w = CellWeights("gru", np.ones((12, 3)), np.ones((12, 4)), np.zeros(12))
    >>> [array.shape for array in to_keras(w)]
    [(3, 12), (4, 12), (2, 12)]
    """
    where = "to_keras"
    layer = {"lstm": "LSTM", "gru": "GRU", "rnn": "SimpleRNN"}[check_weights(where, w).cell]
    check_holds(where, w, f"keras.layers.{layer}", _HELD)
    activation_options(where, w)
    arrays = with_retain(where, w)

    def theirs(rows: FloatArray) -> FloatArray:
        return reordered(rows, OURS[w.cell], KERAS[w.cell])

    made = [np.ascontiguousarray(theirs(arrays[n]).T) for n in ("weight_ih", "weight_hh")]
    bias = total_bias(arrays)
    if bias is None:
        return made
    if w.cell == "gru" and w.reset_after:
        zeros = np.zeros_like(bias)
        both = [theirs(arrays.get(name, zeros)) for name in ("bias_ih", "bias_hh")]
        return [*made, np.stack(both)]
    return [*made, theirs(bias)]


def activation_options(where: str, w: CellWeights) -> dict[str, str]:
    """Return activation and recurrent_activation as Keras names them, or raise."""
    if w.cell == "lstm" and w.output_activation != w.activation:
        raise ValueError(
            f"{where}: w has output_activation={w.output_activation!r}; expected "
            f"{w.activation!r}, as keras.layers.LSTM uses `activation` in both places "
            "(to_onnx holds both)."
        )
    places = ["activation"] if w.cell == "rnn" else ["activation", "recurrent_activation"]
    return {place: keras_name(where, place, getattr(w, place)) for place in places}


def keras_name(where: str, argument: str, activation: str | Activation) -> str:
    """Return the name of the function of keras.activations, or raise."""
    for name, ours in ACTIVATIONS.items():
        if activation == ours:
            return name
    raise ValueError(
        f"{where}: {argument} is {activation!r}; expected one of those that Keras has: "
        f"{', '.join(repr(ours) for ours in ACTIVATIONS.values())} (to_onnx holds the others)."
    )


def keras_activation(where: str, argument: str, name: str) -> str | Activation:
    """Return our activation for the name of a function of keras.activations, or raise.

    Examples
    --------
    >>> keras_activation("example", "activation", "leaky_relu")
    Activation(name='leaky_relu', alpha=0.2, beta=None)
    """
    if name in ACTIVATIONS:
        return ACTIVATIONS[name]
    nearest = f'; "{_NEAREST[name]}" is nearest' if name in _NEAREST else ""
    raise ValueError(
        f'{where}: {argument} is "{name}"; expected one of {", ".join(ACTIVATIONS)}{nearest} '
        "(the engine computes no others; keras.layers does)."
    )
