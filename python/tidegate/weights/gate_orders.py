"""In which order systems keep the gates of a cell, one letter each.

i input, f forget, g candidate, o output of the LSTM; r reset, z update, n candidate of the GRU; h
the only "gate" of a simple RNN. Where the order of the axes differs too, the converters transpose.
"""

from typing import Any

import numpy as np

from tidegate._arrays import FloatArray

OURS = {"lstm": "ifgo", "gru": "rzn", "rnn": "h"}
COUPLED_GATES = {"input": "fgo", "forget": "igo"}  # the other of i and f is not there

TORCH = OURS
KERAS = {"lstm": "ifgo", "gru": "zrn", "rnn": "h"}
ONNX = {"lstm": "iofg", "gru": "zrn", "rnn": "h"}
# LSTMCell, BasicLSTMCell, LSTMBlockCell, BlockLSTM; GRUCell, whose r and z stand apart from n.
TENSORFLOW = {"lstm": "igfo", "gru": "rzn", "rnn": "h"}
TENSORFLOW_BLOCK_V2 = {"lstm": "ifgo"}
TENSORFLOW_COUPLED = {"lstm": "gfo"}  # CoupledInputForgetGateLSTMCell

# The rows of peepholes; g has none.
OUR_PEEPHOLES = "ifo"
ONNX_PEEPHOLES = "iof"


def gates_of(cell: str, coupled: str | None = None) -> str:
    """Return the gates of one of our cells in their order.

    Examples
    --------
    >>> gates_of("lstm"), gates_of("lstm", "forget")
    ('ifgo', 'igo')
    """
    return OURS[cell] if coupled is None else COUPLED_GATES[coupled]


def peepholes_of(coupled: str | None = None) -> str:
    """Return the gates that have peepholes, in the order of the rows of `CellWeights.peephole`."""
    return "".join(gate for gate in gates_of("lstm", coupled) if gate != "g")


def reordered(rows: Any, given: str, wanted: str) -> FloatArray:
    """Return the blocks of rows of the gates in another order.

    Parameters
    ----------
    rows : (G*H, ...) array
        G = len(given) blocks along the first axis.
    given : str
        The gate of each block, one letter each.
    wanted : str
        The gates of the result. One that `given` lacks becomes zeros; one that stands in `given`
        only is left out.

    Returns
    -------
    (len(wanted)*H, ...) array, a copy.

    Raises
    ------
    ValueError
        The rows do not divide into `len(given)` blocks.

    Examples
    --------
    >>> reordered(np.array([1, 2, 3, 4]), "ifgo", "iofg")
    array([1, 4, 2, 3])
    >>> reordered(np.array([1, 2, 3]), "igo", "iofg")
    array([1, 3, 0, 2])
    """
    rows = np.asarray(rows)
    if rows.ndim == 0 or len(rows) % len(given):
        raise ValueError(
            f"reordered: rows has shape {rows.shape}; expected its first axis to divide into "
            f'{len(given)} gates, "{given}".'
        )
    blocks = dict(zip(given, np.split(rows, len(given)), strict=True))
    absent = np.zeros_like(blocks[given[0]])
    return np.concatenate([blocks.get(gate, absent) for gate in wanted])
