"""Every adapter computes what tidegate computes; each engine runs in the benchmark's own process.

A peer that is not installed is skipped.
"""

from dataclasses import asdict

import numpy as np
import pytest

from tidegate import CellWeights, functional
from tidegate.bench.case import KINDS, Case
from tidegate.bench.check import compare
from tidegate.bench.engines import OURS, PEERS, engine_class, missing, versions
from tidegate.bench.problem import Problem, gradient_name
from tidegate.bench.process import Worker

SIZES = (5, 3, 4, 6)
CASES = [
    *(Case(kind, training, *SIZES) for kind in KINDS for training in (False, True)),
    *(
        Case(kind, training, *SIZES, layers=layers, bidirectional=bidirectional)
        for kind in ("lstm", "gru", "rnn_relu")
        for training in (False, True)
        for layers, bidirectional in ((2, False), (1, True), (2, True))
    ),
    *(Case(kind, t, *SIZES, dtype="float64") for kind in ("lstm", "gru") for t in (False, True)),
    *(Case(kind, t, 1, 1, 4, 6) for kind in KINDS for t in (False, True)),
]
RAGGED = [
    Case(kind, training, *SIZES, ragged=True)
    for kind in ("lstm", "gru", "rnn")
    for training in (False, True)
]

# What an engine does not have, by words of the labels; everything else it must run.
ABSENT = {
    "torch": ("lstm_peephole", "lstm_relu", "gru_reset_before"),
    "tidegate.torch": ("lstm_peephole", "lstm_relu", "gru_reset_before"),
    "onnxruntime": ("training", "float64"),
    "openvino": ("training", "float64", "lstm_peephole"),
    "jax": (),
    "tensorflow": (),
}


@pytest.fixture(scope="module", params=PEERS)
def peer(request):
    """The name of an installed peer and its process."""
    absent = missing(request.param)
    if absent:
        pytest.skip(f"{' and '.join(absent)} not installed: {request.param} is not compared")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONWARNINGS", "ignore")  # what it deprecates in itself is not ours to mend
        worker = Worker(request.param, threads=1, timeout=300.0)
    yield request.param, worker
    worker.close()


@pytest.fixture(scope="module")
def ours():
    worker = Worker(OURS, threads=1, timeout=60.0)
    yield worker
    worker.close()


def result_of(worker, case, folder):
    path = folder / f"{worker.engine}.npz"
    worker.ask("prepare", case=asdict(case), result=str(path))
    with np.load(path) as arrays:
        return dict(arrays)


@pytest.mark.parametrize("case", [*CASES, *RAGGED], ids=lambda case: case.label)
def test_a_peer_computes_the_same(peer, ours, case, tmp_path):
    name, worker = peer
    refusal = engine_class(name).refusal(case)
    assert (refusal is not None) == any(word in case.label.split() for word in ABSENT[name])
    if refusal is None:
        expected = result_of(ours, case, tmp_path)
        _, fault = compare(result_of(worker, case, tmp_path), expected)
        assert not fault
        times, _ = worker.ask("measure", seconds=0.0)
        assert len(times) == 1


def test_versions_of_a_peer_are_known(peer):
    name, _ = peer
    numbers = versions(name)
    assert numbers[name][0].isdigit()  # heads of reports and tables
    assert all(number[0].isdigit() for number in numbers.values())


def test_refusals_import_nothing(fresh_python):
    code = (
        "import sys\n"
        "from tidegate.bench.case import Case\n"
        "from tidegate.bench.engines import PEERS, engine_class\n"
        "for peer in PEERS: engine_class(peer).refusal(Case('lstm', True, 1, 1, 1, 1))\n"
        "print(sorted({*PEERS, 'onnx'} & set(sys.modules)))"
    )
    assert fresh_python(code).stdout == "[]\n"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.label)
def test_tidegate_is_composed_right(ours, case, tmp_path):
    """Layer by layer and direction by direction, with reversal by hand."""
    problem, kind = Problem.of(case), case.cell
    options = {"activation": kind.activation, "reset_after": kind.reset_after}
    x, saved = problem.x, []
    for directions in problem.layers:
        outs = []
        for arrays, order in zip(directions, (1, -1), strict=False):
            w = CellWeights(kind.cell, **arrays, **options)
            given = np.ascontiguousarray(x[::order])
            outs.append(functional.rnn_forward(w, given, problem.state or None, training=True))
        saved.append([out.saved for out in outs])
        x = np.concatenate(
            [out.y[::order] for out, order in zip(outs, (1, -1), strict=False)], axis=-1
        )
    if not case.training:
        expected = {"y": x}
    else:
        dy, expected = problem.dy, {}
        for layer in reversed(range(case.layers)):
            parts = np.split(dy, case.directions, axis=-1)
            dy = 0
            for direction, order in zip(range(case.directions), (1, -1), strict=False):
                dpart = np.ascontiguousarray(parts[direction][::order])
                grads = functional.rnn_backward(saved[layer][direction], dpart)
                dy = dy + grads.x[::order]
                for name, array in grads.weights.arrays().items():
                    expected[gradient_name(name, layer, direction)] = array
        expected["x"] = dy
    got = result_of(ours, case, tmp_path)
    assert got.keys() == expected.keys()
    _, fault = compare(got, expected)
    assert not fault


@pytest.mark.parametrize("case", RAGGED, ids=lambda case: case.label)
def test_tidegate_runs_ragged_cases_with_their_lengths(ours, case, tmp_path):
    problem = Problem.of(case)
    w = CellWeights(case.cell.cell, **problem.layers[0][0])
    got = result_of(ours, case, tmp_path)
    out = functional.rnn_forward(w, problem.x, lengths=case.lengths, training=True)
    if not case.training:
        np.testing.assert_array_equal(got["y"], out.y)
        return
    grads = functional.rnn_backward(out.saved, problem.dy)
    np.testing.assert_array_equal(got["x"], grads.x)
    for name, array in grads.weights.arrays().items():
        np.testing.assert_array_equal(got[gradient_name(name, 0, 0)], array)
