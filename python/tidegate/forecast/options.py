"""Option types of the commands: each turns text into a value, or says what was expected."""

import argparse
import math
from collections.abc import Callable


def at_least(least: int) -> Callable[[str], int]:
    """Return a type for argparse: a whole number that is not below `least`.

    Examples
    --------
    >>> at_least(1)("52")
    52
    """

    def convert(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = least - 1
        if number < least:
            raise argparse.ArgumentTypeError(f'"{text}"; expected a whole number >= {least}')
        return number

    return convert


def number(least: float, below: float) -> Callable[[str], float]:
    """Return a type for argparse: a number that is not below `least`, but below `below`.

    Examples
    --------
    >>> number(0, 1)("0.2")
    0.2
    """

    def convert(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not least <= value < below:
            limit = f" and < {below:g}" if math.isfinite(below) else ""
            raise argparse.ArgumentTypeError(f'"{text}"; expected a number >= {least:g}{limit}')
        return value

    return convert
