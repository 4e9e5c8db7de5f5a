"""Sequences as people have them, made into the arrays that layers take.

Each file is one concept: padding (to one length, as Keras does), ragged (a list of arrays to a
batch and its lengths), masks (which steps count).
"""

from tidegate.sequences.masks import lengths_to_mask, mask_to_lengths
from tidegate.sequences.padding import pad_sequences
from tidegate.sequences.ragged import from_ragged

__all__ = [
    "from_ragged",
    "lengths_to_mask",
    "mask_to_lengths",
    "pad_sequences",
]
