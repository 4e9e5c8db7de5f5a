"""`tidegate selftest` passes on this machine, and fails when something is wrong."""

import ctypes
import functools
import platform
import sys

import numpy as np
import pytest

import tidegate
from tidegate import _loader, cli, functional, reference, runtime, selftest
from tidegate.selftest import command, compare, levels, parity, promises, worker

ONE_CELL = (
    "from tidegate.selftest import worker, parity\n"
    "worker.CELLS = worker.CELLS[:1]; parity.PLAIN_CELLS = parity.PLAIN_CELLS[:1]\n"
)
BROKEN = ONE_CELL + (
    "from tidegate import functional\n"
    "right = functional.rnn_backward\n"
    "def wrong(*a, **k):\n"
    "    grads = right(*a, **k)\n"
    "    return grads._replace(x=grads.x * 1.001)\n"
    "functional.rnn_backward = wrong\n"
)
RUN = "sys.exit(worker.main())\n"


def run_command(monkeypatch, program, *arguments):
    monkeypatch.setattr(command, "run_levels", functools.partial(levels.run, program=program))
    return cli.main(["selftest", "--level", _loader.isa, *arguments])


# --- the whole thing ---------------------------------------------------------------------------


def test_selftest_passes_at_this_level(capsys):
    assert cli.main(["selftest", "--level", _loader.isa]) == 0
    out = capsys.readouterr().out
    assert "FAILED" not in out
    *lines, summary = out.splitlines()
    assert summary.startswith("selftest passed: 574 checks")
    for dtype in ("float32", "float64"):
        assert sum(dtype in line for line in lines) == 11  # a line for every topic
    assert all(" error " in line and " tolerance " in line for line in lines)


@pytest.mark.slow
def test_selftest_passes_at_every_level():
    result = selftest.run()
    assert result.passed, (result.broken, result.failures)
    assert result.levels == _loader.available
    assert {check.level for check in result.checks} == set(_loader.available)


def test_selftest_quiet_prints_the_summary_only(monkeypatch, capsys):
    assert run_command(monkeypatch, ONE_CELL + RUN, "--quiet") == 0
    (summary,) = capsys.readouterr().out.splitlines()
    assert summary.startswith(f"selftest passed: 22 checks at {_loader.isa}, 0 failed")


def test_selftest_verbose_prints_every_check(monkeypatch, capsys):
    program = ONE_CELL.replace("[:1]", "[:2]") + RUN
    assert run_command(monkeypatch, program, "--verbose") == 0
    assert len(capsys.readouterr().out.splitlines()) == 44 + 1


# --- exit status ---------------------------------------------------------------------------------


def test_selftest_exits_with_1_and_names_the_check_that_failed(monkeypatch, capsys):
    assert run_command(monkeypatch, BROKEN + RUN, "--quiet") == 1
    *lines, summary = capsys.readouterr().out.splitlines()
    assert any(" gradients " in line and "float64" in line for line in lines)
    assert all("FAILED" in line for line in lines)
    assert not any(" forward " in line for line in lines)
    assert summary.startswith("selftest FAILED: 22 checks")


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGILL)", "died of SIGILL after 0 checks"),
        ("raise SystemExit('no memory')", "ended with status 1 after 0 checks: no memory"),
        ("print('{\"count\": 3}')", "ended with status 0 after 0 checks"),
        ("", "ended with status 0 after 0 checks"),
    ],
    ids=["signal", "exception", "checks lost", "no checks"],
)
@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_selftest_exits_with_1_if_a_level_breaks(monkeypatch, capsys, program, reason):
    assert run_command(monkeypatch, program, "--quiet") == 1
    assert f"{_loader.isa}: FAILED, the process {reason}" in capsys.readouterr().out


def test_selftest_ends_a_level_that_hangs():
    result = selftest.run([_loader.isa], timeout=0.2, program="import time; time.sleep(60)")
    assert not result.passed
    assert "did not end in 0.2 s" in result.broken[_loader.isa]


def test_selftest_without_a_check_does_not_pass():
    assert not selftest.run(levels=[]).passed
    result = selftest.run([_loader.isa], program="print('{\"count\": 0}')")
    assert not result.broken
    assert not result.passed


def test_selftest_refuses_checks_of_another_level():
    line = '["v0", "forward", "float32", "lstm", [1, 1, 1, 1], 0.0, 1.0]'
    program = f"print('{line}'); print('{{\"count\": 1}}')"
    assert selftest.run([_loader.isa], program=program).broken


def test_selftest_of_a_level_that_is_not_there(capsys):
    assert cli.main(["selftest", "--level", "v0"]) == 2
    assert "selftest: error: --level v0: not available here" in capsys.readouterr().err
    with pytest.raises(ValueError, match='levels has "v0"; expected some of '):
        selftest.run(["v0"])


# --- each check can fail -------------------------------------------------------------------------


@pytest.fixture
def failed_topics(monkeypatch):
    """Run all checks of one cell in this process; return the topics that failed."""
    monkeypatch.setattr(worker, "CELLS", worker.CELLS[:1])
    monkeypatch.setattr(parity, "PLAIN_CELLS", parity.PLAIN_CELLS[:1])
    monkeypatch.setattr(worker, "DTYPES", (np.float32,))
    return lambda: {check.topic for check in worker.checks() if not check.passed}


def changing(monkeypatch, module, name, change):
    """Replace a function by one whose result goes through `change(result, keywords)`."""
    right = getattr(module, name)
    monkeypatch.setattr(module, name, lambda *a, **k: change(right(*a, **k), k))


def test_nothing_fails_undisturbed(failed_topics):
    assert failed_topics() == set()


@pytest.mark.parametrize("training", [False, True])
def test_a_wrong_output_is_found(monkeypatch, failed_topics, training):
    def change(out, keywords):
        if keywords.get("training", False) is not training:
            return out
        y = np.array(out.y)
        y[-1, -1, -1] += 1e-4
        return out._replace(y=y)

    changing(monkeypatch, functional, "rnn_forward", change)
    assert ("forward" if training else "forward, inference") in failed_topics()


def test_a_wrong_gradient_is_found(monkeypatch, failed_topics):
    changing(
        monkeypatch, functional, "rnn_backward", lambda g, _: g._replace(x=g.x * np.float32(1.001))
    )
    assert {"gradients", "lengths", "mask", "state factors"} <= failed_topics()


@pytest.mark.parametrize(
    ("argument", "topic"),
    [("lengths", "lengths"), ("mask", "mask"), ("state_scale", "state factors")],
)
def test_an_argument_that_the_engine_ignores_is_found(monkeypatch, failed_topics, argument, topic):
    right = functional.rnn_forward
    monkeypatch.setattr(
        functional, "rnn_forward", lambda *a, **k: right(*a, **(k | {argument: None}))
    )
    assert failed_topics() == {topic}


def test_swapped_directions_are_found(monkeypatch, failed_topics):
    right = functional.birnn_forward
    monkeypatch.setattr(functional, "birnn_forward", lambda w, v, *a, **k: right(v, w, *a, **k))
    assert failed_topics() == {"bidirectional"}


def test_a_reference_with_another_equation_is_found(monkeypatch, failed_topics):
    right = reference.rnn_forward
    monkeypatch.setattr(
        reference, "rnn_forward", lambda w, x, *a, **k: right(w, 1.0001 * x, *a, **k)
    )
    assert {"forward", "gradients", "lengths", "mask", "bidirectional"} <= failed_topics()


def test_one_bit_that_depends_on_the_threads_is_found(monkeypatch, failed_topics):
    monkeypatch.setattr(runtime, "get_num_threads", lambda: 1)

    def change(grads, _):
        if _loader.core.num_threads() == 2:
            grads.x[-1, -1, -1] = np.nextafter(grads.x[-1, -1, -1], np.float32(9))
        return grads

    changing(monkeypatch, functional, "rnn_backward", change)
    _loader.core.set_num_threads(1)
    assert "1 and 2 threads" in failed_topics()


COUNT_OS_THREADS = """
import os
import numpy as np
from tidegate import runtime
from tidegate.selftest import cells, promises
problem = cells.make_problem(cells.Cell("rnn"), cells.SHAPE_FOR_THREADS, np.float32)
runtime.set_num_threads(1)
before = len(os.listdir("/proc/self/task"))
list(promises.check_threads(problem))
print(len(os.listdir("/proc/self/task")) - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="/proc")
def test_the_comparison_of_threads_has_a_second_thread(fresh_python):
    if tidegate.get_config()["openmp"] is None:
        pytest.skip("serial build")
    env = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "2"}
    done = fresh_python(COUNT_OS_THREADS, env=env)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= 1


def test_one_bit_of_a_stream_is_found(monkeypatch, failed_topics):
    class Wrong(promises.Stream):
        def step(self, x_t):
            y = super().step(x_t).copy()
            y[0, 0] = np.nextafter(y[0, 0], np.float32(9))
            return y

    monkeypatch.setattr(promises, "Stream", Wrong)
    assert failed_topics() == {"stream"}


def hide(y):
    return np.nan_to_num(y)


def spread(y):
    y[:, 0] = np.where(np.isnan(y).any(), np.nan, y[:, 0])
    return y


@pytest.mark.parametrize("change", [hide, spread])
def test_a_nan_that_is_hidden_or_leaves_its_row_is_found(monkeypatch, failed_topics, change):
    changing(
        monkeypatch, functional, "rnn_forward", lambda o, _: o._replace(y=change(np.array(o.y)))
    )
    assert failed_topics() == {"NaN in its row"}


@pytest.mark.skipif(
    (platform.system(), platform.machine()) != ("Linux", "x86_64"), reason="layout of fenv_t"
)
@pytest.mark.parametrize("bits", [0x8000, 0x0040, 0x2000, 0x4000, 0x6000], ids=hex)
def test_a_changed_floating_point_environment_is_found(monkeypatch, bits):
    """Flush to zero, denormals are zero, rounding down, up, towards zero: of glibc's mxcsr."""
    libm = ctypes.CDLL("libm.so.6")
    before, changed = (ctypes.create_string_buffer(32) for _ in range(2))
    libm.fegetenv(before)
    libm.fegetenv(changed)
    mxcsr = int.from_bytes(changed.raw[28:32], "little") | bits
    changed[28:32] = mxcsr.to_bytes(4, "little")
    assert promises.broken_rules() == 0
    try:
        libm.fesetenv(changed)
        broken = promises.broken_rules()
    finally:
        libm.fesetenv(before)
    assert broken > 0
    assert promises.broken_rules() == 0


def test_a_broken_rule_of_the_environment_fails_the_check(monkeypatch, failed_topics):
    monkeypatch.setattr(promises, "broken_rules", lambda: 1)
    assert failed_topics() == {"floating-point environment"}


# --- the comparison ------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [np.nan, np.inf, 1.1])
def test_comparison_finds_one_element(value):
    expected = np.ones((3, 4))
    got = expected.astype(np.float32)
    assert compare.forward_error(got, expected).share == 0
    assert compare.gradient_error(got, expected).share == 0
    got[1, 2] = value
    assert compare.forward_error(got, expected).share > 1
    assert compare.gradient_error(got, expected).share > 1


def test_comparison_of_bits_tells_zeros_apart():
    zero = np.zeros(3)
    assert compare.different_bits(zero, zero) == (0, 0)
    assert compare.different_bits(zero, -zero) == (3, 0)


def test_comparison_fails_at_another_shape():
    for compared in (compare.forward_error, compare.gradient_error, compare.different_bits):
        assert compared(np.zeros((2, 1)), np.zeros((2, 2))).share == np.inf
