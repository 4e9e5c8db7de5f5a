"""A service-like load for a given time: callers that draw items at random and verify each result.

Now and then all callers stop between two items, and memory is read while nothing is under way.
"""

import gc
import itertools
import os
import random
import threading
import time
import traceback
from collections import Counter, defaultdict

import tidegate as tg
from soak_items import digest
from soak_latencies import Latencies
from tidegate.bench.memory import resident_bytes

# How often each kind is drawn, beside the others.
SHARES = {"inference": 30, "training": 15, "stream": 30, "predict": 15, "fit": 1, "file": 2}


def os_threads():
    """How many threads the operating system counts in this process."""
    return len(os.listdir("/proc/self/task"))


def serial_digests(items):
    """The digest of each item, computed by this thread alone on one thread of the engine."""
    before = tg.get_num_threads()
    tg.set_num_threads(1)
    expected = [digest(item.run()) for item in items]
    tg.set_num_threads(before)
    return expected


class Load:
    """Several callers at work."""

    def __init__(self, items, expected, callers, seed=0):
        self.items, self.expected = items, expected
        self.callers, self.seed = callers, seed
        self.wrong = []
        self.resident = []
        self.before = self.most_threads = os_threads()
        self._ended = False
        self._open = threading.Event()
        self._busy = [threading.Lock() for _ in range(callers)]
        self._latencies = self._empty()
        items_of = Counter(item.kind for item in items)
        shares = (SHARES[item.kind] / items_of[item.kind] for item in items)
        self._shares = list(itertools.accumulate(shares))
        self._begun = threading.Barrier(callers + 1)

    def _empty(self):
        return [defaultdict(Latencies) for _ in range(self.callers)]

    def run(self, seconds, readings=20):
        """Warm up, then work for this long and read memory `readings` times."""
        threads = [
            threading.Thread(target=self._call, args=(k,), daemon=True) for k in range(self.callers)
        ]
        for thread in threads:
            thread.start()
        self._open.set()
        self._begun.wait()  # everybody has run every item
        self._watch(seconds / 6)
        self._while_quiet(self._start_to_measure)
        for _ in range(readings):
            self._watch(seconds / readings)
            self._while_quiet(self._read_memory)
        self._ended = True
        for thread in threads:
            thread.join()

    def latencies(self):
        """Of all callers, by kind."""
        merged = defaultdict(Latencies)
        for of_caller in self._latencies:
            for kind, some in of_caller.items():
                merged[kind].merge(some)
        return merged

    def _watch(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            time.sleep(min(0.1, seconds))
            self.most_threads = max(self.most_threads, os_threads())

    def _while_quiet(self, action):
        self._open.clear()
        for lock in self._busy:
            lock.acquire()
        action()
        for lock in self._busy:
            lock.release()
        self._open.set()

    def _start_to_measure(self):
        self._latencies = self._empty()
        self._read_memory()

    def _read_memory(self):
        gc.collect()
        self.resident.append(resident_bytes())

    def _call(self, caller):
        draw = random.Random(f"{self.seed} {caller}")
        each = list(range(len(self.items)))
        draw.shuffle(each)
        for number in each:
            self._verify(caller, number)
        self._begun.wait()
        while not self._ended:
            self._verify(caller, draw.choices(range(len(self.items)), cum_weights=self._shares)[0])

    def _verify(self, caller, number):
        item = self.items[number]
        self._open.wait()
        with self._busy[caller]:
            start = time.perf_counter()
            try:
                arrays = item.run()
                self._latencies[caller][item.kind].add(time.perf_counter() - start)
                if digest(arrays) != self.expected[number]:
                    self.wrong.append(f"{item.kind} {item.name}: other bits than alone")
            except Exception:
                self.wrong.append(f"{item.kind} {item.name}: {traceback.format_exc()}")
