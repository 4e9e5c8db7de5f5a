"""What a service does all day, as items that give the same bits at every run.

An item makes all that it changes itself; weights, packs and two models are shared by all threads.
"""

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

import tidegate as tg
from cases import DTYPES, NORM_CELLS, PLAIN_CELLS, make_problem
from engine_runs import all_arrays, run
from tidegate import functional
from tidegate.layers import GRU, LSTM, Bidirectional, Dense
from tidegate.models import Sequential

# (T, B, I, H): single rows, small batches, and batches that are worth several threads.
SHAPES = ((20, 1, 3, 16), (6, 3, 70, 259), (9, 33, 8, 41), (30, 4, 200, 65), (5, 24, 33, 130))
STREAM_STEPS = 20


@dataclass(frozen=True)
class Item:
    """One piece of work; `run` returns its results, arrays."""

    kind: str
    name: str
    run: Callable


def digest(arrays):
    """Text that differs if one bit of one array does."""
    whole = hashlib.blake2b(digest_size=16)
    for array in arrays:
        whole.update(f"{array.dtype.str}{array.shape}".encode())
        whole.update(np.ascontiguousarray(array))
    return whole.hexdigest()


def make_items(stride=1):
    """Return items of every kind: cells (every stride-th), dtypes and shapes in turn."""
    cases = [(case, dtype) for case in (*PLAIN_CELLS, *NORM_CELLS[:3]) for dtype in DTYPES]
    items = []
    for number, (case, dtype) in enumerate(cases[::stride]):
        shape = SHAPES[number % len(SHAPES)]
        problem = make_problem(case, shape, dtype)
        name = f"{case} {np.dtype(dtype)} {shape}"
        items += [
            Item("inference", name, lambda p=problem: _inference(p)),
            Item("training", name, lambda p=problem: all_arrays(*run(functional, p)).values()),
            Item("stream", name, lambda p=problem: _stream(p)),
        ]
    for number, dtype in enumerate(("float32", "float64")):
        served, ragged = _model(dtype, seed=number), _ragged(dtype)
        items += [
            Item("predict", dtype, lambda m=served, x=ragged: [m.predict(x, verbose=0)]),
            Item("fit", dtype, lambda d=dtype: _fit(d)),
            Item("file", dtype, lambda m=served, x=ragged: _file(m, x)),
        ]
    return items


def _inference(problem):
    out = functional.rnn_forward(problem.weights, problem.x, problem.state)
    return [out.y, *out.state]


def _stream(problem):
    stream = tg.Stream(problem.weights, batch_size=problem.x.shape[1])
    return [stream.step(problem.x[t % len(problem.x)]).copy() for t in range(STREAM_STEPS)]


def _model(dtype, seed):
    model = Sequential(
        [
            Bidirectional(LSTM(12, return_sequences=True, dtype=dtype), input_shape=(None, 5)),
            GRU(20, dtype=dtype),
            Dense(2, dtype=dtype),
        ],
        seed=seed,
    )
    model.compile("adam", "mse")
    return model


def _ragged(dtype):
    rng = np.random.default_rng(3)
    return [rng.standard_normal((int(n), 5)).astype(dtype) for n in rng.integers(1, 30, 40)]


def _fit(dtype):
    rng = np.random.default_rng(4)
    x, y = rng.standard_normal((48, 12, 5)).astype(dtype), rng.random((48, 2)).astype(dtype)
    model = _model(dtype, seed=5)
    history = model.fit(x, y, epochs=2, batch_size=16, verbose=0)
    return [model.predict(x, verbose=0), np.array(history.history["loss"]), *model.get_weights()]


def _file(model, x):
    handle, path = tempfile.mkstemp(suffix=".safetensors")
    os.close(handle)
    try:
        model.save(path)
        return [tg.load(path).predict(x, verbose=0)]
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
