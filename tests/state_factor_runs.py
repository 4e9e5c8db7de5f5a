"""Random factors on the state, and a forward and backward with them."""

import numpy as np

from tidegate import functional

KINDS = ("scale", "constant scale", "keep", "constant keep", "number keep", "scale and keep")


def factors_of(kind, case, shape, dtype, seed=3):
    """Keyword arguments of the doors for (T, B, I, H), time first."""
    steps, batch, _, hidden = shape
    hidden = case.output_size(hidden)
    rng = np.random.default_rng([seed, *shape])

    def draw(*size):
        return rng.uniform(0, 1, size).astype(dtype)

    return {
        "scale": lambda: {"state_scale": draw(steps, batch, hidden)},
        "constant scale": lambda: {"state_scale": draw(batch, hidden)},
        "keep": lambda: {"state_keep": np.round(draw(steps, batch, hidden))},
        "constant keep": lambda: {"state_keep": draw(batch, hidden)},
        "number keep": lambda: {"state_keep": 0.25},
        "scale and keep": lambda: {
            "state_scale": 2 * draw(steps, batch, hidden),
            "state_keep": draw(steps, batch, hidden),
        },
        "gates": lambda: {"recurrent_scale": 2 * draw(4, batch, hidden)},
        "one for all gates": lambda: {"recurrent_scale": 2 * draw(batch, hidden)},
    }[kind]()


def run(doors, problem, factors, **layout):
    out = doors.rnn_forward(
        problem.weights, problem.x, problem.state, training=True, **layout, **factors
    )
    need = {"need_dstate_scale": "state_scale" in factors} if doors is functional else {}
    dy = problem.dy if out.y is not None else None
    return out, doors.rnn_backward(out.saved, dy, problem.dstate, **need)
