"""T-LSTM (Baytas et al. 2017): an LSTM whose short-term memory fades with the time between steps.

    s = tanh(W_cc c_prev + b_cc)        c* = c_prev - s + d∘s        d = 1 / log(e + gap)
    h, c = the step of an LSTM from h_prev and c*

Backward: docs/equations/tlstm.md.
"""

from typing import Any, NamedTuple

import numpy as np

from tidegate._layer_norm import check_combination
from tidegate.functional import RNNOutput
from tidegate.layers import checks, initializers
from tidegate.layers.base import initializer_config
from tidegate.layers.lstm import LSTM
from tidegate.layers.missing_input import require_times_held
from tidegate.layers.parameters import Parameter
from tidegate.layers.run_mode import INFERENCE, RunMode
from tidegate.layers.types import Array, Config
from tidegate.sequences.gaps import (
    DECAYS,
    check_gaps,
    decay_of,
    decay_slope,
    gaps_between,
    steps_before,
)

TIME_FEATURES = ("time", "gap")


class SavedTimes(NamedTuple):
    """What the backward pass of one call needs; (B, T) each."""

    engine: Any
    before: Array  # the step that ran before
    slope: Array  # of the decay by the gap


class TimeLSTM(LSTM):
    """Time-aware LSTM (Baytas et al. 2017). Arguments as in LSTM and below.

    Parameters
    ----------
    time_feature : {"time", "gap"}
        The last feature of the input, which only the memory sees: when each step is (not
        decreasing), or how long after the step before (not negative).
    decay : {"log", "inverse"}
        What is left of the short-term memory after a gap: 1 / log(e + gap), or 1 / max(gap, 1). See
        `tidegate.sequences.memory_decay`.
    memory_initializer : str or Initializer
        Of W_cc; called with shape (H, H).

    Notes
    -----
    Parameters: those of LSTM with I = F - 1 inputs, weight_cc (H, H) and bias_cc (H,). Peepholes,
    coupled gates and layer_norm are refused. A gap is the time since the step that ran before,
    among those that the mask counts; with go_backwards that is the time to the step after. The
    first step that runs has the gap 0, or with "gap" and forwards the one that is given, so that a
    batch can go on where another ended: `stateful` and `tbptt` need "gap". The time has a gradient
    too.

    Examples
    --------
    >>> x = np.array([[[0.5, 0.0], [0.1, 0.3], [0.7, 9.0]]])  # the times are 0, 0.3 and 9
    >>> TimeLSTM(4, return_sequences=True)(x).shape
    (1, 3, 4)
    """

    def __init__(
        self,
        units: int,
        *,
        time_feature: str = "time",
        decay: str = "log",
        memory_initializer: Any = "glorot_uniform",
        **options: Any,
    ) -> None:
        super().__init__(units, **options)
        self.time_feature = checks.choice("TimeLSTM", "time_feature", time_feature, TIME_FEATURES)
        self.decay = checks.choice("TimeLSTM", "decay", decay, DECAYS)
        self.memory_initializer = initializers.get(
            "TimeLSTM", "memory_initializer", memory_initializer
        )
        for name in ("peephole", "coupled"):
            if getattr(self, name) is not None:
                raise ValueError(
                    f"TimeLSTM: {name} is {getattr(self, name)!r}; expected None (the gates of a "
                    "T-LSTM are those of a plain LSTM)."
                )
        if self.layer_norm:
            check_combination("TimeLSTM", decays_memory=True)
        if self.stateful and time_feature == "time":
            raise ValueError(
                'TimeLSTM: stateful is True and time_feature is "time"; expected "gap" (a batch '
                "begins without knowing the time of the step before)."
            )
        self.runs_apart = True
        self.stepwise = self.stepwise and time_feature == "gap"

    def _cell_parameters(self, inputs: int) -> list[Parameter]:
        if inputs < 2:
            raise ValueError(
                f"{self.name}: the input has {inputs} features; expected at least one besides the "
                f"{self.time_feature}, which is the last."
            )
        square = (self.units, self.units)
        parameters = super()._cell_parameters(inputs - 1)
        parameters.append(
            Parameter(
                "weight_cc", square, self.dtype, lambda rng: self.memory_initializer(square, rng).T
            )
        )
        if self.use_bias:
            parameters.append(
                Parameter(
                    "bias_cc",
                    (self.units,),
                    self.dtype,
                    lambda rng: self.bias_initializer((self.units,), rng),
                )
            )
        return parameters

    def prepare(self, where: str, x: Any, name: str = "x") -> Array:
        """See Layer; refuses times that the dtype cannot tell apart."""
        array = super().prepare(where, x, name)
        if self.time_feature == "time":
            require_times_held(where, name, checks.numeric(where, name, x), array)
        return array

    def _gaps(self, times: Array, mask: Array | None, before: Array) -> Array:
        """Return the time (B, T) since the step that ran before, from the last feature of x."""
        name = "the last feature of x"
        if self.time_feature == "time":
            return gaps_between(self.name, name, times, mask, before)
        given = check_gaps(self.name, name, times if mask is None else np.where(mask, times, 0))
        if not self.go_backwards:
            return given
        return np.where(before < 0, 0, np.take_along_axis(given, np.maximum(before, 0), axis=1))

    def run(
        self, x: Array, state: tuple[Array, ...] | None = None, mode: RunMode = INFERENCE
    ) -> RNNOutput:
        """See RecurrentLayer."""
        before = steps_before(x.shape[:2], mode.mask, self.go_backwards)
        gaps = self._gaps(x[..., -1].astype(np.float64), mode.mask, before)
        decay = decay_of(gaps, self.decay)
        out = self._run_with(x[..., :-1], state, mode, memory_decay=decay.astype(x.dtype))
        if not mode.training:
            return out
        saved: Any = SavedTimes(out.saved, before, decay_slope(gaps, decay, self.decay))
        return out._replace(saved=saved)

    def run_backward(self, saved: Any, dy: Array, *, need_dx: bool) -> Array | None:
        """See RecurrentLayer."""
        grads = self._gradients_of(saved.engine, dy, need_dx=need_dx, need_dmemory_decay=need_dx)
        if not need_dx:
            return None
        assert grads.x is not None
        assert grads.memory_decay is not None
        dgaps = (grads.memory_decay * saved.slope).astype(grads.x.dtype)
        return np.concatenate([grads.x, self._dtimes(dgaps, saved.before)[..., None]], axis=2)

    def _dtimes(self, dgaps: Array, before: Array) -> Array:
        """Return the gradient (B, T) by the last feature of x from that by the gaps."""
        if self.time_feature == "gap" and not self.go_backwards:
            return dgaps
        row, step = np.nonzero(before >= 0)
        earlier, there = before[row, step], dgaps[row, step]
        dtimes = np.zeros_like(dgaps)
        if self.time_feature == "gap":
            dtimes[row, earlier] = there  # each step is the one before of at most one other
            return dtimes
        sign = -1 if self.go_backwards else 1
        dtimes[row, step] += sign * there
        dtimes[row, earlier] -= sign * there
        return dtimes

    def _config(self) -> Config:
        return super()._config() | {
            "time_feature": self.time_feature,
            "decay": self.decay,
            "memory_initializer": initializer_config(self.memory_initializer),
        }
