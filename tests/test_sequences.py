"""tidegate.sequences: lists of sequences and masks as arrays; Keras's padding without Keras."""

import numpy as np
import pytest

from engine_runs import refuses
from tidegate import CellWeights
from tidegate.functional import rnn_forward
from tidegate.layers import GRU
from tidegate.sequences import from_ragged, lengths_to_mask, mask_to_lengths, pad_sequences

RNG = np.random.default_rng(3)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [[0, 0, 1], [2, 3, 4], [0, 0, 0]]),
        ({"padding": "post"}, [[1, 0, 0], [2, 3, 4], [0, 0, 0]]),
        ({"maxlen": 2}, [[0, 1], [3, 4], [0, 0]]),
        ({"maxlen": 2, "truncating": "post"}, [[0, 1], [2, 3], [0, 0]]),
        ({"maxlen": 4, "value": 9}, [[9, 9, 9, 1], [9, 2, 3, 4], [9, 9, 9, 9]]),
        ({"maxlen": 0}, [[], [], []]),
    ],
)
def test_pad_sequences(options, expected):
    padded = pad_sequences([[1], [2, 3, 4], []], **options)
    assert padded.dtype == np.int32
    np.testing.assert_array_equal(padded, expected)


def test_pad_sequences_of_vectors():
    sequences = [RNG.standard_normal((n, 2)) for n in (0, 3, 1)]
    padded = pad_sequences(sequences, dtype="float64", padding="post", value=-1)
    x, lengths = from_ragged(sequences, value=-1)
    np.testing.assert_array_equal(padded, x)
    np.testing.assert_array_equal(lengths, [0, 3, 1])


def test_from_ragged_keeps_values_and_dtype():
    sequences = [RNG.standard_normal((n, 4)).astype("f4") for n in (2, 5, 1)]
    x, lengths = from_ragged(sequences)
    assert x.dtype == np.float32
    assert x.shape == (3, 5, 4)
    for row, sequence, length in zip(x, sequences, lengths, strict=True):
        np.testing.assert_array_equal(row[:length], sequence)
        assert not row[length:].any()
    tokens, _ = from_ragged([[1, 2], [], [3]])
    assert tokens.dtype.kind == "i"
    np.testing.assert_array_equal(tokens, [[1, 2], [0, 0], [3, 0]])
    assert from_ragged([np.zeros(2, "f4"), np.zeros(1, "f8")])[0].dtype == np.float64


def test_lengths_and_masks_are_two_ways_to_say_it():
    lengths = RNG.integers(0, 6, 20)
    mask = lengths_to_mask(lengths, 7)
    assert mask.shape == (20, 7)
    np.testing.assert_array_equal(mask.sum(axis=1), lengths)
    np.testing.assert_array_equal(mask_to_lengths(mask), lengths)
    assert lengths_to_mask([]).shape == (0, 0)
    assert lengths_to_mask([2, 1]).shape == (2, 2)


X = [np.zeros((2, 3)), np.zeros((1, 3))]
WEIGHTS = CellWeights("rnn", np.ones((1, 1)), np.ones((1, 1)))
HUGE = np.array([2**64 - 1], np.uint64)


@pytest.mark.parametrize(
    ("call", "kind", "parts"),
    [
        (lambda: pad_sequences(3), TypeError, ["sequences is a int", "list of sequences"]),
        (lambda: pad_sequences([1, 2]), TypeError, ["sequences[0] is 1"]),
        (lambda: pad_sequences([]), ValueError, ["sequences is empty"]),
        (lambda: pad_sequences([[1]], padding="left"), ValueError, ["padding is 'left'", '"pre"']),
        (lambda: pad_sequences([[1]], truncating=1), ValueError, ["truncating is 1"]),
        (lambda: pad_sequences([[1]], maxlen=-1), ValueError, ["maxlen is -1", ">= 0"]),
        (lambda: pad_sequences([[1]], value="a"), ValueError, ["value is 'a'", "dtype=object"]),
        (lambda: pad_sequences([[[1]], [[1, 2]]]), ValueError, ["sequences[1]", "(2,)", "(1,)"]),
        (lambda: from_ragged(np.zeros((2, 3))), TypeError, ["one array of shape (2, 3)"]),
        (lambda: from_ragged(7), TypeError, ["sequences is a int"]),
        (lambda: from_ragged([]), ValueError, ["sequences is empty"]),
        (lambda: from_ragged([[1], 2]), ValueError, ["sequences[1] is a single number"]),
        (lambda: from_ragged([["a"]]), TypeError, ["sequences[0] has dtype <U1"]),
        (lambda: from_ragged([[[1], [2, 3]]]), ValueError, ["sequences[0] is not a rectangular"]),
        (lambda: lengths_to_mask([[1], [2, 3]]), ValueError, ["lengths is not a rectangular"]),
        (lambda: mask_to_lengths([[True], []]), ValueError, ["mask is not a rectangular array"]),
        (lambda: from_ragged([np.ma.zeros(2)]), TypeError, ["sequences[0] is a masked array"]),
        (
            lambda: from_ragged([*X, np.zeros((4, 2))]),
            ValueError,
            ["sequences[2] has shape (4, 2)"],
        ),
        (lambda: lengths_to_mask([1.0]), TypeError, ["lengths has dtype float64", "integers"]),
        (lambda: lengths_to_mask([True]), TypeError, ["lengths has dtype bool"]),
        (lambda: lengths_to_mask([[1]]), ValueError, ["lengths has shape (1, 1)", "(B,)"]),
        (lambda: lengths_to_mask([1, -1]), ValueError, ["lengths[1] is -1", "0 or more"]),
        (lambda: lengths_to_mask(HUGE), ValueError, ["lengths has 18446744073709551615; expected"]),
        (lambda: lengths_to_mask([1, 4], 3), ValueError, ["lengths[1] is 4", "0..3"]),
        (lambda: lengths_to_mask([1], 2.5), TypeError, ["steps is 2.5"]),
        (lambda: lengths_to_mask([1], -2), ValueError, ["steps is -2"]),
        (lambda: mask_to_lengths([[1, 0]]), TypeError, ["mask has dtype int", "astype(bool)"]),
        (lambda: mask_to_lengths([True]), ValueError, ["mask has shape (1,)", "(B, T)"]),
        (lambda: mask_to_lengths([[True, False, True]]), ValueError, ["mask[0]", "step 2"]),
    ],
)
def test_bad_input(call, kind, parts):
    with refuses(kind, *parts):
        call()


@pytest.mark.parametrize(
    "call",
    [
        lambda: from_ragged([[[1], [2, 3]]]),
        lambda: lengths_to_mask([[1], [2, 3]]),
        lambda: GRU(3)(np.zeros((2, 3, 1)), lengths=[[1], [2, 3]]),
        lambda: rnn_forward(WEIGHTS, np.zeros((3, 2, 1)), lengths=[[1], [2, 3]]),
        lambda: rnn_forward(WEIGHTS, [[[1.0]], [[2.0, 3.0]]]),
    ],
)
def test_a_message_ends_in_one_dot(call):
    with pytest.raises(ValueError, match=r"is not a rectangular array: .*[^.]\.\Z"):
        call()
