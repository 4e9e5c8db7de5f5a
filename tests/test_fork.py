"""fork() at any moment leaves a child that works."""

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork()")

# In a process of its own: threads of this one (of pytest, of NumPy) would come along.
FORK_WHILE_PACKING = """
import os, signal, threading
import numpy as np
import tidegate as tg

weights = tg.CellWeights.view("lstm", np.zeros((512, 64)), np.zeros((512, 128)))
x = np.zeros((3, 4, 64))
tg.functional.rnn_forward(weights, x)  # imported before the fork: Python's import lock is its own
running = True

def keep_packing():
    while running:
        weights.changed()
        tg.functional.rnn_forward(weights, x)

threads = [threading.Thread(target=keep_packing) for _ in range(3)]
for thread in threads:
    thread.start()
failed = 0
for _ in range(8):
    child = os.fork()
    if child == 0:
        signal.alarm(20)  # a child that hangs ends
        tg.functional.rnn_forward(weights, x)
        tg.set_num_threads(2)
        tg.functional.rnn_forward(weights, x)
        os._exit(0)
    failed += os.waitpid(child, 0)[1] != 0
running = False
for thread in threads:
    thread.join()
print("failed", failed)
"""


def test_fork_while_other_threads_pack_does_not_hang_the_child():
    """Found by attack: the child inherited the lock of the packing as locked."""
    command = [sys.executable, "-W", "ignore", "-c", FORK_WHILE_PACKING]
    result = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert result.returncode == 0, result.stderr
    assert result.stdout == "failed 0\n"
