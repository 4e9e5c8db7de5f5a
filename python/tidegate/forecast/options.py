"""Option types of the commands: each turns text into a value, or says what was expected."""

import argparse
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
