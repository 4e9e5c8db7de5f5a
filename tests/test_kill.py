"""kill -9 at a random moment of fit: the checkpoint is whole, and training goes on from it."""

import signal
import subprocess
import sys
import time

import pytest

import tidegate as tg

pytest.importorskip("safetensors", reason="safetensors is not installed: no model files")
pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL here")
COMMON = """
import sys
import numpy as np
import tidegate as tg
import tidegate.layers, tidegate.models, tidegate.training.callbacks
rng = np.random.default_rng(1)
x = rng.standard_normal((48, 6, 4), dtype=np.float32)
y = x.sum((1, 2))[:, None]
path, freq, start, epochs = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
if start:
    model = tg.load(path)
else:
    layers = [tg.layers.LSTM(48), tg.layers.Dropout(0.1), tg.layers.Dense(1)]
    model = tg.models.Sequential(layers, seed=3)
    model.compile("adam", "mse")
save = tg.training.callbacks.ModelCheckpoint(path, save_freq="epoch" if freq == "epoch" else 1)
print("ready", flush=True)
model.fit(x, y, batch_size=16, initial_epoch=start, epochs=epochs, verbose=0, callbacks=[save])
"""


def started(path, freq, start=0, epochs=100000):
    """Start a training of its own, of endless epochs by default."""
    command = [sys.executable, "-c", COMMON, str(path), freq, str(start), str(epochs)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finished(*arguments):
    out, err = (process := started(*arguments)).communicate(timeout=120)
    assert process.returncode == 0, out + err


def killed(path, freq, seconds):
    """Kill a training so many seconds after its first checkpoint stands there."""
    process = started(path, freq)
    try:
        assert process.stdout.readline() == "ready\n", process.stderr.read()
        deadline = time.monotonic() + 60
        while not path.exists() and time.monotonic() < deadline:
            time.sleep(0.001)
        time.sleep(seconds)
    finally:
        process.kill()
        process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL


# One import, then a fork for each kill: an interpreter each would take most of the time.
MANY = """
import os, random, signal, sys, time
kills, folder = int(sys.argv.pop()), os.path.dirname(sys.argv[1])
import tidegate as tg, tidegate.layers, tidegate.models, tidegate.training.callbacks
random.seed(7)
loaded = lost = 0
probe = None
for _ in range(kills):
    before = os.stat(sys.argv[1]).st_mtime_ns if os.path.exists(sys.argv[1]) else 0
    pid = os.fork()
    if pid == 0:
        signal.alarm(60)
        exec(TRAIN)
    for _ in range(10000):
        if os.path.exists(sys.argv[1]) and os.stat(sys.argv[1]).st_mtime_ns > before:
            break
        time.sleep(0.001)
    time.sleep(random.uniform(0, 0.05))
    os.kill(pid, signal.SIGKILL)
    assert os.waitpid(pid, 0)[1] == signal.SIGKILL, "the training ended before the kill"
    try:
        prediction = tg.load(sys.argv[1]).predict([[[1.0] * 4] * 6], verbose=0)
        loaded += float(prediction[0, 0]) == float(prediction[0, 0])
    except Exception as error:
        lost += 1
        print(error, file=sys.stderr)
print(loaded, lost, len(os.listdir(folder)) - 1)
"""


def count(folder, kills, freq):
    """Return the numbers of files that load, of those lost and of temporary files that stayed."""
    code = MANY.replace("exec(TRAIN)", f"exec({COMMON!r})")
    command = [sys.executable, "-W", "ignore", "-c", code, str(folder / "m.safetensors")]
    command += [freq, "0", "100000", str(kills)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    return [int(number) for number in done.stdout.splitlines()[-1].split()], done.stderr


@pytest.mark.parametrize("freq", ["epoch", "1"])
@pytest.mark.parametrize("kills", [5, pytest.param(100, marks=pytest.mark.slow)])
def test_kill_leaves_a_checkpoint_that_loads(tmp_path, kills, freq):
    (loaded, lost, left), errors = count(tmp_path, kills, freq)
    print(f"save_freq {freq}: {kills} kills: {loaded} loadable, {lost} lost, {left} left over")
    assert (loaded, lost) == (kills, 0), errors
    assert left <= kills


def test_kill_then_resume_gives_the_bits_of_one_run(tmp_path):
    path, whole = tmp_path / "m.safetensors", tmp_path / "whole.safetensors"
    killed(path, "epoch", 0.02)
    model = tg.load(path)
    done = model.optimizer.iterations // 3  # 3 batches an epoch
    assert done >= 1
    finished(path, "epoch", done, done + 2)
    finished(whole, "epoch", 0, done + 2)
    first, second = tg.load(path), tg.load(whole)
    assert first.optimizer.iterations == second.optimizer.iterations == 3 * (done + 2)
    for a, b in zip(first.get_weights(), second.get_weights(), strict=True):
        assert a.tobytes() == b.tobytes()
