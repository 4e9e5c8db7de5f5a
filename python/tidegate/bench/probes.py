"""What the silicon gives: peak of multiply-adds, and read bandwidth by working set."""

import math
from dataclasses import dataclass
from typing import Any

from tidegate._loader import core

SMALLEST = 8 * 1024


@dataclass(frozen=True)
class Silicon:
    """Rates of all threads together, measured at the ISA level in use.

    Attributes
    ----------
    fma : dict of str to float
        GFLOP/s by dtype.
    read : dict of int to float
        GB/s by the bytes that each thread reads again and again.
    """

    fma: dict[str, float]
    read: dict[int, float]

    def bandwidth(self, bytes_per_thread: float) -> float:
        """Return GB/s at a working set: the curve of `read`, straight between its points.

        The curve falls by its nature; a dent in it is a busy moment, and the largest rate of any
        larger working set counts.
        """
        sizes = sorted(self.read)
        rates = [max(self.read[s] for s in sizes[k:]) for k in range(len(sizes))]
        if bytes_per_thread <= sizes[0]:
            return rates[0]
        for (small, fast), (large, slow) in zip(
            zip(sizes, rates, strict=True), zip(sizes[1:], rates[1:], strict=False), strict=False
        ):
            if bytes_per_thread <= large:
                share = math.log(bytes_per_thread / small) / math.log(large / small)
                return fast + share * (slow - fast)
        return rates[-1]

    def best(self, other: "Silicon") -> "Silicon":
        """Return the better of two measurements, rate by rate."""
        return Silicon(
            {k: max(self.fma.get(k, 0), other.fma.get(k, 0)) for k in self.fma | other.fma},
            {k: max(self.read.get(k, 0), other.read.get(k, 0)) for k in self.read | other.read},
        )

    def to_json(self) -> dict[str, Any]:
        """Return a dict that JSON can hold."""
        return {"fma": self.fma, "read": {str(k): rate for k, rate in self.read.items()}}

    @classmethod
    def from_json(cls, given: dict[str, Any]) -> "Silicon":
        """Return what `to_json` wrote."""
        return cls(
            {str(k): float(rate) for k, rate in given["fma"].items()},
            {int(k): float(rate) for k, rate in given["read"].items()},
        )


def probe(seconds: float, most_bytes: int, threads: int) -> Silicon:
    """Measure.

    Parameters
    ----------
    seconds : float
        For each rate.
    most_bytes : int
        The largest working set of a thread: sizes double up to it.
    threads : int
    """
    fma = {
        "float32": core.fma_peak32(seconds, threads),
        "float64": core.fma_peak64(seconds, threads),
    }
    sizes = [SMALLEST << k for k in range(40) if SMALLEST << k <= most_bytes]
    return Silicon(fma, {size: core.read_bandwidth(size, seconds, threads) for size in sizes})
