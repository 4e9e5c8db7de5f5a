"""GRU, all four forms (gate order r z n; equations: docs/equations/gru.md).

    n = act(W_n x + R_n (r∘h_prev) + b_n)               reset_after=False  (Cho et al. 2014)
    n = act(W_n x + bW_n + r∘(R_n h_prev + bR_n))       reset_after=True   (cuDNN, Keras's default)
    h = z∘h_prev + (1-z)∘n                              update="retain"    (Keras)
    h = (1-z)∘h_prev + z∘n                              update="replace"   (Chung et al. 2014)

The gates r and z are those of every GRU.
"""

from typing import TYPE_CHECKING, Any

from tidegate._layer_norm import check_combination
from tidegate.activation import config_of
from tidegate.layers import activations, checks
from tidegate.layers.recurrent import RecurrentLayer
from tidegate.layers.recurrent_options import RecurrentOptions
from tidegate.layers.types import Config
from tidegate.weights import UPDATES

if TYPE_CHECKING:
    from typing_extensions import Unpack


class GRU(RecurrentLayer):
    """Gated recurrent unit; arguments as in RecurrentLayer and below.

    Parameters
    ----------
    recurrent_activation : like activation
        Of the gates r and z.
    reset_after : bool
        Apply the reset gate after the product with R_n; then R_n h_prev has a bias of its own.
    update : {"retain", "replace"}
        What the update gate z weighs: the old state or the candidate.

    Notes
    -----
    Parameters: weight_ih (3H, I), weight_hh (3H, H), bias_ih (3H,) and, with reset_after,
    bias_hh (3H,).

    Examples
    --------
    >>> import numpy as np
    >>> GRU(4, return_sequences=True)(np.zeros((2, 5, 3))).shape
    (2, 5, 4)
    """

    cell = "gru"
    gates = 3

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        reset_after: bool = True,
        *,
        update: str = "retain",
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
        self.recurrent_activation = activations.recurrent(
            "GRU", "recurrent_activation", recurrent_activation
        )
        self.reset_after = checks.boolean("GRU", "reset_after", reset_after)
        self.update = checks.choice("GRU", "update", update, UPDATES)
        if self.layer_norm:
            check_combination(type(self).__name__, resets_before=not self.reset_after)

    def _bias_names(self) -> tuple[str, ...]:
        return ("bias_ih", "bias_hh") if self.reset_after else ("bias_ih",)

    def _options(self) -> dict[str, Any]:
        return super()._options() | {
            "recurrent_activation": self.recurrent_activation,
            "reset_after": self.reset_after,
            "update": self.update,
        }

    def _config(self) -> Config:
        return super()._config() | {
            "recurrent_activation": config_of(self.recurrent_activation),
            "reset_after": self.reset_after,
            "update": self.update,
        }
