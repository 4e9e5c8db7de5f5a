"""Progress on stderr: a bar by tqdm where it is installed, else a plain line per case."""

import importlib.util
import sys
from typing import Any, Protocol


class Progress(Protocol):
    """What the command tells about its progress."""

    def begin(self, label: str) -> None:
        """Before each case."""

    def print(self, text: str, *, error: bool = False) -> None:
        """Print a line without disturbing the bar."""

    def done(self) -> None:
        """After each case."""

    def close(self) -> None:
        """At the end, whatever happened."""


class Bar:
    """A bar over all cases."""

    def __init__(self, cases: int) -> None:
        from tqdm import tqdm

        self._bar: Any = tqdm(total=cases, unit="case", file=sys.stderr, dynamic_ncols=True)

    def begin(self, label: str) -> None:
        """See Progress."""
        self._bar.set_description_str(label)

    def print(self, text: str, *, error: bool = False) -> None:
        """See Progress."""
        self._bar.write(text, file=sys.stderr if error else sys.stdout)
        sys.stdout.flush()

    def done(self) -> None:
        """See Progress."""
        self._bar.update()

    def close(self) -> None:
        """See Progress."""
        self._bar.close()


class Lines:
    """A line per case."""

    def __init__(self, cases: int) -> None:
        self._cases, self._number = cases, 0

    def begin(self, label: str) -> None:
        """See Progress."""
        self._number += 1
        print(f"[{self._number}/{self._cases}] {label}", file=sys.stderr, flush=True)

    def print(self, text: str, *, error: bool = False) -> None:
        """See Progress."""
        print(text, file=sys.stderr if error else sys.stdout, flush=True)

    def done(self) -> None:
        """See Progress."""

    def close(self) -> None:
        """See Progress."""


def make(cases: int) -> Progress:
    """Return what shows the progress."""
    return Bar(cases) if importlib.util.find_spec("tqdm") else Lines(cases)
