"""Attention: weighted means over the steps of a sequence, the weights computed from the data.

All of them share the softmax over the steps that count (weights.py).
"""

from tidegate.layers.attention.additive import AdditiveAttention
from tidegate.layers.attention.dot_product import Attention
from tidegate.layers.attention.pooling import AttentionPooling

__all__ = ["AdditiveAttention", "Attention", "AttentionPooling"]
