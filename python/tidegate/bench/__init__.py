"""Measure tidegate beside the frameworks: `python -m tidegate.bench --help`.

Every engine runs in a process of its own (two OpenMP runtimes in one process change each other's
threads) and rounds are interleaved, so that a busy moment of the machine meets all of them.
"""
