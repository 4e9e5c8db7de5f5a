"""Which cases the suites have, and their floating-point operations."""

import math

import numpy as np
import pytest

from tidegate.bench import suites
from tidegate.bench.case import KINDS, PASSES, Case
from tidegate.bench.problem import Problem


@pytest.mark.parametrize(
    ("case", "flops"),
    [
        # 2·T·B·G·H·(I+H): 2·10·32·4·10·11
        (Case("lstm", False, 10, 32, 1, 10), 281_600),
        (Case("gru", False, 10, 32, 1, 10), 211_200),
        (Case("rnn", False, 10, 32, 1, 10), 70_400),
        # the backward has two products for each of the forward
        (Case("lstm", True, 10, 32, 1, 10), 844_800),
        # two directions, each 2·2·3·4·5·(7+5)
        (Case("lstm", False, 2, 3, 7, 5, bidirectional=True), 2 * 2880),
        # layers of I = 7, then I = H = 5: 2·2·3·4·5·((7+5) + (5+5))
        (Case("lstm", False, 2, 3, 7, 5, layers=2), 5280),
        # the second layer reads both directions: two of 2·2·3·3·5·((7+5) + (10+5))
        (Case("gru", False, 2, 3, 7, 5, layers=2, bidirectional=True), 2 * 4860),
        # 1, 10 and 20 of 20 steps: 2·31·4·5·(7+5)
        (Case("lstm", False, 20, 3, 7, 5, ragged=True), 14_880),
    ],
    ids=lambda value: value.label if isinstance(value, Case) else "",
)
def test_flops_by_hand(case, flops):
    assert case.flops == flops


def labels(suite, *passes):
    return [case.label for case in suites.select(suite, passes)]


def test_standard_has_every_shape_of_the_goals():
    named = labels("standard", "inference")
    shapes = (
        "(10, 32, 1, 10) (100, 1, 32, 32) (100, 1, 64, 128) (100, 1, 256, 256) (50, 1, 1024, 1024) "
        "(50, 1, 1536, 1536) (100, 4, 128, 128) (100, 32, 64, 128) (100, 16, 256, 256) "
        "(25, 64, 512, 512) (25, 64, 1024, 1024) (25, 128, 1024, 1024) (20, 32, 1760, 1760) "
        "(1000, 8, 16, 64)"
    )
    shapes = [f"{shape.rstrip(')')})" for shape in shapes.split(") ")]
    shapes += [f"(1, 1, {h}, {h})" for h in (32, 64, 128, 256, 512, 1024)]
    others = [
        "(100, 16, 128, 256) bidirectional",
        "(100, 1, 128, 256) bidirectional",
        *(
            f"{shape} {n} layers"
            for shape in ("(100, 16, 256, 256)", "(100, 1, 256, 256)")
            for n in (2, 4)
        ),
        "(100, 16, 256, 256) float64",
        "(200, 32, 64, 128)",
        "(200, 32, 64, 128) lengths",
    ]
    expected = {f"{cell} inference {rest}" for cell in ("lstm", "gru") for rest in shapes + others}
    starred = ("(10, 32, 1, 10)", "(100, 1, 32, 32)", "(100, 32, 64, 128)", "(100, 16, 256, 256)")
    for cell in ("gru_reset_before", "lstm_peephole", "rnn"):
        expected |= {f"{cell} inference {shape}" for shape in starred}
    expected |= {f"{cell} inference (100, 16, 256, 256)" for cell in ("lstm_relu", "rnn_relu")}
    assert set(named) == expected
    assert len(named) == len(expected)


@pytest.mark.parametrize("suite", suites.SUITES)
def test_no_case_stands_twice_and_passes_keep_apart(suite):
    both = suites.select(suite, PASSES)
    assert len(set(both)) == len(both) == len({case.label for case in both})
    assert {case.training for case in suites.select(suite, ["training"])} == {True}


def test_deepbench_comes_with_and_without_the_input_product():
    cases = suites.select("deepbench", PASSES)
    for case in cases:
        assert case.inputs in (1, case.hidden)
        assert case.steps <= 187
    with_product = {case for case in cases if case.inputs > 1}
    assert len(with_product) * 2 == len(cases)
    assert Case("gru", True, 187, 32, 2816, 2816) in with_product
    assert Case("lstm", False, 25, 4, 2048, 2048) in with_product
    small = [case for case in cases if case.inputs == 1 and case.cell.cell == "lstm"]
    for case in small:  # I/(I+H) of the operations
        assert 1 / (1 + case.hidden) < 0.004


@pytest.mark.parametrize(
    ("choice", "count"),
    [
        ({"kinds": ["gru"]}, 4),
        ({"only": "(100, 1,"}, 2),
        ({"only": "gru inference (10, 32"}, 1),
        ({"only": "nonsense"}, 0),
        ({"kinds": []}, 0),
    ],
    ids=str,
)
def test_choice_of_cases(choice, count):
    assert len(suites.select("quick", ["inference"], **choice)) == count


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_problem_is_the_same_in_every_process_and_of_usual_scale(kind, dtype):
    case = Case(kind, True, 5, 3, 7, 6, layers=2, bidirectional=True, dtype=dtype)
    first, second = Problem.of(case), Problem.of(case)
    np.testing.assert_array_equal(first.x, second.x)
    shapes = {"weight_ih": [(7,), (12,)], "weight_hh": [(6,), (6,)]}
    rows = {"lstm": 24, "gru": 18, "rnn": 6}[case.cell.cell]
    for layer, direction, arrays in first.cells():
        for name, array in arrays.items():
            np.testing.assert_array_equal(array, second.layers[layer][direction][name])
            assert array.dtype == dtype
            assert 0.2 < np.abs(array).max() * math.sqrt(6) <= 1
        for name, widths in shapes.items():
            assert arrays[name].shape == (rows, *widths[layer])
        assert ("peephole" in arrays) == (kind == "lstm_peephole")
    assert (first.x.shape, first.dy.shape) == ((5, 3, 7), (5, 3, 12))
    assert first.dy.dtype == first.x.dtype == dtype
    assert first.state == ()


def test_a_single_step_continues_a_stream():
    (h, c) = Problem.of(Case("lstm", False, 1, 2, 3, 4)).state
    assert h.shape == c.shape == (2, 4)
    assert h.any() and c.any() and not np.array_equal(h, c)
    assert len(Problem.of(Case("gru", True, 1, 2, 3, 4)).state) == 1
