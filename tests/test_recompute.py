"""recompute_every=k: gradients with the bits of a pass that saved every step."""

import numpy as np
import pytest

import tidegate
from cases import ALL_CELLS, DTYPES, PLAIN_CELLS, CellCase, make_problem
from engine_runs import all_arrays, assert_same_bits
from tidegate import functional
from tidegate.functional import rnn_backward, rnn_forward

pytestmark = pytest.mark.usefixtures("threads_restored")

SHAPE = (10, 5, 4, 19)
SOME_CELLS = tuple(
    case
    for case in PLAIN_CELLS
    if str(case) in ("lstm", "lstm-full-projection", "gru-before-retain", "gru-after-replace")
)


def every(steps):
    """Fewer, as many and more steps at a time than there are; with and without a remainder."""
    return 1, 3, 7, steps, steps + 5


def run(problem, recompute_every, forward, backward):
    x, dy = problem.x, problem.dy
    if forward.get("batch_first"):
        x, dy = x.swapaxes(0, 1), dy.swapaxes(0, 1)
    out = rnn_forward(
        problem.weights, x, problem.state, training=True, recompute_every=recompute_every, **forward
    )
    grads = rnn_backward(out.saved, None if out.y is None else dy, problem.dstate, **backward)
    named = all_arrays(out, grads) | {"c": out.cell_states, "dscale": grads.state_scale}
    return {name: array for name, array in named.items() if array is not None}


def assert_recomputed_alike(problem, forward=None, backward=None):
    forward, backward = forward or {}, backward or {}
    tidegate.set_num_threads(1)
    plain = run(problem, None, forward, backward)
    assert np.any(plain["weight_ih"])
    for k, steps in enumerate(every(len(problem.x))):
        tidegate.set_num_threads(1 + k % 3)
        assert_same_bits(run(problem, steps, forward, backward), plain)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", ALL_CELLS, ids=str)
def test_same_bits_with_every_cell(case, dtype):
    assert_recomputed_alike(make_problem(case, SHAPE, dtype))


@pytest.mark.parametrize("shape", [(9, 40, 33, 130), (40, 3, 20, 70), (3, 131, 7, 35)], ids=str)
@pytest.mark.parametrize("case", PLAIN_CELLS, ids=str)
def test_same_bits_at_any_thread_count(case, shape):
    problem = make_problem(case, shape, np.float32)
    tidegate.set_num_threads(1)
    plain = run(problem, None, {}, {})
    for threads in (1, 2, 3):
        tidegate.set_num_threads(threads)
        for steps in (2, 4):
            assert_same_bits(run(problem, steps, {}, {}), plain)


def options(case, shape, dtype):
    """Arguments of the doors by name: (forward, backward)."""
    steps, batch, _, hidden = shape
    units = case.output_size(hidden)
    rng = np.random.default_rng([3, *shape])

    def factor(*size):
        return rng.uniform(0.2, 1, size).astype(dtype)

    gaps = rng.random((batch, steps)) < 0.6
    gaps[0], gaps[1] = False, True
    lengths = rng.integers(0, steps + 1, batch)
    found = {
        "lengths": ({"lengths": lengths}, {}),
        "gaps": ({"mask": gaps}, {}),
        "hold": ({"mask": gaps, "masked_output": "hold"}, {}),
        "hold lengths": ({"lengths": lengths, "masked_output": "hold"}, {}),
        "backwards": ({"go_backwards": True}, {}),
        "batch first": ({"batch_first": True}, {}),
        "last output": ({"return_sequences": False}, {}),
        "no dx": ({}, {"need_dx": False}),
        "zoneout": ({"state_keep": factor(steps, batch, units)}, {}),
        "zoneout of one rate": ({"state_keep": 0.25}, {}),
        "dropout": ({"recurrent_scale": factor(batch, units)}, {}),
        "dropout by gate": ({"recurrent_scale": factor(case.gates, batch, units)}, {}),
        "decay": ({"state_scale": factor(steps, batch, units)}, {"need_dstate_scale": True}),
    }
    if case.cell == "lstm":
        dc = rng.standard_normal((steps, batch, hidden)).astype(dtype)
        found["cell states"] = ({"return_cell_states": True}, {"dcell_states": dc})
    return found


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", SOME_CELLS, ids=str)
def test_same_bits_with_every_option(case, dtype):
    problem = make_problem(case, SHAPE, dtype)
    for forward, backward in options(case, SHAPE, dtype).values():
        assert_recomputed_alike(problem, forward, backward)


# Of these at most one fits into a call.
GROUPS = (
    ("lengths", "gaps", "hold", "hold lengths"),
    ("dropout", "dropout by gate", "decay"),
    ("zoneout", "zoneout of one rate"),
    ("backwards",),
    ("last output",),
    ("no dx",),
    ("cell states",),
)


@pytest.mark.parametrize("case", SOME_CELLS, ids=str)
def test_same_bits_with_options_together(case):
    seed = np.random.SeedSequence().entropy
    print(f"seed {seed}")  # shown on failure
    rng = np.random.default_rng(seed)
    problem = make_problem(case, SHAPE, np.float32)
    known = options(case, SHAPE, np.float32)
    for _ in range(15):
        forward, backward = {}, {}
        for group in GROUPS:
            name = group[rng.integers(len(group))]
            if rng.random() < 0.5 and name in known:
                forward |= known[name][0]
                backward |= known[name][1]
        if forward.get("return_sequences") is False:
            forward.pop("return_cell_states", None)
        assert_recomputed_alike(problem, forward, backward)


def test_a_ragged_batch_of_every_length():
    steps, batch = 12, 13
    problem = make_problem(SOME_CELLS[0], (steps, batch, 3, 8))
    lengths = np.random.default_rng(0).permutation(batch)
    for masked_output in ("zero", "hold"):
        for backwards in (False, True):
            layout = {"masked_output": masked_output, "go_backwards": backwards}
            assert_recomputed_alike(problem, {"lengths": lengths} | layout)
            gaps = (
                np.random.default_rng(1).random((batch, steps)) < np.linspace(0, 1, batch)[:, None]
            )
            assert_recomputed_alike(problem, {"mask": gaps} | layout)


def test_without_states_and_gradients_of_outputs():
    problem = make_problem(CellCase("gru"), SHAPE)
    found = []
    for steps in (None, 3):
        out = rnn_forward(problem.weights, problem.x, training=True, recompute_every=steps)
        grads = rnn_backward(out.saved, None, problem.dstate)
        found.append(all_arrays(out, grads))
    assert_same_bits(found[1], found[0])


def test_the_state_of_the_caller_may_change_after_the_forward_pass():
    problem = make_problem(CellCase("lstm"), SHAPE)
    plain = run(problem, None, {}, {})
    out = rnn_forward(problem.weights, problem.x, problem.state, training=True, recompute_every=3)
    for part in problem.state:
        part[...] = np.nan
    grads = rnn_backward(out.saved, problem.dy, problem.dstate)
    assert_same_bits(all_arrays(out, grads), plain)


def test_only_the_gradients_that_are_wanted():
    problem = make_problem(CellCase("lstm"), SHAPE)
    plain = run(problem, None, {}, {})
    weights = problem.weights
    out = weights.view(
        "lstm", np.full_like(weights.weight_ih, 7), np.full_like(weights.weight_hh, np.nan)
    )
    made = rnn_forward(weights, problem.x, problem.state, training=True, recompute_every=4)
    rnn_backward(made.saved, problem.dy, problem.dstate, out=out)
    np.testing.assert_array_equal(out.weight_ih, plain["weight_ih"])
    np.testing.assert_array_equal(out.weight_hh, plain["weight_hh"])


def test_nothing_changes_without_training():
    problem = make_problem(CellCase("gru"), SHAPE)
    plain = rnn_forward(problem.weights, problem.x)
    out = rnn_forward(problem.weights, problem.x, recompute_every=2)
    assert out.saved is None
    np.testing.assert_array_equal(out.y, plain.y)


def test_a_batch_of_nothing():
    for shape in ((0, 2, 3, 4), (3, 0, 3, 4)):
        problem = make_problem(CellCase("lstm"), shape)
        out = rnn_forward(problem.weights, problem.x, training=True, recompute_every=2)
        grads = rnn_backward(out.saved, problem.dy, problem.dstate)
        assert not np.any(grads.weights.weight_ih)
        assert grads.x.shape == problem.x.shape


def test_a_saved_pass_serves_once():
    problem = make_problem(CellCase("gru"), SHAPE)
    out = rnn_forward(problem.weights, problem.x, training=True, recompute_every=2)
    rnn_backward(out.saved, problem.dy)
    with pytest.raises(RuntimeError, match="used by an earlier backward"):
        rnn_backward(out.saved, problem.dy)


@pytest.mark.parametrize("lengths", [None, [10, 0, 3, 10, 7]])
@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_both_directions_have_the_same_bits(cell, lengths):
    problem = make_problem(CellCase(cell), SHAPE, np.float32)
    other = make_problem(CellCase("gru"), (10, 5, 4, 11), np.float32, seed=1)
    dy = np.concatenate([problem.dy, other.dy], axis=2)
    dstate = problem.dstate + other.dstate

    def both(steps):
        out = functional.birnn_forward(
            problem.weights,
            other.weights,
            problem.x,
            problem.state + other.state,
            lengths=lengths,
            training=True,
            recompute_every=steps,
        )
        grads = functional.birnn_backward(out.saved, dy, dstate)
        named = {"y": out.y, "dx": grads.x}
        for k, part in enumerate((*out.state, *grads.state)):
            named[str(k)] = part
        for side in (grads.forward_weights, grads.backward_weights):
            named |= {f"{side.hidden_size} {name}": q for name, q in side.arrays().items()}
        return named

    plain = both(None)
    for k, steps in enumerate(every(10)):
        tidegate.set_num_threads(1 + k % 3)
        assert_same_bits(both(steps), plain)


@pytest.mark.parametrize(
    "options", [{}, {"lengths": [10, 0, 3, 10, 7]}, {"return_sequences": False}]
)
def test_a_stack_has_the_same_bits(options):
    below = make_problem(CellCase("lstm", projects=True), SHAPE, np.float32)
    above = make_problem(CellCase("gru"), (10, 5, 10, 12), np.float32, seed=1)
    states, dstates = (below.state, above.state), (below.dstate, above.dstate)
    dy = None if "return_sequences" in options else above.dy

    def stack(steps):
        out = functional.rnn_stack_forward(
            [below.weights, above.weights],
            below.x,
            states,
            training=True,
            recompute_every=steps,
            **options,
        )
        grads = functional.rnn_stack_backward(out.saved, dy, dstates)
        named = {"dx": grads.x} | ({} if out.y is None else {"y": out.y})
        for k in range(2):
            for j, part in enumerate((*out.states[k], *grads.states[k])):
                named[f"{k} {j}"] = part
            named |= {f"{k} {name}": q for name, q in grads.weights[k].arrays().items()}
        return named

    plain = stack(None)
    for k, steps in enumerate(every(10)):
        tidegate.set_num_threads(1 + k % 3)
        assert_same_bits(stack(steps), plain)


DOORS = {
    "rnn_forward": lambda w, x, k: functional.rnn_forward(w, x, recompute_every=k),
    "birnn_forward": lambda w, x, k: functional.birnn_forward(w, w, x, recompute_every=k),
    "rnn_stack_forward": lambda w, x, k: functional.rnn_stack_forward([w], x, recompute_every=k),
}


@pytest.mark.parametrize("door", DOORS)
def test_numbers_of_steps_that_make_no_sense_are_refused(door):
    problem = make_problem(CellCase("gru"), SHAPE)
    call = DOORS[door]
    for wrong in (0, -3):
        with pytest.raises(
            ValueError, match=f"{door}: recompute_every is {wrong}; expected an int"
        ):
            call(problem.weights, problem.x, wrong)
    for wrong in (2.0, "4", True):
        with pytest.raises(TypeError, match=f"{door}: recompute_every is {wrong!r}, a "):
            call(problem.weights, problem.x, wrong)
    call(problem.weights, problem.x, np.int32(2))
    call(problem.weights, problem.x, 10**30)
