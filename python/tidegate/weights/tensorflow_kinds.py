"""The cells and operators of TensorFlow: which arrays they have, and what they add to them."""

from dataclasses import dataclass
from typing import Any

from tidegate.weights.gate_orders import TENSORFLOW, TENSORFLOW_BLOCK_V2, TENSORFLOW_COUPLED


@dataclass(frozen=True)
class Kind:
    """One of TensorFlow's cells: its gates, by the parts of the kernel, and names of arrays."""

    cell: str
    parts: dict[str, tuple[str, str]]  # gates to (kernel, bias)
    peepholes: tuple[str, ...] = ()  # in the order of ours
    projection: str | None = None
    forget_bias: float = 0.0
    cell_clip: float | None = None
    coupled: str | None = None
    held: tuple[str, ...] = ()
    only_tanh: bool = False


_DIAGONAL = ("w_i_diag", "w_f_diag", "w_o_diag")
_BLOCK: dict[str, Any] = {"peepholes": ("wci", "wcf", "wco"), "only_tanh": True}
_LSTM_HOLDS = ("diagonal peepholes", "cell_clip")
_LSTM = TENSORFLOW["lstm"]
_GRU = TENSORFLOW["gru"]
KINDS = {
    "LSTMCell": Kind(
        "lstm",
        {_LSTM: ("kernel", "bias")},
        _DIAGONAL,
        "projection/kernel",
        forget_bias=1.0,
        held=(*_LSTM_HOLDS, "a projection"),
    ),
    "BlockLSTM": Kind(
        "lstm", {_LSTM: ("w", "b")}, forget_bias=1.0, cell_clip=3.0, held=_LSTM_HOLDS, **_BLOCK
    ),
    "BlockLSTMV2": Kind(
        "lstm", {TENSORFLOW_BLOCK_V2["lstm"]: ("w", "b")}, held=_LSTM_HOLDS, **_BLOCK
    ),
    "CoupledInputForgetGateLSTMCell": Kind(
        "lstm",
        {TENSORFLOW_COUPLED["lstm"]: ("W", "B")},
        ("W_F_diag", "W_O_diag"),
        "W_P",
        forget_bias=1.0,
        coupled="input",
        held=("diagonal peepholes", "a projection", 'coupled="input"'),
    ),
    "GRUCell": Kind(
        "gru",
        {
            _GRU[:2]: ("gates/kernel", "gates/bias"),
            _GRU[2:]: ("candidate/kernel", "candidate/bias"),
        },
        held=("reset_after=False",),
    ),
    "GRUBlockCell": Kind(
        "gru",
        {_GRU[:2]: ("w_ru", "b_ru"), _GRU[2:]: ("w_c", "b_c")},
        held=("reset_after=False",),
        only_tanh=True,
    ),
    "BasicRNNCell": Kind("rnn", {TENSORFLOW["rnn"]: ("kernel", "bias")}),
}
USUAL_KINDS = {"lstm": "LSTMCell", "gru": "GRUCell", "rnn": "BasicRNNCell"}
