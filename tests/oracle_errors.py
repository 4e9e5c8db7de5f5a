"""What random configurations find beside other systems: worst errors by oracle and option.

`conftest.py` prints them after the tests where TIDEGATE_TEST_RANDOM is set: the table of
docs/oracles.md.
"""

from dataclasses import dataclass

import numpy as np

from tolerances import BETWEEN_ENGINES, assert_forward_close, assert_gradient_close

HEAD = ("oracle", "option", "configurations", "worst y or state", "worst gradient")
EVERYTHING = "all of them"


@dataclass
class Errors:
    """Of all configurations with one option."""

    configurations: int = 0
    forward: float = 0.0
    gradient: float | None = None


_FOUND = {}  # by (oracle, option)


class Configuration:
    """One random configuration: compares, and keeps the largest errors of its options."""

    def __init__(self, oracle, options):
        chosen = [EVERYTHING, *(name for name, used in options.items() if used)]
        self._errors = [_FOUND.setdefault((oracle, name), Errors()) for name in chosen]
        for errors in self._errors:
            errors.configurations += 1

    def compare_forward(self, got, expected, name):
        """An output or a state; the error is relative to the largest element, or to 1."""
        error = largest_difference(got, expected, least=1.0)
        for errors in self._errors:
            errors.forward = max(errors.forward, error)
        assert_forward_close(got, expected, name, BETWEEN_ENGINES)

    def compare_gradient(self, got, expected, name):
        """A gradient; the error is relative to the largest element."""
        error = largest_difference(got, expected)
        for errors in self._errors:
            errors.gradient = max(errors.gradient or 0.0, error)
        assert_gradient_close(got, expected, name, BETWEEN_ENGINES)


def largest_difference(got, expected, least=0.0):
    """The largest |got - expected| of finite elements over the largest |expected|."""
    finite = np.isfinite(expected)
    largest = max(float(np.max(np.abs(expected), initial=0, where=finite)), least)
    with np.errstate(invalid="ignore"):
        difference = float(np.max(np.abs(got - expected), initial=0, where=finite))
    return difference / largest if largest else difference


def table():
    """Lines of the table in Markdown; none where no configuration was compared."""
    if not _FOUND:
        return []
    rows = [HEAD, ("---",) * len(HEAD)]
    for (oracle, option), errors in sorted(_FOUND.items(), key=_order):
        gradient = "-" if errors.gradient is None else f"{errors.gradient:.1e}"
        rows.append((oracle, option, str(errors.configurations), f"{errors.forward:.1e}", gradient))
    return [f"| {' | '.join(row)} |" for row in rows]


def _order(item):
    (oracle, option), _ = item
    return oracle, option != EVERYTHING, option
