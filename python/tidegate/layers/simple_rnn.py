"""SimpleRNN: h = act(W x + R h_prev + b)."""

from typing import TYPE_CHECKING, Any

from tidegate.layers.recurrent import RecurrentLayer
from tidegate.layers.recurrent_options import RecurrentOptions

if TYPE_CHECKING:
    from typing_extensions import Unpack


class SimpleRNN(RecurrentLayer):
    """Recurrent layer without gates (Elman 1990); arguments as in RecurrentLayer.

    Notes
    -----
    Parameters: weight_ih (H, I), weight_hh (H, H), bias_ih (H,).

    Examples
    --------
    >>> import numpy as np
    >>> SimpleRNN(4)(np.zeros((2, 5, 3))).shape
    (2, 4)
    """

    cell = "rnn"
    gates = 1

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        **options: "Unpack[RecurrentOptions]",
    ) -> None:
        super().__init__(
            units,
            activation,
            use_bias,
            kernel_initializer,
            recurrent_initializer,
            bias_initializer,
            return_sequences,
            return_state,
            go_backwards,
            **options,
        )
