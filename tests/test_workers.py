"""Workers: forked, spawned, pooled; each gives the parent's bits and the parent goes on."""

import importlib.util
import multiprocessing
import os

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork()")

COMMON = """
import hashlib, os, signal, sys, threading
import numpy as np
import tidegate as tg
import tidegate.layers, tidegate.models

def model_of():
    model = tg.models.Sequential([tg.layers.LSTM(64), tg.layers.Dense(3)], seed=5)
    model.predict(data(0), verbose=0)
    return model

def data(seed):
    return np.random.default_rng(seed).standard_normal((32, 12, 16), dtype=np.float32)

def digest(model, seed):
    return hashlib.sha256(model.predict(data(seed), verbose=0).tobytes()).hexdigest()

def answer(seed):
    signal.alarm(60)
    return digest(model_of(), seed), tg.get_num_threads()
"""

PREFORK = """
tg.set_num_threads(2)
model = model_of()
expected = [digest(model, seed) for seed in range(3)]
workers = []
for seed in range(3):
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        signal.alarm(30)
        os.write(write, f"{digest(model, seed)} {tg.get_num_threads()}".encode())
        os._exit(0)
    os.close(write)
    workers.append((pid, read))
for seed, (pid, read) in enumerate(workers):
    text = os.read(read, 200).decode()
    assert os.waitpid(pid, 0)[1] == 0, "a worker failed or hung"
    assert text == f"{expected[seed]} 1", (text, expected[seed])
assert [digest(model, seed) for seed in range(3)] == expected
assert tg.get_num_threads() == 2
print("good")
"""

FORK_DURING_A_CALL = """
tg.set_num_threads(2)
model = model_of()
expected = digest(model, 1)
running, wrong, calls = True, [], [0]
other = model_of()

def keep_calling():
    while running:
        wrong.extend([1] * (digest(other, 1) != expected))
        calls[0] += 1

thread = threading.Thread(target=keep_calling)
thread.start()
failed = 0
for _ in range(8):
    pid = os.fork()
    if pid == 0:
        signal.alarm(30)
        os._exit(0 if digest(model, 1) == expected and tg.get_num_threads() == 1 else 1)
    failed += os.waitpid(pid, 0)[1] != 0
running = False
thread.join()
assert failed == 0 and not wrong and calls[0] > 0, (failed, wrong, calls)
print("good")
"""

# A process that imports tidegate itself has the default of the machine, here one of 4 CPUs, not
# what its parent set; one that got it by a fork has 1 (also from a server that imported it).
POOL = """
import multiprocessing
from tidegate import _cpus
_cpus.affinity_count = lambda: 4
imported_by = os.getpid()

def whose(seed):
    return *answer(seed), os.getpid() == imported_by

if __name__ == "__main__":
    way = sys.argv[1]
    default = _cpus.default_num_threads()
    tg.set_num_threads(2)
    model = model_of()
    expected = [digest(model, seed) for seed in range(4)]
    with multiprocessing.get_context(way).Pool(2) as pool:
        answers = pool.map_async(whose, range(4)).get(timeout=100)
    assert [bits for bits, _, _ in answers] == expected
    assert all(threads == (default if own else 1) for _, threads, own in answers), answers
    assert way == "forkserver" or {own for _, _, own in answers} == {way == "spawn"}, answers
    assert digest(model, 0) == expected[0] and tg.get_num_threads() == 2
    print("good")
"""

# joblib divides the CPUs among its workers, by their OMP_NUM_THREADS.
LOKY = """
import joblib
if __name__ == "__main__":
    os.environ.pop("OMP_NUM_THREADS", None)
    expected = [digest(model_of(), seed) for seed in range(4)]
    default, share = tg.get_num_threads(), max(joblib.cpu_count() // 2, 1)
    for inner, threads in ((None, share), (2, min(2, default))):
        with joblib.parallel_config("loky", inner_max_num_threads=inner):
            jobs = (joblib.delayed(answer)(seed) for seed in range(4))
            answers = joblib.Parallel(n_jobs=2, timeout=100)(jobs)
        assert answers == [(bits, threads) for bits in expected], (inner, threads, answers)
    print("good")
"""

LOADER = """
import torch
class Items(torch.utils.data.Dataset):
    def __len__(self):
        return 4
    def __getitem__(self, seed):
        signal.alarm(60)
        return digest(model, seed), tg.get_num_threads()
tg.set_num_threads(2)
model = model_of()
expected = [digest(model, seed) for seed in range(4)]
loader = torch.utils.data.DataLoader(
    Items(), batch_size=None, num_workers=2, multiprocessing_context="fork", timeout=60
)
answers = list(loader)
assert [bits for bits, _ in answers] == expected
assert {threads for _, threads in answers} == {1}, answers
assert digest(model, 0) == expected[0] and tg.get_num_threads() == 2
print("good")
"""

BESIDE_TORCH = """
torch.set_num_threads(2)
tg.set_num_threads(1)
model = model_of()
bits = digest(model, 0)
a = torch.ones(300, 300) @ torch.ones(300, 300)
assert torch.equal(a, torch.full((300, 300), 300.0))
assert digest(model, 0) == bits
assert (tg.get_num_threads(), torch.get_num_threads()) == (1, 2)
print(bits)
"""


@pytest.fixture
def good(tmp_path, fresh_python):
    """Run a script of its own (a file: pools import it again) and return what it printed."""

    def run(code, *arguments):
        script = tmp_path / "workers_script.py"
        script.write_text(code)
        start = f"import runpy, sys; sys.argv = {[str(script), *arguments]!r}; "
        if "Pool" in code or "joblib" in code:
            start = (
                f"import os, sys; os.execv(sys.executable, "
                f"[sys.executable, '-W', 'ignore', {str(script)!r}, *{list(arguments)!r}])"
            )
        else:
            start += f"runpy.run_path({str(script)!r}, run_name='__main__')"
        done = fresh_python(start, env={"PYTHONWARNINGS": "ignore"})
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


def test_workers_forked_before_serving_give_the_bits_of_the_parent(good):
    assert good(COMMON + PREFORK) == "good\n"


def test_workers_forked_during_a_call_of_another_thread_work(good):
    assert good(COMMON + FORK_DURING_A_CALL) == "good\n"


@pytest.mark.parametrize("way", multiprocessing.get_all_start_methods())
def test_workers_of_a_pool_give_the_bits_and_have_the_promised_threads(good, way):
    assert good(COMMON + POOL, way) == "good\n"


@pytest.mark.skipif(not importlib.util.find_spec("joblib"), reason="joblib is not installed")
def test_workers_of_loky_give_the_bits_and_have_their_share_of_threads(good):
    assert good(COMMON + LOKY) == "good\n"


@pytest.mark.skipif(not importlib.util.find_spec("torch"), reason="torch is not installed")
def test_workers_of_a_data_loader_give_the_bits_of_the_parent(good):
    assert good(COMMON + LOADER) == "good\n"


@pytest.mark.skipif(not importlib.util.find_spec("torch"), reason="torch is not installed")
def test_workers_beside_torch_keep_bits_and_threads_in_both_import_orders(good):
    assert good("import torch\n" + COMMON + BESIDE_TORCH) == good(
        COMMON + "import torch\n" + BESIDE_TORCH
    )
