"""What forward passes keep for their backward, behind numbers that a graph can carry.

A graph of TensorFlow passes on tensors only. The number of an entry stands in an array, and the
entry lives as long as that array: TensorFlow holds on to the array itself, without a copy, until
the tensor is freed, so that an entry whose backward never runs goes with it. Where a tensor is a
copy after all, the entry is gone, and the backward has to compute it again.
"""

import itertools
import threading
import weakref
from typing import Any

import numpy as np

ALIGNMENT = 64  # bytes; TensorFlow copies arrays that are less aligned (EIGEN_MAX_ALIGN_BYTES)


class Kept:
    """Entries by number.

    Examples
    --------
    >>> kept = Kept()
    >>> ticket = kept.put("gates")
    >>> kept.take(ticket), kept.take(ticket)
    ('gates', None)
    >>> ticket = kept.put("gates")
    >>> del ticket
    >>> len(kept)
    0
    """

    def __init__(self) -> None:
        self._entries: dict[int, Any] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def put(self, entry: Any) -> np.ndarray[Any, np.dtype[np.int64]]:
        """Keep an entry as long as the array of shape (1,) that is returned."""
        with self._lock:
            number = next(self._numbers)
        spare = np.empty(ALIGNMENT // 8 + 1, np.int64)
        start = -spare.ctypes.data % ALIGNMENT // 8
        ticket = spare[start : start + 1]
        ticket[0] = number
        self._entries[number] = entry
        weakref.finalize(ticket, self._entries.pop, number, None).atexit = False
        return ticket

    def take(self, ticket: Any) -> Any:
        """Return the entry and forget it; None if it is gone."""
        return self._entries.pop(int(ticket[0]), None)

    def __len__(self) -> int:
        return len(self._entries)
