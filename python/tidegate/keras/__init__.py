"""Keras 3 beside tidegate: layers for Keras's models, and whole models from one to the other.

LSTM, GRU and SimpleRNN replace those of keras.layers by one changed import, on the TensorFlow, JAX
and torch backends:

    from tidegate.keras import LSTM        # was: from keras.layers import LSTM
"""

from tidegate._accelerated import Report
from tidegate.keras.accelerate import accelerate
from tidegate.keras.from_keras import from_keras
from tidegate.keras.layers import GRU, LSTM, SimpleRNN
from tidegate.keras.to_keras import to_keras

__all__ = ["GRU", "LSTM", "Report", "SimpleRNN", "accelerate", "from_keras", "to_keras"]
