"""The textbook in NumPy float64: forward and backward of every cell, written like the equations.

It is slow, plain and the judge of the compiled engine: every test of the engine compares with it.
It is itself checked by finite differences and by values worked out by hand. It imports nothing else
of this package. Read it beside docs/equations.

    activations   value and slope of every activation
    lstm gru rnn  one step forward and one step back of each cell
    memory        what time does to the memory of a T-LSTM before its step
    layer_norm    of the products and of c
    sequence      the time loop
    weights       the arrays and options of a cell
    doors         rnn_forward and rnn_backward, with the arguments of tidegate.functional

Examples
--------
>>> import numpy as np
>>> from tidegate import reference
>>> w = reference.Weights("lstm", np.ones((4, 1)), np.zeros((4, 1)))
>>> reference.rnn_forward(w, np.zeros((2, 1, 1))).y.ravel()
array([0., 0.])
"""

from .activations import ACTIVATIONS, Activation
from .doors import RNNGradients, RNNOutput, Saved, rnn_backward, rnn_forward
from .sequence import CELLS, Cell
from .weights import Weights

__all__ = [
    "ACTIVATIONS",
    "CELLS",
    "Activation",
    "Cell",
    "RNNGradients",
    "RNNOutput",
    "Saved",
    "Weights",
    "rnn_backward",
    "rnn_forward",
]
