"""Layers with Keras's conventions: batch first, NumPy arrays in and out.

Each file is one concept: base (the life of a layer), parameters (flat buffers), recurrent (what the
three cells share) and one file per layer.
"""

from tidegate.layers import constraints, initializers, regularizers
from tidegate.layers.attention import AdditiveAttention, Attention, AttentionPooling
from tidegate.layers.base import Layer
from tidegate.layers.bidirectional import Bidirectional
from tidegate.layers.dense import Dense
from tidegate.layers.dropout import Dropout
from tidegate.layers.embedding import Embedding
from tidegate.layers.gru import GRU
from tidegate.layers.grud import GRUD
from tidegate.layers.input import Input
from tidegate.layers.joining import Add, Average, Concatenate, Multiply
from tidegate.layers.lstm import LSTM
from tidegate.layers.masking import Masking
from tidegate.layers.missing_indicator import MissingIndicator
from tidegate.layers.residual import Residual
from tidegate.layers.simple_rnn import SimpleRNN
from tidegate.layers.time_lstm import TimeLSTM

__all__ = [
    "GRU",
    "GRUD",
    "LSTM",
    "Add",
    "AdditiveAttention",
    "Attention",
    "AttentionPooling",
    "Average",
    "Bidirectional",
    "Concatenate",
    "Dense",
    "Dropout",
    "Embedding",
    "Input",
    "Layer",
    "Masking",
    "MissingIndicator",
    "Multiply",
    "Residual",
    "SimpleRNN",
    "TimeLSTM",
    "constraints",
    "initializers",
    "regularizers",
]
