"""Calls from many Python threads at once give the bits of calls one after the other."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event

import numpy as np
import pytest

import tidegate
from cases import ALL_CELLS, PLAIN_CELLS, make_problem, make_weights
from engine_runs import all_arrays, assert_same_bits, run
from tidegate import CellWeights, functional

CALLERS = 4

pytestmark = pytest.mark.usefixtures("threads_restored")


def at_once(*calls):
    """Start all calls at the same moment, each in a thread of its own; their results in order."""
    start = Barrier(len(calls))

    def begin(call):
        start.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(begin, calls))


@pytest.mark.parametrize("threads", [1, 2])
def test_different_problems_at_once(threads):
    tidegate.set_num_threads(threads)
    problems = [make_problem(case, (6, 9, 20, 70), np.float32) for case in ALL_CELLS]
    expected = [all_arrays(*run(functional, problem)) for problem in problems]
    for first in range(0, len(problems), CALLERS):
        some = range(first, min(first + CALLERS, len(problems)))
        got = at_once(*[lambda k=k: all_arrays(*run(functional, problems[k])) for k in some])
        for k, arrays in zip(some, got, strict=True):
            assert_same_bits(arrays, expected[k])


def during(call, other):
    """Run `other` in a second thread while `call` computes; the result of `call`."""
    started = Event()

    def follow():
        started.wait()  # wakes up when `call` releases the GIL
        other()

    with ThreadPoolExecutor(1) as pool:
        following = pool.submit(follow)
        started.set()
        result = call()
        following.result()
    return result


@pytest.mark.parametrize("case", PLAIN_CELLS, ids=str)
def test_inference_while_another_thread_begins_to_train(case):
    """Training packs what the backward pass needs; what inference reads must stay as it is."""
    tidegate.set_num_threads(1)
    shape = (100, 1, 1, 256)
    problem = make_problem(case, shape, np.float32)
    x, state = problem.x, problem.state
    expected = functional.rnn_forward(problem.weights, x, state).y
    wrong = 0
    for _ in range(60):
        w = make_weights(case, *shape[2:], np.float32)
        functional.rnn_forward(w, x[:1])  # packed for inference only
        y = during(
            lambda w=w: functional.rnn_forward(w, x, state).y,
            lambda w=w: functional.rnn_forward(w, x[:1], training=True),
        )
        wrong += not np.array_equal(y, expected)
    assert wrong == 0


@pytest.mark.parametrize("case", PLAIN_CELLS, ids=str)
def test_inference_while_another_thread_packs_equal_weights_again(case):
    tidegate.set_num_threads(1)
    shape = (100, 1, 1, 256)
    problem = make_problem(case, shape, np.float32)
    x, state, arrays = problem.x, problem.state, problem.weights.arrays()
    expected = functional.rnn_forward(problem.weights, x, state).y
    w = CellWeights.view(case.cell, **arrays, **case.options)

    def pack_again():
        for _ in range(3):
            w.changed()
            functional.rnn_forward(w, x[:1])

    wrong = 0
    for _ in range(60):
        y = during(lambda: functional.rnn_forward(w, x, state).y, pack_again)
        wrong += not np.array_equal(y, expected)
    assert wrong == 0


@pytest.mark.parametrize("case", PLAIN_CELLS, ids=str)
def test_one_layer_shared_by_all(case):
    problem = make_problem(case, (20, 7, 11, 50), np.float32)
    expected = all_arrays(*run(functional, problem))
    fresh = make_problem(case, (20, 7, 11, 50), np.float32)
    for arrays in at_once(*[lambda: all_arrays(*run(functional, fresh))] * CALLERS):
        assert_same_bits(arrays, expected)


def test_one_backward_of_two_at_once_is_refused():
    problem = make_problem(PLAIN_CELLS[0], (20, 7, 11, 50), np.float32)
    for _ in range(20):
        saved = functional.rnn_forward(problem.weights, problem.x, training=True).saved

        def backward(saved=saved):
            try:
                return functional.rnn_backward(saved, problem.dy)
            except RuntimeError as error:
                assert "saved was used" in str(error)
                return None

        assert sorted(grads is None for grads in at_once(backward, backward)) == [False, True]
