"""missing_indicator, feature_means and merge_asynchronous."""

import numpy as np
import pytest

from tidegate.layers import GRUD
from tidegate.sequences import feature_means, merge_asynchronous, missing_indicator

NAN = np.nan


def test_missing_indicator_by_hand():
    x = np.array([[[1, NAN], [NAN, NAN], [NAN, 5], [4, NAN]]], np.float32)
    y = missing_indicator(x, times=[[0, 0.5, 2, 6]], mean=[7, 8])
    assert y.dtype == np.float32
    np.testing.assert_array_equal(y[0, :, 0], [1, 1, 1, 4])
    np.testing.assert_array_equal(y[0, :, 1], [8, 8, 5, 5])
    np.testing.assert_array_equal(y[0, :, 2:4], [[1, 0], [0, 0], [0, 1], [1, 0]])
    np.testing.assert_array_equal(y[0, :, 4], [0, 0.5, 2, 6])
    np.testing.assert_array_equal(y[0, :, 5], [0, 0.5, 2, 4])


@pytest.mark.parametrize("shape", [(0, 3, 2), (2, 0, 2), (2, 3, 0)])
def test_nothing_to_do(shape):
    assert missing_indicator(np.zeros(shape)).shape == (*shape[:2], 3 * shape[2])


def test_feature_means_counts_what_is_observed():
    x = [[[1, NAN, NAN], [NAN, NAN, 4]], [[5, NAN, 6], [NAN, NAN, NAN]]]
    np.testing.assert_array_equal(feature_means(x), [3, 0, 5])


@pytest.mark.parametrize(
    ("x", "options", "error", "message"),
    [
        (np.zeros((2, 3)), {}, ValueError, r"x has shape \(2, 3\); expected \(B, T, features\)"),
        (np.full((1, 1, 1), np.inf), {}, ValueError, "x has inf"),
        ([[["a"]]], {}, TypeError, "x has dtype <U1"),
        (np.ma.zeros((1, 1, 1)), {}, TypeError, "expected a plain array"),
        (np.zeros((1, 2, 1)), {"times": [[0]]}, ValueError, r"times has shape \(1, 1\)"),
        (np.zeros((1, 2, 1)), {"times": [[0, NAN]]}, ValueError, "times has NaN or inf"),
        (np.zeros((1, 2, 1)), {"times": [[1, 0]]}, ValueError, r"times\[0\] falls from 1 to 0"),
        (np.zeros((1, 2, 1)), {"times": [["a", "b"]]}, TypeError, "times has dtype"),
        (np.zeros((1, 2, 1)), {"times": np.ma.array([[0, 1]])}, TypeError, "plain array"),
        (np.zeros((1, 2, 1), "f4"), {"times": [[0, 1e300]]}, ValueError, "apart than float32"),
        (np.zeros((1, 2, 1)), {"times": [[-1e308, 1e308]]}, ValueError, "apart than float64"),
        (np.zeros((1, 2, 1)), {"mean": [1, 2]}, ValueError, r"mean has shape \(2,\)"),
        (np.zeros((1, 2, 1)), {"mean": ["a"]}, TypeError, "mean has dtype"),
    ],
)
def test_wrong_input_is_refused(x, options, error, message):
    with pytest.raises(error, match=f"missing_indicator: .*{message}"):
        missing_indicator(x, **options)


def test_streams_of_a_batch_are_merged():
    merged = merge_asynchronous(
        {
            "heart": ([[0, 2, 3], [1]], [[60, NAN, 61], [70]]),
            "blood": ([[1, 3], []], [[[9, 8], [7, 6]], np.zeros((0, 2))]),
        },
        dtype="float64",
    )
    assert merged.features == ("heart", "blood[0]", "blood[1]")
    np.testing.assert_array_equal(merged.lengths, [4, 1])
    np.testing.assert_array_equal(merged.times, [[0, 1, 2, 3], [1, 1, 1, 1]])
    np.testing.assert_array_equal(merged.x[0, :, 0], [60, NAN, NAN, 61])
    np.testing.assert_array_equal(merged.x[0, :, 1], [NAN, 9, NAN, 7])
    np.testing.assert_array_equal(merged.x[1, :, 0], [70, NAN, NAN, NAN])
    np.testing.assert_array_equal(merged.observed, ~np.isnan(merged.x))
    np.testing.assert_array_equal(merged.gaps[0, :, 0], [0, 1, 2, 3])
    np.testing.assert_array_equal(merged.gaps[0, :, 1], [0, 1, 1, 2])
    with_time = np.concatenate([merged.x, merged.times[..., None]], axis=2)
    assert np.isfinite(GRUD(3, time_feature=True)(with_time)).all()


def test_one_sequence_is_a_batch_of_one():
    merged = merge_asynchronous({"a": (np.array([0.5, 1.5]), np.array([1.0, 2.0]))})
    np.testing.assert_array_equal(merged.x[..., 0], [[1, 2]])
    assert merged.x.dtype == np.float32


@pytest.mark.parametrize(
    ("streams", "error", "message"),
    [
        ({}, TypeError, "streams is dict; expected a dict of"),
        ([1], TypeError, "streams is list"),
        ({"a": [1]}, TypeError, "stream 'a' is no pair"),
        ({"a": ([0, 1], [1])}, ValueError, "has 2 times and 1 values"),
        ({"a": ([[0, 1]], [[1]])}, ValueError, r"has times \(2,\) and values \(1,\)"),
        ({"a": ([0, 0], [1, 2])}, ValueError, "are not finite or do not increase"),
        ({"a": ([0, NAN], [1, 2])}, ValueError, "are not finite or do not increase"),
        ({"a": ([0, 1], [1, np.inf])}, ValueError, "values of stream 'a' have inf"),
        ({"a": (["x"], [1])}, TypeError, "times of stream 'a' have dtype"),
        ({"a": ([0], [1]), "b": ([[0], [1]], [[1], [1]])}, ValueError, "expected equal numbers"),
        ({"a": ([[0], [1]], [[[1, 2]], [[1]]])}, ValueError, r"sequences of \[1, 2\] values"),
        ({"a": (None, [1])}, TypeError, "times of stream 'a' are None; expected an array or"),
        ({"a": ([0], np.array(1.0))}, TypeError, r"values of stream 'a' are array\(1\.\)"),
        ({"a": ([0, 1], [[1, 2], [3]])}, ValueError, "values of stream 'a' is not a rectangular"),
        ({"a": (np.ma.array([0]), [1])}, TypeError, "times of stream 'a' .* plain arrays"),
        ({"a": ([0, 1], [1, 1e300])}, ValueError, 'float32 cannot hold .*dtype="float64"'),
        ({"a": ([0, 1e300], [1, 2])}, ValueError, "times are further apart than float32 can say"),
    ],
)
def test_wrong_streams_are_refused(streams, error, message):
    with pytest.raises(error, match=f"merge_asynchronous: .*{message}"):
        merge_asynchronous(streams)


@pytest.mark.parametrize("dtype", ["int32", "no dtype", None])
def test_wrong_dtype_is_refused(dtype):
    with pytest.raises(TypeError, match=f"merge_asynchronous: dtype is {dtype!r}; expected float"):
        merge_asynchronous({"a": ([0], [1])}, dtype=dtype)


def test_a_sequence_without_values_has_the_width_of_the_others():
    merged = merge_asynchronous({"a": ([[], [1]], [[], [[2, 3]]]), "none": ([[0]] * 2, [[[]]] * 2)})
    assert merged.features == ("a[0]", "a[1]")
    np.testing.assert_array_equal(merged.x[1], [[NAN, NAN], [2, 3]])
    assert np.isnan(merged.x[0]).all()
