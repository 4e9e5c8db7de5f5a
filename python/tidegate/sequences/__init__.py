"""Sequences as people have them, made into the arrays that layers take.

Each file is one concept: padding (to one length, as Keras does), ragged (a list of arrays to a
batch and its lengths), masks (which steps count), missing (values that are not there), asynchronous
(streams sampled at times of their own), gaps (the time between steps).
"""

from tidegate.sequences.asynchronous import Merged, merge_asynchronous
from tidegate.sequences.gaps import memory_decay, time_gaps
from tidegate.sequences.masks import lengths_to_mask, mask_to_lengths
from tidegate.sequences.missing import feature_means, missing_indicator
from tidegate.sequences.padding import pad_sequences
from tidegate.sequences.ragged import from_ragged

__all__ = [
    "Merged",
    "feature_means",
    "from_ragged",
    "lengths_to_mask",
    "mask_to_lengths",
    "memory_decay",
    "merge_asynchronous",
    "missing_indicator",
    "pad_sequences",
    "time_gaps",
]
