"""JAX: layers as its users write them: the input product, then a scan over the steps, under jit.

Where lengths differ, the scan runs over all steps and holds the state at those that do not count.

JAX has no option for its thread count: it makes as many threads as CPUs that the process may use.
So the process gets `threads` CPUs before the import, and the variable that XLA's pool reads.
"""

import os
from collections.abc import Callable
from typing import Any

import numpy as np

from tidegate.bench.case import Case, Kind
from tidegate.bench.engines.engine import Engine as Base
from tidegate.bench.engines.engine import Prepared, fastest
from tidegate.bench.problem import Arrays, Problem, gradient_name

# Steps per iteration of the scan's loop, the quickest of which is taken: at some shapes 10 gain a
# third of inference, 4 a tenth of training.
UNROLLS = {"inference": (1, 10), "training": (1, 4)}


class Engine(Base):
    """See `tidegate.bench.engines.engine.Engine`. XLA flushes denormals by itself."""

    def __init__(self, threads: int) -> None:
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
        os.environ |= {"NPROC": str(threads), "JAX_PLATFORMS": "cpu"}
        import jax

        self._jax = jax

    @staticmethod
    def refusal(case: Case) -> str | None:
        """Whatever can be written."""
        return None

    def prepare(self, problem: Problem) -> Prepared:
        """Compile; weights are arguments, so that nothing is folded into constants."""
        jax, case = self._jax, problem.case
        jax.config.update("jax_enable_x64", case.dtype == "float64")
        weights = [[_transposed(arrays) for arrays in layer] for layer in problem.layers]
        weights, x, state, dy, valid = jax.tree.map(
            jax.numpy.asarray, (weights, problem.x, problem.state, problem.dy, _valid(problem))
        )

        def variant(unroll: int) -> Prepared:
            def forward(weights: Any, x: Any, state: Any) -> Any:
                return _forward(case, weights, x, state, valid, unroll)

            def gradients(weights: Any, x: Any, state: Any, dy: Any) -> Any:
                return jax.vjp(lambda w, x: forward(w, x, state), weights, x)[1](dy)

            if case.training:
                train = jax.jit(gradients)
                return Prepared(
                    lambda: jax.block_until_ready(train(weights, x, state, dy)),
                    lambda: _named(problem, *train(weights, x, state, dy)),
                )
            infer = jax.jit(forward)
            return Prepared(
                lambda: infer(weights, x, state).block_until_ready(),
                lambda: {"y": np.asarray(infer(weights, x, state))},
            )

        unrolls = [n for n in UNROLLS[case.pass_name] if n <= case.steps]
        return fastest(variant(n) for n in unrolls) if len(unrolls) > 1 else variant(unrolls[0])


def _transposed(arrays: Arrays) -> Arrays:
    """Return the matrices as (I, G*H) and (H, G*H), JAX's usual layout."""
    return {
        name: np.ascontiguousarray(a.T) if name.startswith("weight") else a
        for name, a in arrays.items()
    }


def _valid(problem: Problem) -> Any:
    """Return which steps count, (T, B, 1); None if all do."""
    if problem.lengths is None:
        return None
    steps = np.arange(problem.case.steps)[:, np.newaxis]
    return (steps < problem.lengths)[..., np.newaxis]


def _named(problem: Problem, weights: Any, x: Any) -> Arrays:
    """Return the gradients in our layout and under our names."""
    named: Arrays = {"x": np.asarray(x)}
    for layer, direction, _ in problem.cells():
        for name, array in _transposed(weights[layer][direction]).items():
            named[gradient_name(name, layer, direction)] = np.asarray(array)
    return named


def _forward(case: Case, layers: Any, x: Any, state: Any, valid: Any, unroll: int) -> Any:
    """Return y (T, B, D*H) of stacked layers that start from a state, () for zeros."""
    import jax.numpy as jnp
    from jax import lax

    make_step, states = _STEPS[case.cell.cell]
    state = state or (jnp.zeros((case.batch, case.hidden), x.dtype),) * states
    for directions in layers:
        ys = []
        for direction, w in enumerate(directions):
            projected, step = make_step(case.cell, w, x)
            if valid is not None:
                projected, step = (projected, valid), _held(step)
            ys.append(lax.scan(step, state, projected, reverse=direction == 1, unroll=unroll)[1])
        x = ys[0] if len(ys) == 1 else jnp.concatenate(ys, axis=-1)
    return x


def _held(step: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Return a step that also takes which rows count: the others keep their state, y is 0."""
    import jax

    def held(state: Any, given: Any) -> Any:
        projected, valid = given
        new, y = step(state, projected)
        kept = jax.tree.map(lambda after, before: jax.numpy.where(valid, after, before), new, state)
        return kept, jax.numpy.where(valid, y, 0)

    return held


def _activation(kind: Kind) -> Callable[[Any], Any]:
    """Return tanh or relu."""
    import jax

    chosen: Callable[[Any], Any] = jax.nn.relu if kind.activation == "relu" else jax.numpy.tanh
    return chosen


def _lstm(kind: Kind, w: Any, x: Any) -> tuple[Any, Callable[[Any, Any], Any]]:
    """Return x W + b of all steps, and the step that takes a row of it."""
    import jax

    sigmoid, act = jax.nn.sigmoid, _activation(kind)
    p = w.get("peephole")

    def step(state: Any, a_x: Any) -> Any:
        h, c = state
        a_i, a_f, a_g, a_o = jax.numpy.split(a_x + h @ w["weight_hh"], 4, axis=-1)
        if p is not None:
            a_i, a_f = a_i + p[0] * c, a_f + p[1] * c
        c = sigmoid(a_f) * c + sigmoid(a_i) * act(a_g)
        if p is not None:
            a_o = a_o + p[2] * c
        h = sigmoid(a_o) * act(c)
        return (h, c), h

    return x @ w["weight_ih"] + (w["bias_ih"] + w["bias_hh"]), step


def _gru(kind: Kind, w: Any, x: Any) -> tuple[Any, Callable[[Any, Any], Any]]:
    """Like _lstm; the bias of the recurrent product stands inside the reset."""
    import jax

    sigmoid, act, split = jax.nn.sigmoid, _activation(kind), jax.numpy.split
    hidden = w["weight_hh"].shape[0]
    rz, n = slice(0, 2 * hidden), slice(2 * hidden, None)

    def after(state: Any, a_x: Any) -> Any:
        (h,) = state
        x_r, x_z, x_n = split(a_x, 3, axis=-1)
        h_r, h_z, h_n = split(h @ w["weight_hh"] + w["bias_hh"], 3, axis=-1)
        r, z = sigmoid(x_r + h_r), sigmoid(x_z + h_z)
        h = z * h + (1 - z) * act(x_n + r * h_n)
        return (h,), h

    def before(state: Any, a_x: Any) -> Any:
        (h,) = state
        r, z = split(sigmoid(a_x[:, rz] + h @ w["weight_hh"][:, rz]), 2, axis=-1)
        h = z * h + (1 - z) * act(a_x[:, n] + (r * h) @ w["weight_hh"][:, n])
        return (h,), h

    projected = x @ w["weight_ih"] + w["bias_ih"]
    return (projected, after) if kind.reset_after else (projected + w["bias_hh"], before)


def _rnn(kind: Kind, w: Any, x: Any) -> tuple[Any, Callable[[Any, Any], Any]]:
    """Like _lstm."""
    act = _activation(kind)

    def step(state: Any, a_x: Any) -> Any:
        h = act(a_x + state[0] @ w["weight_hh"])
        return (h,), h

    return x @ w["weight_ih"] + (w["bias_ih"] + w["bias_hh"]), step


_STEPS: dict[str, tuple[Callable[[Kind, Any, Any], Any], int]] = {
    "lstm": (_lstm, 2),
    "gru": (_gru, 1),
    "rnn": (_rnn, 1),
}
