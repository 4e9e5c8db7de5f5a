"""Times of many calls in memory that does not grow: a count for each per cent of a duration."""

import math

STEP = math.log(1.01)
SHORTEST = 1e-6
BUCKETS = 2100  # to 1200 seconds


class Latencies:
    """How often which duration came, to one per cent."""

    def __init__(self):
        self.counts = [0] * BUCKETS
        self.most = 0.0

    def add(self, seconds):
        """Count one duration."""
        bucket = int(math.log(max(seconds, SHORTEST) / SHORTEST) / STEP)
        self.counts[min(bucket, BUCKETS - 1)] += 1
        self.most = max(self.most, seconds)

    def merge(self, other):
        """Count the durations of another one as well."""
        self.counts = [a + b for a, b in zip(self.counts, other.counts, strict=True)]
        self.most = max(self.most, other.most)

    @property
    def total(self):
        """How many durations there were."""
        return sum(self.counts)

    def percentile(self, share):
        """The duration in seconds that this share (0..1) of all do not exceed."""
        wanted, seen = math.ceil(share * self.total), 0
        for bucket, count in enumerate(self.counts):
            seen += count
            if seen >= wanted:
                return min(SHORTEST * math.exp(STEP * (bucket + 1)), self.most)
        return self.most
