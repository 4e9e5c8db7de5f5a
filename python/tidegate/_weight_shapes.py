"""The shapes of a cell's arrays, from those of weight_hh and, with a projection, of weight_hr.

And whose memory the arrays are.
"""

from typing import Any, NamedTuple

import numpy as np

from tidegate._arrays import FloatArray, as_float_array, with_shape


class Sizes(NamedTuple):
    """What the shapes follow from."""

    gates: int  # G
    inputs: int  # I
    hidden: int  # H
    outputs: int  # P, H without a projection
    projects: bool


def sizes_of(where: str, gates: int, w_ih: FloatArray, w_hh: FloatArray, weight_hr: Any) -> Sizes:
    """Read the sizes from the matrices; raise if they have none."""
    for name, array in (("weight_ih", w_ih), ("weight_hh", w_hh)):
        if array.ndim != 2:
            raise ValueError(
                f"{where}: {name} has shape {array.shape}; expected two axes, (G*H, I) or (G*H, H)."
            )
    inputs, outputs = w_ih.shape[1], w_hh.shape[1]
    if outputs < 1:
        raise ValueError(
            f"{where}: weight_hh has shape {w_hh.shape}; expected (G*H, H) with hidden_size H >= 1."
        )
    if weight_hr is None:
        return Sizes(gates, inputs, outputs, outputs, projects=False)
    w_hr = as_float_array(where, "weight_hr", weight_hr, w_ih.dtype)
    if w_hr.ndim != 2 or w_hr.shape[0] != outputs or w_hr.shape[1] < 1:
        raise ValueError(
            f"{where}: weight_hr has shape {w_hr.shape}; expected (P, H) with "
            f"P = {outputs}, the columns of weight_hh, and H >= 1."
        )
    return Sizes(gates, inputs, w_hr.shape[1], outputs, projects=True)


def check_lstm_only(where: str, cell: str, given: dict[str, Any]) -> None:
    """Raise if another cell is given an option or array of the LSTM."""
    for name, value in given.items():
        if value is not None and cell != "lstm":
            raise ValueError(f'{where}: {name} is given; expected None for cell "{cell}".')


def check_memory(where: str, given: dict[str, Any], coupled: str | None) -> None:
    """Raise if the arrays of a T-LSTM's memory do not go with the others, or with the options."""
    if given["weight_cc"] is None:
        if given["bias_cc"] is not None:
            raise ValueError(f"{where}: bias_cc is given; expected None without weight_cc.")
        return
    for name, value in (("peephole", given["peephole"]), ("coupled", coupled)):
        if value is not None:
            raise ValueError(
                f"{where}: weight_cc and {name} are given; expected one of them (the gates of a "
                "T-LSTM are those of a plain LSTM)."
            )


def shapes_of(sizes: Sizes, peepholes: int, cell: str) -> dict[str, tuple[tuple[int, ...], str]]:
    """Map names of arrays to shapes, and to what messages say of them; `cell` ends some of those.

    A full peephole goes by the name "full peephole".
    """
    gates, inputs, hidden, outputs, projects = sizes
    rows, columns = gates * hidden, "output_size" if projects else "hidden_size"
    of = "" if gates == 1 else f"{gates}*"
    diagonal, full = f"({peepholes}, hidden_size)", f"({peepholes}, hidden_size, hidden_size)"
    return {
        "weight_ih": ((rows, inputs), f"({of}hidden_size, input_size) {cell}"),
        "weight_hh": ((rows, outputs), f"({of}hidden_size, {columns}) {cell}"),
        "bias_ih": ((rows,), f"({of}hidden_size,) {cell}"),
        "bias_hh": ((rows,), f"({of}hidden_size,) {cell}"),
        "peephole": ((peepholes, hidden), f"{diagonal}, or {full}"),
        "full peephole": ((peepholes, hidden, hidden), full),
        "weight_hr": ((outputs, hidden), "(output_size, hidden_size)"),
        "weight_cc": ((hidden, hidden), "(hidden_size, hidden_size)"),
        "bias_cc": ((hidden,), "(hidden_size,)"),
        "gamma_ih": ((rows,), f"({of}hidden_size,) {cell}"),
        "gamma_hh": ((rows,), f"({of}hidden_size,) {cell}"),
        "gamma_c": ((hidden,), "(hidden_size,)"),
        "beta_c": ((hidden,), "(hidden_size,)"),
    }


def owned(
    where: str, name: str, given: FloatArray, expected: tuple[tuple[int, ...], str], share: bool
) -> FloatArray:
    """Return the array itself when shared, else a read-only copy, after a check of its shape."""
    array = with_shape(where, name, given, *expected)
    if not share:
        array = array.copy()
        array.flags.writeable = False
    elif array is not given and not np.shares_memory(array, given):
        raise ValueError(
            f"{where}: {name} is not C-contiguous and aligned; expected an array that can be "
            "shared (copy it first)."
        )
    return array
