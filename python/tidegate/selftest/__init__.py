"""The engine beside the textbook, on the machine at hand.

cells       the cells and shapes that are tried, with seeded weights
compare     an error beside what is allowed
parity      forward and gradients beside `tidegate.reference`
promises    threads, streams, NaN, the floating-point environment
worker      all checks at the ISA level of one process
levels      one such process for each ISA level
command     `tidegate selftest`
"""

from tidegate.selftest.compare import Check
from tidegate.selftest.levels import SelfTestResult, run

__all__ = ["Check", "SelfTestResult", "run"]
