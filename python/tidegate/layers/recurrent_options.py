"""The options that LSTM, GRU and SimpleRNN take alike; what they mean: RecurrentLayer."""

from typing import Any, TypedDict


class RecurrentOptions(TypedDict, total=False):
    """Keyword arguments that a recurrent layer hands on to RecurrentLayer."""

    kernel_regularizer: Any
    recurrent_regularizer: Any
    bias_regularizer: Any
    kernel_constraint: Any
    recurrent_constraint: Any
    bias_constraint: Any
    clip: float | None
    stateful: bool
    dropout: float
    recurrent_dropout: float
    zoneout: float
    zero_output_for_mask: bool
    recompute_every: int | None
    weight_drop: float
    layer_norm: bool
    name: str | None
    dtype: Any
    input_shape: Any
