# Written by tests/stubs.py; do not edit.
"""
Which ISA levels this CPU runs (private; see tidegate._loader).
"""
from __future__ import annotations
__all__: list[str] = ['supported_levels']
def supported_levels() -> list[str]:
    """
    Names of the ISA levels that this CPU and operating system run, lowest first.
    """
