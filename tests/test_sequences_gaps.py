"""Time gaps, and how much of a memory they leave."""

import numpy as np

from engine_runs import refuses
from tidegate.sequences import memory_decay, time_gaps


def test_gaps_of_times():
    times = [[0.0, 1, 4, 4, 9], [5, 6, 7, 8, 8]]
    np.testing.assert_array_equal(time_gaps(times), [[0, 1, 3, 0, 5], [0, 1, 1, 1, 0]])
    back = time_gaps(times, go_backwards=True)
    np.testing.assert_array_equal(back, [[1, 3, 0, 5, 0], [1, 1, 1, 0, 0]])
    mask = np.array([[0, 1, 0, 1, 1], [0, 0, 0, 0, 0]], bool)
    np.testing.assert_array_equal(time_gaps(times, mask=mask)[0], [0, 0, 0, 3, 5])
    back = time_gaps(times, mask=mask, go_backwards=True)
    np.testing.assert_array_equal(back[0], [0, 3, 0, 5, 0])
    assert not back[1].any()
    hidden = np.where(mask, times, np.nan)
    np.testing.assert_array_equal(time_gaps(hidden, mask=mask)[0], [0, 0, 0, 3, 5])
    lengths = time_gaps(times, lengths=[3, 0], go_backwards=True)
    np.testing.assert_array_equal(lengths, [[1, 3, 0, 0, 0], [0] * 5])
    assert time_gaps(np.zeros((2, 0))).shape == (2, 0)


def test_decays_of_gaps():
    gaps = np.array([0, 0.5, 1, 10, 1e6])
    np.testing.assert_array_equal(memory_decay(gaps), 1 / np.log(np.e + gaps))
    np.testing.assert_array_equal(memory_decay(gaps, "inverse"), [1, 1, 1, 0.1, 1e-6])


def test_gaps_of_whole_times_are_exact():
    """A Unix time in nanoseconds needs 61 bits, and float64 has 53."""
    start = 1_700_000_000_000_000_000
    times = np.array([[start, start + 1, start + 101, 5]])
    expected = [[0, 1, 100, 0]]
    np.testing.assert_array_equal(time_gaps(times, lengths=[3]), expected)
    np.testing.assert_array_equal(time_gaps(times.astype(np.uint64), lengths=[3]), expected)
    np.testing.assert_array_equal(time_gaps(times[:, :3], go_backwards=True), [[1, 100, 0]])
    np.testing.assert_array_equal(time_gaps(times, lengths=[0]), [[0, 0, 0, 0]])
    extremes = np.array([[-(2**63), 2**63 - 1]])
    np.testing.assert_array_equal(time_gaps(extremes), [[0, 2.0**64]])
    with refuses(ValueError, f"times falls from {start + 1} to {start} at step 1"):
        time_gaps([[start + 1, start]])


def test_bad_times_and_gaps():
    with refuses(ValueError, "memory_decay: gaps has -1 at index (0, 1)", "finite number >= 0"):
        memory_decay([[0, -1]])
    with refuses(ValueError, "memory_decay: gaps has nan at index (1,)"):
        memory_decay([0, np.nan])
    with refuses(ValueError, "memory_decay: form is 'linear'; expected one of"):
        memory_decay([0], "linear")
    with refuses(TypeError, "memory_decay: gaps has dtype <U1; expected a plain array"):
        memory_decay(["a"])
    with refuses(ValueError, "time_gaps: times falls from 3 to 2 at step 2 of sequence 0"):
        time_gaps([[1, 3, 2]])
    with refuses(ValueError, "time_gaps: times falls from 3 to 2 at step 2 of sequence 0"):
        time_gaps([[1, 3, 2]], go_backwards=True)
    with refuses(ValueError, "time_gaps: times has inf at step 1 of sequence 0"):
        time_gaps([[1, np.inf, 2]])
    with refuses(ValueError, "time_gaps: times has shape (2,); expected (B, T)"):
        time_gaps([1, 2])
    with refuses(TypeError, "time_gaps: times has dtype object; expected a plain array"):
        time_gaps([[1, None]])
    with refuses(TypeError, "time_gaps: times has dtype int64; expected a plain array"):
        time_gaps(np.ma.array([[1, 2]]))
    with refuses(ValueError, "time_gaps: times has steps further apart than float64 can say"):
        time_gaps([[-1e308, 1e308]])
    for flag in ("no", None, np.array([True, False])):
        with refuses(TypeError, "time_gaps: go_backwards is", "expected True or False"):
            time_gaps([[1, 2]], go_backwards=flag)
    with refuses(ValueError, "time_gaps: lengths and mask are both given"):
        time_gaps([[1, 2]], lengths=[1], mask=[[True, True]])
