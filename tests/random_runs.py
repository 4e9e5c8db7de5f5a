"""How many random configurations the tests against other systems try, and from which seeds.

    TIDEGATE_TEST_RANDOM=2000 pytest tests/test_random_*.py       the size for a night; default 25
    TIDEGATE_TEST_SEED=1234 TIDEGATE_TEST_RANDOM=1 pytest ...     one configuration again

A failure prints its seed, as the id of the test.
"""

import os

import numpy as np

COUNT = int(os.environ.get("TIDEGATE_TEST_RANDOM", "25"))
FIRST = int(os.environ.get("TIDEGATE_TEST_SEED", "0"))
SEEDS = range(FIRST, FIRST + COUNT)
SIZES = (1, 2, 3, 5, 8, 16, 17, 31, 33)


class Draw:
    """Random choices and arrays from one seed."""

    def __init__(self, seed, dtype=np.float64):
        self.rng = np.random.default_rng([2026, seed])
        self.dtype = dtype

    def one(self, *choices):
        """One of the choices."""
        return choices[self.rng.integers(len(choices))]

    def chance(self, share=0.5):
        """True in this share of all draws."""
        return bool(self.rng.random() < share)

    def number(self, low, high):
        """A number of a few digits."""
        return round(float(self.rng.uniform(low, high)), 3)

    def size(self):
        """A number of units, inputs, rows or steps."""
        return int(self.one(*SIZES))

    def normal(self, *shape):
        """Inputs and states: small enough that linear gates, which multiply, do not explode."""
        return (0.5 * self.rng.standard_normal(shape)).astype(self.dtype)

    def weights(self, terms, *shape):
        """Uniform in ±1/√terms, for sums of that many terms."""
        scale = max(terms, 1) ** -0.5
        return self.rng.uniform(-scale, scale, shape).astype(self.dtype)

    def lengths(self, batch, steps, least=0):
        """Lengths least..steps."""
        return self.rng.integers(least, steps + 1, batch)

    def mask(self, batch, steps):
        """A mask (B, T) with gaps anywhere, some rows empty."""
        share = self.rng.choice([0.0, 0.3, 0.7, 0.9, 1.0], (batch, 1))
        return self.rng.random((batch, steps)) < share
