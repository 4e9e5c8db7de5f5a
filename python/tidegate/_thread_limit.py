"""The number of threads for as long as a call runs, put back when the last such call ends."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from tidegate import runtime


class _Calls:
    """Calls under way that have set the number; the setting is one number of the process."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.count = 0
        self.before = 1


_calls = _Calls()


@contextmanager
def limited(num_threads: int | None) -> Iterator[None]:
    """Let calls into the core use this many threads; None leaves the setting alone.

    Of several such calls at once, the latest to begin decides; results do not depend on it.
    """
    if num_threads is None:
        yield
        return
    with _calls.lock:
        before = runtime.get_num_threads()
        runtime.set_num_threads(num_threads)
        if _calls.count == 0:
            _calls.before = before
        _calls.count += 1
    try:
        yield
    finally:
        with _calls.lock:
            _calls.count -= 1
            if _calls.count == 0:
                runtime.set_num_threads(_calls.before)
