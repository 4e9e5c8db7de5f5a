"""GRU-D (Che et al. 2018): a GRU for missing values and uneven times.

    γx = exp(-max(0, wx∘δ + bx))            x̂ = m∘x + (1-m)∘(γx∘x_last + (1-γx)∘mean)
    γh = exp(-max(0, Wh δ + bh))            h_prev becomes γh∘h_prev, everywhere in the step
    r, z = σ(W [x̂ | m] + R h_prev + b)      n = tanh(W_n [x̂ | m] + R_n (r∘h_prev) + b_n)
    h = (1-z)∘h_prev + z∘n

m_t is 1 where a feature is observed, δ_t the time since it was last observed before step t, x_last
its last value before the step (the mean, if there was none). Backward: docs/equations/grud.md.
"""

from typing import Any, NamedTuple

import numpy as np

from tidegate.functional import RNNOutput, rnn_backward, rnn_forward
from tidegate.layers import checks, initializers
from tidegate.layers.base import initializer_config
from tidegate.layers.gru import GRU
from tidegate.layers.missing_input import (
    config_of,
    features_of,
    prepare_missing,
    take_input_apart,
)
from tidegate.layers.parameters import Parameter
from tidegate.layers.run_mode import INFERENCE, RunMode
from tidegate.layers.types import Array, Config
from tidegate.sequences.missing import Missing, add_to_sources, check_mean

DECAYS = ("input_decay", "input_decay_bias", "state_decay", "state_decay_bias")
REFUSED = ("dropout", "recurrent_dropout", "weight_drop")


class SavedDecays(NamedTuple):
    """What the backward pass of one call needs."""

    engine: Any
    parts: Missing
    input_decay: Array  # γx (B, T, F)
    state_decay: Array  # γh (B, T, H)


class GRUD(GRU):
    """GRU with decay (Che et al. 2018); takes NaN. Arguments as in GRU and below.

    Parameters
    ----------
    reset_after, update
        As in GRU; the defaults are those of the paper.
    mean : sequence of F floats, optional
        What missing values decay to (`tidegate.sequences.feature_means` of the training data); 0 if
        omitted, which is right for standardised features.
    time_feature : bool
        Whether the last feature of the input is the time of the step; if not, steps are one unit
        apart, and those that the mask excludes take no time.
    decay_initializer : str or Initializer
        Its absolute values are the first weights of the decays, so that each has a gradient; it
        sees (F, H) and (F, 1). Their biases start at 0.

    Notes
    -----
    Parameters: those of GRU with 2F inputs [x̂ | m], and input_decay (F,), input_decay_bias (F,),
    state_decay (H, F), state_decay_bias (H,). The variant is that of the paper's equations: decays
    of input (diagonal) and state (full), m fed to all gates. zoneout works; dropout,
    recurrent_dropout and weight_drop are refused.

    Examples
    --------
    >>> x = np.array([[[1.0, np.nan], [np.nan, 2.0], [np.nan, np.nan]]])
    >>> GRUD(4, return_sequences=True)(x).shape
    (1, 3, 4)
    """

    takes_missing = True

    def __init__(
        self,
        units: int,
        *,
        reset_after: bool = False,
        update: str = "replace",
        mean: Any = None,
        time_feature: bool = False,
        decay_initializer: Any = "glorot_uniform",
        **options: Any,
    ) -> None:
        super().__init__(units, reset_after=reset_after, update=update, **options)
        for name in REFUSED:
            if getattr(self.noise, name):
                raise ValueError(
                    f"GRUD: {name} is {options[name]}; expected 0 (a dropped input would be a "
                    "value, the state is scaled already: use zoneout, or Dropout on the outputs)."
                )
        self.mean = None if mean is None else check_mean("GRUD", mean)
        self.time_feature = checks.boolean("GRUD", "time_feature", time_feature)
        self.decay_initializer = initializers.get("GRUD", "decay_initializer", decay_initializer)
        if self.stateful:
            raise ValueError(
                "GRUD: stateful is True; expected False (a batch begins without knowing when each "
                "feature was last observed)."
            )
        self.runs_apart = True
        self.stepwise = False  # a step needs to know when each feature was last observed

    def _cell_parameters(self, inputs: int) -> list[Parameter]:
        features = features_of(self.name, (None, inputs), self.mean, self.time_feature)

        def decay(columns: int) -> Any:
            return lambda rng: np.abs(self.decay_initializer((features, columns), rng)).T

        def zeros(rng: np.random.Generator, size: int) -> Array:
            return np.zeros(size)

        return [
            *super()._cell_parameters(2 * features),
            Parameter("input_decay", (features,), self.dtype, lambda rng: decay(1)(rng)[0]),
            Parameter(
                "input_decay_bias", (features,), self.dtype, lambda rng: zeros(rng, features)
            ),
            Parameter("state_decay", (self.units, features), self.dtype, decay(self.units)),
            Parameter(
                "state_decay_bias", (self.units,), self.dtype, lambda rng: zeros(rng, self.units)
            ),
        ]

    def _engine_parameters(self) -> dict[str, Parameter]:
        named = super()._engine_parameters()
        self._decays = tuple(named.pop(name) for name in DECAYS)
        return named

    def prepare(self, where: str, x: Any, name: str = "x") -> Array:
        """See Layer; NaN is a missing value."""
        return prepare_missing(where, name, x, self.dtype, self.time_feature)

    def run(
        self, x: Array, state: tuple[Array, ...] | None = None, mode: RunMode = INFERENCE
    ) -> RNNOutput:
        """See RecurrentLayer."""
        backwards = self.go_backwards
        parts = take_input_apart(self.name, x, mode.mask, self.mean, self.time_feature, backwards)
        carried, observed, gaps = parts[:3]
        wx, bx, wh, bh = (parameter.value for parameter in self._decays)
        input_decay = np.exp(-np.maximum(0, wx * gaps + bx))
        state_decay = np.exp(-np.maximum(0, gaps @ wh.T + bh))
        mean = self._mean(x.dtype)
        decayed = np.where(observed, carried, input_decay * (carried - mean) + mean)
        if mode.mask is not None and backwards:
            mode = mode._replace(mask=np.ascontiguousarray(mode.mask[:, ::-1]))
        options = self._mask_options(mode)
        if self.noise.random:
            shape = (*x.shape[:2], 0)
            recurrent = self._weights.weight_hh.shape
            drawn = self.noise.draw(shape, recurrent, self.gates, x.dtype, mode)
            options["state_keep"] = drawn.state_keep
        out = rnn_forward(
            self._weights,
            np.concatenate([decayed, observed.astype(x.dtype)], axis=2),
            state,
            training=mode.training,
            batch_first=True,
            return_sequences=self.return_sequences,
            recompute_every=self.recompute_every,
            state_scale=state_decay,
            **options,
        )
        if backwards and out.y is not None:
            out = out._replace(y=out.y[:, ::-1])
        if not mode.training:
            return out
        saved: Any = SavedDecays(out.saved, parts, input_decay, state_decay)
        return out._replace(saved=saved)

    def _mean(self, dtype: Any) -> Array:
        return np.zeros((), dtype) if self.mean is None else self.mean.astype(dtype)

    def run_backward(self, saved: Any, dy: Array, *, need_dx: bool) -> Array | None:
        """See RecurrentLayer; times and what is missing have no gradient."""
        given: dict[str, Any] = {"dstate": (dy,)}
        if self.return_sequences:
            given = {"dy": dy[:, ::-1] if self.go_backwards else dy}
        grads = rnn_backward(saved.engine, **given, need_dstate_scale=True, out=self._gradients)
        carried, observed, gaps, source = saved.parts
        assert grads.x is not None
        assert grads.state_scale is not None
        features = gaps.shape[2]
        dx_hat = grads.x[..., :features]
        d_missing = np.where(observed, 0, dx_hat * saved.input_decay)  # of carried, where missing
        # exp(-max(0, u)) has the slope -exp(-u) where u > 0, which is where it is below 1.
        du_x = -d_missing * (carried - self._mean(gaps.dtype)) * (saved.input_decay < 1)
        du_h = -grads.state_scale * saved.state_decay * (saved.state_decay < 1)
        input_decay, input_bias, state_decay, state_bias = self._decays
        input_decay.grad[...] = (du_x * gaps).sum(axis=(0, 1))
        input_bias.grad[...] = du_x.sum(axis=(0, 1))
        rows = du_h.reshape(-1, self.units)
        state_decay.grad[...] = rows.T @ gaps.reshape(-1, features)
        state_bias.grad[...] = rows.sum(axis=0)
        if not need_dx:
            return None
        dx = np.zeros((*gaps.shape[:2], features + self.time_feature), gaps.dtype)
        add_to_sources(dx[..., :features], np.where(observed, dx_hat, d_missing), source)
        return dx[:, ::-1] if self.go_backwards else dx

    def _config(self) -> Config:
        return (
            super()._config()
            | config_of(self.mean, self.time_feature)
            | {"decay_initializer": initializer_config(self.decay_initializer)}
        )
