"""Random calls of `CellWeights` and `tidegate.functional`, beside the reference."""

import numpy as np

import tidegate
from cases import ALL_CELLS, make_arrays
from engine_runs import assert_gradients_close
from tidegate import functional, reference
from tolerances import assert_forward_close, assert_gradient_close

TAME = 100
CELLS = [case for case in ALL_CELLS if not case.normalizes]  # LN has its own tolerances


def weights_of(draw, inputs, hidden, taken=True, cell=None):
    """Return a CellWeights, whose arrays may be hostile, and the reference's."""
    case = cell or draw.one(*CELLS)
    arrays = make_arrays(case, inputs, hidden, draw.dtype, int(draw.rng.integers(100)))
    arrays = {name: in_range(array) for name, array in arrays.items()}
    given = {name: draw.take(name, a) for name, a in arrays.items()} if taken else arrays
    weights = tidegate.CellWeights(case.cell, **given, **case.options)
    return weights, reference.Weights(case.cell, **arrays, **case.options)


def in_range(array):
    """Weights of an input of no features have no scale."""
    return np.nan_to_num(array)


def validity_of(draw, steps, batch):
    """Lengths or a mask, or neither; and the same in valid form for the reference."""
    options = {}
    if draw.chance(0.3):
        lengths = draw.lengths(batch, steps)
        if draw.chance(draw.share) and batch:
            draw.wrong.append("lengths")
            return {"lengths": draw.one(lengths + steps + 1, lengths - steps - 1, lengths + 0.5)}
        options = {"lengths": lengths.astype(draw.one("i1", "u1", ">i4", "u8", "i8"))}
    elif draw.chance(0.3):
        mask = draw.mask(batch, steps)
        if draw.chance(draw.share):
            draw.wrong.append("mask")
            return {"mask": draw.one(mask[np.newaxis], np.ma.masked_array(mask), "mask")}
        options = {"mask": draw.one(mask, np.asfortranarray(mask), mask[::-1][::-1])}
    for name, array in options.items():
        draw.given.append((name, array, array.copy()))
    hold = draw.option("masked_output", ("zero", "hold")) if draw.chance(0.3) else "zero"
    return {**options, "masked_output": hold}


def flags_of(draw, *names):
    """Random flags."""
    wrong = (1, 0, "no", None, [], np.zeros(2, bool), 2.5)
    return {name: draw.option(name, (False, True, np.True_), wrong) for name in names}


def tame(draw, expected):
    """Whether a result is small enough that roundings say nothing: linear gates may explode."""
    arrays = [part for part in (expected.y, *expected.state) if part is not None]
    draw.exploded |= any(not np.all(np.abs(array) < TAME) for array in arrays)
    return not draw.exploded


def assert_equal(got, expected):
    """A forward result: y and states."""
    if expected.y is None:
        assert got.y is None
    else:
        assert_forward_close(got.y, expected.y)
    for k, part in enumerate(expected.state):
        assert_forward_close(got.state[k], part, f"state[{k}]")


def overlapping(draw, x):
    """The same array, or one of its shape whose elements share memory."""
    if x.size == 0 or draw.chance(0.8):
        return x
    if draw.chance():
        return np.broadcast_to(x[:1, :, :1], x.shape)
    item = x.itemsize
    memory = draw.normal(sum(x.shape))
    return np.lib.stride_tricks.as_strided(memory, x.shape, (item, item, item), writeable=False)


def one_layer(draw):
    """rnn_forward and, after training, rnn_backward."""
    steps, batch, inputs, hidden = draw.size(), draw.size(), draw.size(), draw.size(1)
    weights, expected_weights = weights_of(draw, inputs, hidden, draw.chance(0.2))
    flags = flags_of(draw, "training", "batch_first", "go_backwards", "return_sequences")
    flags |= validity_of(draw, steps, batch)
    front = (batch, steps) if flags["batch_first"] is not False else (steps, batch)
    x = overlapping(draw, draw.normal(*front, inputs))
    state = tuple(draw.normal(batch, size) for size in weights.state_sizes)
    given = tuple(draw.take("state", part) for part in state)
    if (
        draw.chance(0.1) and len(set(weights.state_sizes)) == 1 and not draw.wrong
    ):  # one array as h and as c
        given, state = (given[0],) * len(given), (state[0],) * len(state)
    again = {
        "recompute_every": draw.option("recompute_every", (None, 1, 2, 7, 2**70), (0, -1, 1.5))
    }
    plain = draw.chance()  # as it is, with its overlaps, or in another layout
    out = functional.rnn_forward(
        weights, x if plain else draw.take("x", x), given, **flags, **again
    )
    if draw.wrong:
        return
    expected = reference.rnn_forward(expected_weights, x, state, **flags)
    if not tame(draw, expected):
        return
    assert_equal(out, expected)
    if flags["training"]:
        dy = draw.normal(*front, weights.output_size)
        dstate = tuple(draw.normal(batch, size) for size in weights.state_sizes)
        given = tuple(draw.take("dstate", part) for part in dstate)
        dy = None if out.y is None else draw.take("dy", dy)
        grads = functional.rnn_backward(out.saved, dy, given)
        if not draw.wrong:
            assert_gradients_close(grads, reference.rnn_backward(expected.saved, dy, dstate))


def two_directions(draw):
    """birnn_forward and birnn_backward, beside one call of the reference each."""
    steps, batch, inputs, hidden = draw.size(), draw.size(), draw.size(), draw.size(1)
    case = draw.one(*CELLS)
    ahead, expected_ahead = weights_of(draw, inputs, hidden, False, case)
    back, expected_back = weights_of(draw, inputs, hidden, False, case)
    flags = flags_of(draw, "training", "batch_first") | validity_of(draw, steps, batch)
    front = (batch, steps) if flags["batch_first"] is not False else (steps, batch)
    x = draw.normal(*front, inputs)
    out = functional.birnn_forward(ahead, back, draw.take("x", x), **flags)
    if draw.wrong:
        return
    outs = [
        reference.rnn_forward(weights, x, go_backwards=backwards, **flags)
        for weights, backwards in ((expected_ahead, False), (expected_back, True))
    ]
    if not all(tame(draw, one) for one in outs):
        return
    assert_forward_close(out.y, np.concatenate([one.y for one in outs], 2))
    for part, expected in zip(out.state, outs[0].state + outs[1].state, strict=True):
        assert_forward_close(part, expected, "state")
    if flags["training"]:
        dy = draw.normal(*front, 2 * ahead.output_size)
        grads = functional.birnn_backward(out.saved, draw.take("dy", dy))
        if draw.wrong:
            return
        parts = np.split(dy, 2, axis=2)
        both = [reference.rnn_backward(o.saved, part) for o, part in zip(outs, parts, strict=True)]
        assert_gradient_close(grads.x, both[0].x + both[1].x, "x")
        for got, one in zip((grads.forward_weights, grads.backward_weights), both, strict=True):
            for name, array in one.weights.arrays().items():
                assert_gradient_close(got.arrays()[name], array, name)


def a_stack(draw):
    """rnn_stack_forward and rnn_stack_backward, beside the reference layer by layer."""
    steps, batch, inputs = draw.size(), draw.size(), draw.size()
    pairs, width = [], inputs
    for _ in range(draw.one(1, 2, 3)):
        pairs.append(weights_of(draw, width, draw.size(1), False))
        width = pairs[-1][0].output_size
    flags = flags_of(draw, "training", "batch_first") | validity_of(draw, steps, batch)
    front = (batch, steps) if flags["batch_first"] is not False else (steps, batch)
    x = draw.normal(*front, inputs)
    layers = [weights for weights, _ in pairs]
    wrong = (None, "weights", [], [None], layers[0], [layers[0], 3])
    layers = draw.option("weights", [layers, tuple(layers)], wrong)
    out = functional.rnn_stack_forward(layers, draw.take("x", x), **flags)
    if draw.wrong:
        return
    outs, y = [], x
    for _, weights in pairs:
        outs.append(reference.rnn_forward(weights, y, **flags))
        y = outs[-1].y
    if not all(tame(draw, one) for one in outs):
        return
    assert_forward_close(out.y, y)
    if flags["training"]:
        dy = draw.normal(*front, width)
        grads = functional.rnn_stack_backward(out.saved, draw.take("dy", dy))
        if draw.wrong:
            return
        for k in reversed(range(len(pairs))):
            one = reference.rnn_backward(outs[k].saved, dy)
            dy = one.x
            for name, array in one.weights.arrays().items():
                assert_gradient_close(grads.weights[k].arrays()[name], array, name)
        assert_gradient_close(grads.x, dy, "x")


def saved_twice(draw):
    """What is saved serves once, and nothing else takes its place."""
    weights, _ = weights_of(draw, 3, draw.size(1), False)
    out = functional.rnn_forward(weights, draw.normal(2, 3, 3), training=True)
    functional.rnn_backward(out.saved)
    draw.wrong.append("saved")
    functional.rnn_backward(draw.one(out.saved, None, out, weights, 3, "saved", [out.saved]))


CALLS = (one_layer, one_layer, one_layer, two_directions, a_stack, saved_twice)
