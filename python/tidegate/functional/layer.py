"""One layer over a batch of sequences: outputs, and gradients of inputs, state and weights."""

from typing import Any

import numpy as np

from tidegate._arrays import as_float_array, check_flag
from tidegate.functional.arguments import (
    as_gradients,
    check_weights,
    split_state,
    steps_at_once,
    validity,
)
from tidegate.functional.results import RNNGradients, RNNOutput, SavedForward
from tidegate.functional.state_factors import (
    NO_FACTORS,
    StateFactors,
    memory_factor,
    state_factors,
)
from tidegate.weights import CellWeights


def rnn_forward(
    weights: CellWeights,
    x: Any,
    state: Any = None,
    *,
    lengths: Any = None,
    mask: Any = None,
    masked_output: str = "zero",
    training: bool = False,
    batch_first: bool = False,
    return_sequences: bool = True,
    go_backwards: bool = False,
    return_cell_states: bool = False,
    state_scale: Any = None,
    recurrent_scale: Any = None,
    state_keep: Any = None,
    recompute_every: int | None = None,
    memory_decay: Any = None,
) -> RNNOutput:
    """Run one recurrent layer over a batch of sequences.

    Parameters
    ----------
    weights : CellWeights
        The cell, its options and its arrays.
    x : (T, B, I), or (B, T, I) with batch_first; dtype of the weights
        Input; T and B may be 0. Any strides; copied only if its last axis is not contiguous.
        With `training`, do not modify it before `rnn_backward`: it is read again there.
    state : tuple of (B, H), optional
        State before the first step: (h,) or, for "lstm", (h, c). Zeros if omitted. With a
        projection to P, every h and its gradient is (B, P), here and below.
    lengths : (B,) integers, optional
        Valid steps of each sequence, 0 to T; what follows in `x` is not read.
    mask : (B, T) bool, optional
        True at valid steps, anywhere, in place of `lengths`; batch first also where x is not. At
        the others the state is held and `x` is not read.
    masked_output : "zero" or "hold"
        `y` at invalid steps: zeros, or the output before, repeated (zeros before the first).
    training : bool
        Keep what `rnn_backward` needs. `y` is then read-only, because it is part of that.
    batch_first : bool
        Layout of `x` and `y`.
    return_sequences : bool
        If false, `y` is None and memory does not grow with T (unless training).
    go_backwards : bool
        Start at the last valid step and end at the first; `y` keeps the time order of `x`.
    return_cell_states : bool
        "lstm" only: return c after each step too.
    state_scale : array like y, or (B, H) for all steps alike, optional
        h_prev of each step is multiplied by it, everywhere in the step (GRU-D's decay). As x, this
        and the next two are read again by `rnn_backward`: with `training`, do not modify them
        before it.
    recurrent_scale : (B, H), or (G, B, H) with one for each gate, optional
        What R multiplies is R_q (scale_q∘h_prev) at every step; h_prev stays as it is elsewhere,
        as in the GRU's blend (recurrent dropout). Not with state_scale.
    state_keep : array like y, (B, H) or float, optional
        Share k in 0..1 of the state that is kept: h = k∘h_prev + (1-k)∘h_new, where h_prev is not
        scaled; c of an LSTM takes its step (zoneout). 0 and 1 give one of the two exactly, if both
        are finite. Not read at invalid steps.
    recompute_every : int, optional
        With `training`: keep the state at every k-th step only; `rnn_backward` computes what the
        steps between would have saved, k steps at a time from the last to the first. The same bits
        in less memory, for about a third more time (docs/training.md). Without `training` it
        changes nothing.
    memory_decay : (T, B), or (B, T) with batch_first; with weight_cc only
        How much is left of the short-term part of c_prev on the way into each step, 1 for all and 0
        for none of it (T-LSTM): `tidegate.sequences.memory_decay` of the time since the step that
        ran before. Read again by `rnn_backward`; not read at invalid steps.

    Returns
    -------
    RNNOutput
        y (T, B, H) or (B, T, H), the hidden state after each step; state, a tuple of (B, H) after
        the last valid step of each sequence (where there is none, the state before the first);
        saved, for `rnn_backward` (None unless training); cell_states (T, B, H) or (B, T, H), c
        after each step, in gaps as y (None unless asked for). With a projection y is (T, B, P), and
        h of every state is (B, P).

    Raises
    ------
    ValueError
        A shape disagrees with the weights or with the other arrays; a length is outside 0..T; both
        `lengths` and `mask` are given; state_keep leaves 0..1; recompute_every is below 1;
        memory_decay without weight_cc, or weight_cc without it.
    TypeError
        An array has another dtype than the weights, is a masked array, `weights` is no CellWeights,
        or a flag is neither True nor False; `lengths` has no integers, `mask` no bools;
        recompute_every is no integer.
    MemoryError
        The result does not fit into memory.

    Notes
    -----
    Equations: docs/equations/<cell>.md. Results are bit-identical for any number of threads.
    Invalid steps cost no arithmetic, and no result depends on them: docs/sequences.md.

    Examples
    --------
    >>> import numpy as np, tidegate as tg
    >>> w = tg.CellWeights("gru", np.zeros((12, 3)), np.zeros((12, 4)))
    >>> out = rnn_forward(w, np.zeros((5, 2, 3)))
    >>> out.y.shape, out.state[0].shape
    ((5, 2, 4), (2, 4))
    >>> w = tg.CellWeights("rnn", np.ones((1, 1)), np.ones((1, 1)), activation="linear")
    >>> rnn_forward(w, np.ones((4, 2, 1)), lengths=[4, 2]).y[:, :, 0].T
    array([[1., 2., 3., 4.],
           [1., 2., 0., 0.]])
    """
    where = "rnn_forward"
    check_weights(where, "weights", weights)
    x = as_float_array(where, "x", x, weights.dtype)
    factors: StateFactors = NO_FACTORS
    if state_scale is not None or recurrent_scale is not None or state_keep is not None:
        factors = state_factors(
            where,
            weights,
            x,
            batch_first,
            state_scale,
            recurrent_scale,
            state_keep,
            lengths,
            mask,
        )
    memory = None
    if memory_decay is not None or weights.weight_cc is not None:
        memory = memory_factor(where, weights, x, memory_decay)
    y, final, kept, cell_states = weights.core_weights().forward(
        x,
        *split_state(where, "state", state, weights),
        validity(where, lengths, mask, masked_output),
        training,
        batch_first,
        return_sequences,
        go_backwards,
        *factors,
        return_cell_states,
        steps_at_once(where, recompute_every),
        memory,
    )
    if kept is None:
        return RNNOutput(y, final, None, cell_states)
    axes = 0 if state_scale is None else np.ndim(state_scale)
    saved = SavedForward(weights, kept, axes, 1 if batch_first else 0)
    return RNNOutput(y, final, saved, cell_states)


def rnn_backward(
    saved: Any,
    dy: Any = None,
    dstate: Any = None,
    *,
    need_dx: bool = True,
    need_dstate_scale: bool = False,
    dcell_states: Any = None,
    need_dmemory_decay: bool = False,
    out: CellWeights | None = None,
) -> RNNGradients:
    """Gradients of one forward pass by its input, initial state and weights.

    Parameters
    ----------
    saved : SavedForward
        `saved` of an `rnn_forward(..., training=True)`. It serves once: the saved gates are
        overwritten by their gradients.
    dy : like y, optional
        Gradient of the loss by each output. Zeros if omitted. At invalid steps it is not read, or
        with masked_output="hold" adds to the step whose output is repeated there.
    dstate : tuple of (B, H), optional
        Gradient by the final state, (dh,) or (dh, dc); entries may be None. Zeros if omitted.
    need_dx : bool
        If false, `x` of the result is None and its product is not computed.
    dcell_states : (T, B, H) or (B, T, H), like `cell_states`, optional
        "lstm" only: gradient by c after each step, whether or not these were returned.
    need_dstate_scale, need_dmemory_decay : bool
        Whether `state_scale`, or `memory_decay`, of the result is the gradient by that argument,
        which must have been given.
    out : CellWeights, optional
        Gradients are written into its arrays (made by `CellWeights.view`); arrays that it lacks
        are not computed.

    Returns
    -------
    RNNGradients
        x, like the input, zeros at invalid steps; state, a tuple of (B, H), the gradient by the
        initial state (also when that was omitted); weights, a CellWeights that holds the gradients
        (`out` if given); state_scale and memory_decay, like these arguments (None unless needed).

    Raises
    ------
    RuntimeError
        `saved` was used before, or the weights changed since the forward pass.
    TypeError
        `saved` is not a SavedForward, `out` is no CellWeights, an array has another dtype than the
        weights or is a masked array, or a flag is neither True nor False.
    ValueError
        `dy`, `dstate` or `dcell_states` has another shape than y, the state or c, or is given for a
        cell without c; `out` has another dtype or shape, or its arrays overlap; a gradient by
        state_scale or memory_decay is asked for, and the forward pass had none.
    MemoryError
        The result does not fit into memory.

    Notes
    -----
    Equations: docs/equations/<cell>.md.

    Examples
    --------
    >>> import numpy as np, tidegate as tg
    >>> w = tg.CellWeights("rnn", np.ones((1, 1)), np.zeros((1, 1)), activation="linear")
    >>> out = rnn_forward(w, np.full((3, 1, 1), 2.0), training=True)
    >>> rnn_backward(out.saved, np.ones((3, 1, 1))).weights.weight_ih
    array([[6.]])
    """
    where = "rnn_backward"
    if not isinstance(saved, SavedForward):
        raise TypeError(
            f"{where}: saved is {type(saved).__name__}; expected the `saved` of an rnn_forward "
            "with training=True."
        )
    weights = saved.weights
    dy = None if dy is None else as_float_array(where, "dy", dy, weights.dtype)
    dstate = split_state(where, "dstate", dstate, weights)
    if dcell_states is not None:
        dcell_states = as_float_array(where, "dcell_states", dcell_states, weights.dtype)
    gradients = weights.empty_like() if out is None else as_gradients(where, "out", out, weights)
    if check_flag(where, "need_dstate_scale", need_dstate_scale) and not saved.scale_axes:
        raise ValueError(
            f"{where}: need_dstate_scale is True; expected False, or a forward pass with "
            "state_scale."
        )
    if check_flag(where, "need_dmemory_decay", need_dmemory_decay) and weights.weight_cc is None:
        raise ValueError(
            f"{where}: need_dmemory_decay is True and the weights have no weight_cc; expected "
            "False (only a T-LSTM has a memory_decay)."
        )
    dx, dfirst, dscale, dmemory = saved.core.backward(
        dy,
        *dstate,
        need_dx,
        gradients.core_weights(),
        bool(need_dstate_scale),
        dcell_states,
        bool(need_dmemory_decay),
    )
    if dscale is not None and saved.scale_axes == 2:
        dscale = dscale.sum(axis=saved.time_axis)
    if dmemory is not None:
        dmemory = dmemory.sum(axis=2)
    return RNNGradients(dx, dfirst, gradients, dscale, dmemory)
