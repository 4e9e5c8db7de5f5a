"""The least time that a case can take on this silicon: products and weight traffic, nothing else.

Forward, per layer and direction, with the measured rates of all threads together:

    max(2·T·B·G·H·I / peak, bytes(W) / read)  +  T · max(2·B·G·H·H / peak, bytes(R) / read)

The first product covers all steps at once, so that W is read once. The second must wait for h of
the step before: R, G·H·H numbers, is read anew at every step. `read` is the bandwidth that was
measured while each thread went over its share of those bytes again and again, so that the level of
the hierarchy that holds them decides. In the first step R comes, like W, from wherever all weights
of the case fit.

Training adds the backward:

    T · max(2·B·G·H·H / peak, bytes(R) / read)            dh = da R
  + max(2·T·B·G·H·H / peak, bytes(dR) / read)             dR = daᵀ h
  + max(2·T·B·G·H·I / peak, bytes(dW) / read)             dW = daᵀ x
  + max(2·T·B·G·H·I / peak, bytes(W) / read)              dx = da W

Left out, hence a bound and not a prediction: activations, packing of weights, traffic of x, y and
saved gates, barriers. They weigh at small H; at (10, 32, 1, 10) they are most of the time.
"""

from dataclasses import dataclass

from tidegate.bench.case import Case
from tidegate.bench.probes import Silicon


@dataclass(frozen=True)
class Limit:
    """The least time of a case.

    Attributes
    ----------
    seconds : float
    by : str
        What binds most of it: "fma", or "read" for the bandwidth of weights.
    bytes : float
        Of weights, and gradients of weights, that are read or written.
    """

    seconds: float
    by: str
    bytes: float


def limit(case: Case, silicon: Silicon, threads: int) -> Limit:
    """Return the limit of a case; see the equations above."""
    peak = 1e9 * silicon.fma[case.dtype]
    rows = case.cell.gates * case.hidden
    cells = [
        (case.itemsize * rows * case.inputs_of(layer), case.itemsize * rows * case.hidden)
        for layer in range(case.layers)
        for _ in range(case.directions)
    ]
    everything = sum(input_bytes + recurrent_bytes for input_bytes, recurrent_bytes in cells)
    time = {"fma": 0.0, "read": 0.0}
    moved = 0.0

    def add(count: int, batch: int, weight_bytes: float, working_set: float) -> None:
        """Add `count` products of `batch` rows with weights that lie in a working set."""
        nonlocal moved
        moved += count * weight_bytes
        products = 2.0 * batch * weight_bytes / case.itemsize / peak
        traffic = weight_bytes / (1e9 * silicon.bandwidth(working_set / threads))
        time["fma" if products >= traffic else "read"] += count * max(products, traffic)

    steps = case.rows_of_steps
    sequence = sum(batch * count for batch, count in steps.items())
    for input_bytes, recurrent_bytes in cells:
        for _ in range(3 if case.training else 1):  # W x; then daᵀ x, da W
            add(1, sequence, input_bytes, everything)
        add(1, case.batch, recurrent_bytes, everything)
        for batch, count in steps.items():
            add(count - (batch == case.batch), batch, recurrent_bytes, recurrent_bytes)
            if case.training:
                add(count, batch, recurrent_bytes, recurrent_bytes)
        if case.training:
            add(1, sequence, recurrent_bytes, everything)
    return Limit(sum(time.values()), max(time, key=lambda name: time[name]), moved)
