"""Random numbers as a function of seed, purpose and number: the n-th jump of one generator."""

from typing import Literal

import numpy as np

_PURPOSES = {"initial weights": 0, "epoch": 1, "batch": 2}
# Of PCG64.jumped: streams that far apart neither meet nor share their low bits.
_JUMP = 0x9E3779B97F4A7C15F39CC0605CEDC835


class RandomStreams:
    """One stream of random numbers for each layer, epoch or step, always the same ones.

    Parameters
    ----------
    seed : int
    purpose : {"initial weights", "epoch", "batch"}
        Streams of different purposes never meet.

    Examples
    --------
    >>> streams = RandomStreams(7, "epoch")
    >>> first = streams.at(0).random()
    >>> streams.at(3).random() == RandomStreams(7, "epoch").at(3).random() != first
    True
    """

    def __init__(self, seed: int, purpose: Literal["initial weights", "epoch", "batch"]) -> None:
        sequence = np.random.SeedSequence(seed, spawn_key=(_PURPOSES[purpose],))
        self._bits = np.random.PCG64(sequence)
        self._start = self._bits.state

    def at(self, number: int) -> np.random.Generator:
        """Return stream 0, 1, ...; what was returned before must not be used any more."""
        self._bits.state = self._start
        self._bits.advance(_JUMP * number)
        return np.random.Generator(self._bits)
