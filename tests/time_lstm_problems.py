"""Weights, problems and options of a T-LSTM, which its tests share."""

import dataclasses

import numpy as np

from cases import CellCase, make_arrays, make_problem
from tidegate import CellWeights, functional

CASES = (
    CellCase("lstm"),
    CellCase("lstm", projects=True),
    CellCase("lstm", bias="none"),
    CellCase("lstm", activation="softsign", recurrent_activation="hard_sigmoid", bias="ih"),
    CellCase("lstm", clip=0.5, cell_clip=0.3, output_clip=0.25),
    CellCase("lstm", projects=True, activation="relu", output_activation="tanh", clip=0.6),
)
OPTIONS = ("none", "scale and keep", "gates", "mask", "lengths, hold", "cell states", "all")


def time_weights(case, inputs, hidden, dtype=np.float64, seed=0, kind=CellWeights):
    """Seeded weights of a T-LSTM; a case without biases has no bias_cc either."""
    rng = np.random.default_rng([seed, hidden, 7])
    arrays = make_arrays(case, inputs, hidden, dtype, seed)
    arrays["weight_cc"] = rng.uniform(-1, 1, (hidden, hidden)).astype(dtype) * hidden**-0.5
    if case.bias != "none":
        arrays["bias_cc"] = rng.uniform(-1, 1, hidden).astype(dtype)
    arrays = {name: array.astype(dtype) for name, array in arrays.items()}
    return kind(case.cell, **arrays, **case.options)


def time_problem(case, shape, dtype=np.float64):
    return make_problem(case, shape, dtype, weights=time_weights)


def options_of(name, case, shape, dtype):
    """Keyword arguments of rnn_forward, and dcell_states of rnn_backward, time first."""
    steps, batch, _, hidden = shape
    rng = np.random.default_rng([5, *shape])
    wide = case.output_size(hidden)

    def draw(*size):
        return rng.uniform(0, 1.2, size).astype(dtype)

    given, back = {"memory_decay": draw(steps, batch)}, {}
    if name in ("scale and keep", "all"):
        given |= {"state_scale": draw(steps, batch, wide), "state_keep": draw(batch, wide) / 2}
    if name == "gates":
        given |= {"recurrent_scale": draw(4, batch, wide), "state_keep": 0.25}
    if name in ("mask", "all"):
        given |= {"mask": rng.random((batch, steps)) < 0.6}
    if name == "lengths, hold":
        given |= {"lengths": rng.integers(0, steps + 1, batch), "masked_output": "hold"}
    if name in ("cell states", "all"):
        given |= {"return_cell_states": True}
        back |= {"dcell_states": rng.standard_normal((steps, batch, hidden)).astype(dtype)}
    return given, back


def run(doors, problem, given, back=None, **layout):
    out = doors.rnn_forward(
        problem.weights, problem.x, problem.state, training=True, **given, **layout
    )
    need = {}
    if doors is functional:
        need = {"need_dmemory_decay": True, "need_dstate_scale": "state_scale" in given}
    dy = None if out.y is None else problem.dy
    return out, doors.rnn_backward(out.saved, dy, problem.dstate, **need, **(back or {}))


def batch_first(problem, given, back):
    swap = ("memory_decay", "state_scale", "dcell_states")

    def turned(options):
        return {n: q.swapaxes(0, 1) if n in swap else q for n, q in options.items()}

    x, dy = (q.swapaxes(0, 1).copy() for q in (problem.x, problem.dy))
    return dataclasses.replace(problem, x=x, dy=dy), turned(given), turned(back)


def list_of(weights):
    return list(weights.arrays().values())
