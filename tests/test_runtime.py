"""Threads: defaults from affinity, quota and environment; the setting; fork; the configuration."""

import ctypes.util
import os
import threading

import numpy as np
import pytest

import tidegate as tg
from tidegate import _cpus

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.fixture
def cgroup(tmp_path):
    """A made-up /sys/fs/cgroup and /proc/self/cgroup: quota_of(membership, files)."""

    def quota_of(membership, files):
        write(tmp_path / "self", membership)
        for name, text in files.items():
            write(tmp_path / "fs" / name, text)
        return _cpus.quota_count(tmp_path / "fs", tmp_path / "self")

    return quota_of


@pytest.mark.parametrize(
    ("cpu_max", "expected"),
    [
        ("200000 100000\n", 2),
        ("150000 100000\n", 2),
        ("10000 100000\n", 1),
        ("max 100000\n", None),
        ("", None),
        ("nonsense\n", None),
        ("100000 0\n", None),
    ],
)
def test_quota_v2_rounds_up(cgroup, cpu_max, expected):
    assert cgroup("0::/\n", {"cpu.max": cpu_max}) == expected


def test_quota_v2_takes_the_tightest_group_around(cgroup):
    files = {"a/cpu.max": "300000 100000", "a/b/cpu.max": "max 100000", "cpu.max": "800000 100000"}
    assert cgroup("0::/a/b\n", files) == 3


def test_quota_v2_of_a_group_that_is_not_mounted(cgroup):
    # A container may see the host's group name but only its own group, as the root of the mount.
    assert cgroup("0::/../docker/0123\n", {"cpu.max": "400000 100000"}) == 4


@pytest.mark.parametrize("mount", ["cpu", "cpu,cpuacct"])
def test_quota_v1(cgroup, mount):
    files = {
        f"{mount}/job/cpu.cfs_quota_us": "250000\n",
        f"{mount}/job/cpu.cfs_period_us": "100000\n",
        f"{mount}/cpu.cfs_quota_us": "-1\n",
        f"{mount}/cpu.cfs_period_us": "100000\n",
    }
    assert cgroup("5:memory:/job\n4:cpu,cpuacct:/job\n", files) == 3


def test_quota_without_cgroups(tmp_path):
    assert _cpus.quota_count(tmp_path / "absent", tmp_path / "self") is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [("3", 3), ("4,2", 4), (" 5 ", 5), ("", None), ("0", None), ("-2", None), ("many", None)],
)
def test_environment_count(value, expected):
    assert _cpus.environment_count({"OMP_NUM_THREADS": value}) == expected
    assert _cpus.environment_count({}) is None


def test_default_num_threads_is_the_smallest(monkeypatch):
    monkeypatch.setattr(_cpus, "affinity_count", lambda: 8)
    monkeypatch.setattr(_cpus, "quota_count", lambda: 6)
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    assert _cpus.default_num_threads() == 4
    monkeypatch.setenv("OMP_NUM_THREADS", "32")
    assert _cpus.default_num_threads() == 6
    monkeypatch.setattr(_cpus, "quota_count", lambda: None)
    assert _cpus.default_num_threads() == 8


def test_default_obeys_the_environment_of_the_process(fresh_python):
    code = "import tidegate; print(tidegate.get_num_threads())"
    assert fresh_python(code, env={"OMP_NUM_THREADS": "1"}).stdout.strip() == "1"


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no affinity on this system")
def test_default_obeys_affinity(fresh_python):
    code = (
        "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
        "import tidegate; print(tidegate.get_num_threads())"
    )
    assert fresh_python(code).stdout.strip() == "1"


@pytest.mark.parametrize("n", [1, 2, np.int64(3), np.uint8(4), 1024])
def test_set_num_threads_is_what_get_returns(threads_restored, n):
    tg.set_num_threads(n)
    assert tg.get_num_threads() == n
    assert type(tg.get_num_threads()) is int


@pytest.mark.parametrize("n", [0, -1, 1025, 10**30])
def test_set_num_threads_refuses_a_count_out_of_range(n):
    with pytest.raises(ValueError, match=rf"set_num_threads: n is {n}; expected 1\.\.1024"):
        tg.set_num_threads(n)


@pytest.mark.parametrize("n", [1.0, "2", None, True, np.float32(2), [2]])
def test_set_num_threads_refuses_another_type(n):
    with pytest.raises(TypeError, match=r"set_num_threads: n is .*; expected an integer >= 1"):
        tg.set_num_threads(n)


def test_a_refused_count_changes_nothing(threads_restored):
    tg.set_num_threads(2)
    with pytest.raises(ValueError, match="set_num_threads"):
        tg.set_num_threads(0)
    assert tg.get_num_threads() == 2


def test_set_num_threads_holds_for_every_thread(threads_restored):
    tg.set_num_threads(3)
    seen = []
    worker = threading.Thread(target=lambda: seen.append(tg.get_num_threads()))
    worker.start()
    worker.join()
    assert seen == [3]


def test_setting_leaves_openmp_alone(threads_restored):
    before = tg._loader.core.openmp_max_threads()
    tg.set_num_threads(1)
    assert tg._loader.core.openmp_max_threads() == before
    tg.set_num_threads(7)
    assert tg._loader.core.openmp_max_threads() == before


def test_a_lower_openmp_limit_is_honoured(fresh_python):
    # What threadpoolctl does: it calls omp_set_num_threads of the loaded runtime.
    gomp = ctypes.util.find_library("gomp")
    if gomp is None or tg._loader.core.openmp_max_threads() < 2:
        pytest.skip("needs libgomp and two CPUs")
    code = (
        "import ctypes, tidegate as tg\n"
        "tg.set_num_threads(2)\n"
        f"gomp = ctypes.CDLL({gomp!r})\n"
        "gomp.omp_set_num_threads(1); inside = tg.get_num_threads()\n"
        "gomp.omp_set_num_threads(2); print(inside, tg.get_num_threads())"
    )
    done = fresh_python(code, env={"OMP_NUM_THREADS": "2"})
    assert done.stdout.strip() == "1 2", done.stderr


@needs_fork
def test_a_forked_child_starts_with_one_thread(fresh_python):
    code = (
        "import os, tidegate as tg\n"
        "tg.set_num_threads(2)\n"
        "pid = os.fork()\n"
        "if pid == 0:\n"
        "    default = tg.get_num_threads(); tg.set_num_threads(2)\n"
        "    os._exit(10 * default + tg.get_num_threads())\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), tg.get_num_threads())"
    )
    done = fresh_python(code)
    assert done.stdout.strip() == "12 2", done.stderr


@needs_fork
def test_a_forked_child_computes_the_same_with_one_and_two_threads(fresh_python):
    # libgomp would hang here with two threads; the timeout turns that into a failure.
    code = (
        "import os, numpy as np, tidegate as tg\n"
        "tg.set_num_threads(2)\n"
        "rng = np.random.default_rng(0)\n"
        "w = tg.CellWeights('lstm', rng.normal(size=(512, 64)), rng.normal(size=(512, 128)))\n"
        "x = rng.normal(size=(20, 32, 64))\n"
        "expected = tg.functional.rnn_forward(w, x).y\n"
        "pid = os.fork()\n"
        "if pid == 0:\n"
        "    one = tg.functional.rnn_forward(w, x).y\n"
        "    tg.set_num_threads(2)\n"
        "    two = tg.functional.rnn_forward(w, x).y\n"
        "    os._exit(0 if (one == expected).all() and (two == expected).all() else 3)\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))\n"
        "assert (tg.functional.rnn_forward(w, x).y == expected).all()"
    )
    done = fresh_python(code, timeout=60)
    assert done.stdout.strip() == "0", done.stderr


def test_config_names_everything_that_a_bug_report_needs():
    config = tg.get_config()
    assert config["version"] == tg.__version__
    assert config["isa"] in config["isa_available"]
    assert set(config["isa_available"]) <= set(config["isa_built"])
    assert config["num_threads"] == tg.get_num_threads()
    assert config["numpy"] == np.__version__
    assert config["eigen"].startswith("3.4")
    assert config["cxx_standard"] == 17
    assert config["compiler"] in ("gcc", "clang")


def test_show_config_prints_every_entry(capsys):
    tg.show_config()
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(tg.get_config())
    assert any(line.split() == ["isa", tg.get_config()["isa"]] for line in lines)
