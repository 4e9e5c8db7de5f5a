"""How fast N callers at once are, beside the best that a program could arrange by itself."""

import queue
import threading
import time

import tidegate as tg

ROUNDS = 4  # of all items, in one measurement
TURNS = 3


def seconds_of(items, callers, threads):
    """Time in which this many callers, with this many threads for a call, do all items."""
    tg.set_num_threads(threads)
    work = queue.SimpleQueue()
    for item in items * ROUNDS:
        work.put(item)

    def call():
        while True:
            try:
                item = work.get_nowait()
            except queue.Empty:
                return
            item.run()

    team = [threading.Thread(target=call, daemon=True) for _ in range(callers)]
    start = time.perf_counter()
    for thread in team:
        thread.start()
    for thread in team:
        thread.join()
    return time.perf_counter() - start


def compare(items, callers):
    """Return lines: times of the arrangements, which take turns, and the ratio of the best ones."""
    items = [item for item in items if item.kind != "file"]  # waits for the disk
    cores = tg.get_num_threads()
    mine = f"{callers} callers, {cores} threads for each call"
    arrangements = {
        mine: (callers, cores),
        f"1 caller with {cores} threads": (1, cores),
        f"{cores} callers with 1 thread each": (cores, 1),
        f"{callers} callers with 1 thread each": (callers, 1),
    }
    best = dict.fromkeys(arrangements, float("inf"))
    for _ in range(TURNS):
        for name, (at_once, threads) in arrangements.items():
            best[name] = min(best[name], seconds_of(items, at_once, threads))
    tg.set_num_threads(cores)
    rival = min((name for name in best if name != mine), key=best.__getitem__)
    count = ROUNDS * len(items)
    return [
        *(f"{name}: {count / seconds:.0f} items/s" for name, seconds in best.items()),
        f"ratio to the best of the others ({rival}): {best[rival] / best[mine]:.2f}",
    ]
