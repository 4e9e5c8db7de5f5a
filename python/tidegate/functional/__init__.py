"""The engine's doors: explicit weights in, arrays out.

    rnn_forward, rnn_backward               one layer
    birnn_forward, birnn_backward           the two directions of a bidirectional layer
    rnn_stack_forward, rnn_stack_backward   stacked layers

Two directions or several layers in one call give the results of one call each, bit for bit, and
are faster where one layer is too small to fill the threads.
"""

from tidegate.functional.bidirectional import (
    BiRNNGradients,
    BiRNNOutput,
    SavedBiRNN,
    birnn_backward,
    birnn_forward,
)
from tidegate.functional.layer import rnn_backward, rnn_forward
from tidegate.functional.results import RNNGradients, RNNOutput, SavedForward
from tidegate.functional.stack import (
    RNNStackGradients,
    RNNStackOutput,
    SavedStack,
    rnn_stack_backward,
    rnn_stack_forward,
)

__all__ = [
    "BiRNNGradients",
    "BiRNNOutput",
    "RNNGradients",
    "RNNOutput",
    "RNNStackGradients",
    "RNNStackOutput",
    "SavedBiRNN",
    "SavedForward",
    "SavedStack",
    "birnn_backward",
    "birnn_forward",
    "rnn_backward",
    "rnn_forward",
    "rnn_stack_backward",
    "rnn_stack_forward",
]
