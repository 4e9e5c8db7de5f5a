"""CellWeights: one recurrent cell, its options and its arrays."""

from typing import Any

import numpy as np

from tidegate._arrays import FloatArray, as_float_array, check_choice, check_flag, check_limit
from tidegate._layer_norm import NORM_ARRAYS, check_combination, check_norm_arrays
from tidegate._loader import core
from tidegate._weight_shapes import check_lstm_only, check_memory, owned, shapes_of, sizes_of
from tidegate.activation import Activation, as_activation, for_core

GATES = {"lstm": 4, "gru": 3, "rnn": 1}
COUPLED = ("input", "forget")
UPDATES = ("retain", "replace")
ARRAY_NAMES = (
    *("weight_ih", "weight_hh", "bias_ih", "bias_hh"),
    *("peephole", "weight_hr", "weight_cc", "bias_cc"),
    *NORM_ARRAYS,
)
LSTM_ARRAYS = ("peephole", "weight_hr", "weight_cc", "bias_cc", "gamma_c", "beta_c")


class CellWeights:
    """The weights of one recurrent layer, with the options that define its equations.

    Parameters
    ----------
    cell : {"lstm", "gru", "rnn"}
        G = 4, 3 or 1 gates, in the order i f g o, r z n; a coupled LSTM has 3.
    weight_ih : (G*H, I) float32 or float64
        Input weights W; I may be 0.
    weight_hh : (G*H, P) same dtype
        Recurrent weights R; P is H >= 1 without a projection.
    bias_ih, bias_hh : (G*H,) same dtype, optional
        Biases; both are added, and a reset-after GRU needs them apart.
    peephole : (3, H) or (3, H, H) same dtype, optional
        LSTM only; rows i f o (2 of them where gates are coupled). Two axes: diagonal peepholes;
        three: full matrices.
    weight_hr : (P, H) same dtype, optional
        LSTM only: h = W_hr (o∘tanh(c)), the projection of Sak, Senior & Beaufays (2014). h has
        P >= 1 elements, c has H.
    weight_cc : (H, H) same dtype, optional
        LSTM only, without peepholes and coupled gates: each step starts from c_prev - s + d∘s with
        s = tanh(W_cc c_prev + b_cc), where d is the `memory_decay` of the call (T-LSTM; Baytas et
        al. 2017).
    bias_cc : (H,) same dtype, optional
        b_cc; with weight_cc only.
    gamma_ih, gamma_hh : (G*H,) same dtype, optional
        Layer normalisation in the form of haste, a = LN(W x; gamma_ih) + LN(R h_prev; gamma_hh) +
        biases, each over all gates together. Not with reset_after=False, full peepholes, weight_hr
        or weight_cc.
    gamma_c, beta_c : (H,) same dtype
        With gamma_ih and gamma_hh of an LSTM: h = o∘tanh(LN(c; gamma_c) + beta_c).
    activation : str, Activation or (str, dict)
        Of the candidate: g of the LSTM, n of the GRU, h of the simple RNN. Names and parameters:
        `Activation`.
    recurrent_activation : likewise
        Of the gates of the LSTM and the GRU.
    output_activation : likewise, optional
        Of the LSTM's squash of c in h = o∘tanh(c); the same as `activation` if omitted.
    reset_after : bool
        GRU only: n = act(W x + b + r∘(R h_prev + bR)) if true, act(W x + R (r∘h_prev) + b) if not.
    update : {"retain", "replace"}
        GRU only: h = z∘h_prev + (1-z)∘n, or h = (1-z)∘h_prev + z∘n.
    coupled : {"input", "forget"}, optional
        LSTM only: i = 1 - f (TensorFlow's CIFG), gates f g o; or f = 1 - i (ONNX), gates i g o.
    clip : float > 0, optional
        Pre-activations are limited to ±clip.
    cell_clip, output_clip : float > 0, optional
        LSTM only: c is limited to ± this as it is stored, or only on its way into
        `output_activation`.

    Raises
    ------
    ValueError
        An unknown name, or shapes that disagree with each other.
    TypeError
        An array is not float32 or float64, or dtypes differ.

    Notes
    -----
    The arrays are copied and read-only: the engine packs them once, and the packed copy can never
    be stale. `CellWeights.view` shares arrays instead; whoever uses it calls `changed`.
    Equations: docs/equations.

    Examples
    --------
    >>> import numpy as np
    >>> w = CellWeights("gru", np.zeros((12, 3)), np.zeros((12, 4)))
    >>> w.input_size, w.hidden_size, w.dtype
    (3, 4, dtype('float64'))
    """

    cell: str
    weight_ih: FloatArray
    weight_hh: FloatArray
    bias_ih: FloatArray | None
    bias_hh: FloatArray | None
    peephole: FloatArray | None
    weight_hr: FloatArray | None
    weight_cc: FloatArray | None
    bias_cc: FloatArray | None
    gamma_ih: FloatArray | None
    gamma_hh: FloatArray | None
    gamma_c: FloatArray | None
    beta_c: FloatArray | None
    activation: str | Activation
    recurrent_activation: str | Activation
    output_activation: str | Activation
    reset_after: bool
    update: str
    coupled: str | None
    clip: float | None
    cell_clip: float | None
    output_clip: float | None
    input_size: int
    hidden_size: int  # H, of c and of the gates
    output_size: int  # P, of h: H without a projection
    dtype: np.dtype[Any]  # of every array

    def __init__(
        self,
        cell: str,
        weight_ih: Any,
        weight_hh: Any,
        bias_ih: Any = None,
        bias_hh: Any = None,
        peephole: Any = None,
        *,
        weight_hr: Any = None,
        weight_cc: Any = None,
        bias_cc: Any = None,
        gamma_ih: Any = None,
        gamma_hh: Any = None,
        gamma_c: Any = None,
        beta_c: Any = None,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        output_activation: Any = None,
        reset_after: bool = True,
        update: str = "retain",
        coupled: str | None = None,
        clip: float | None = None,
        cell_clip: float | None = None,
        output_clip: float | None = None,
        _share: bool = False,
    ) -> None:
        where = "CellWeights"
        self.cell = check_choice(where, "cell", cell, tuple(GATES))
        self.activation = as_activation(where, "activation", activation)
        self.recurrent_activation = as_activation(
            where, "recurrent_activation", recurrent_activation
        )
        squash = activation if output_activation is None else output_activation
        self.output_activation = as_activation(where, "output_activation", squash)
        self.update = check_choice(where, "update", update, UPDATES)
        self.reset_after = check_flag(where, "reset_after", reset_after)
        self.coupled = None if coupled is None else check_choice(where, "coupled", coupled, COUPLED)
        self.clip = check_limit(where, "clip", clip)
        self.cell_clip = check_limit(where, "cell_clip", cell_clip)
        self.output_clip = check_limit(where, "output_clip", output_clip)
        arrays = [weight_ih, weight_hh, bias_ih, bias_hh, peephole, weight_hr, weight_cc, bias_cc]
        arrays += [gamma_ih, gamma_hh, gamma_c, beta_c]
        given = dict(zip(ARRAY_NAMES, arrays, strict=True))
        lstm_only = {"coupled": coupled, "cell_clip": cell_clip, "output_clip": output_clip}
        lstm_only |= {k: v for k, v in given.items() if k in LSTM_ARRAYS}
        check_lstm_only(where, cell, lstm_only)
        check_memory(where, given, coupled)
        self._shared = _share
        self._set_arrays(given, share=_share)
        if check_norm_arrays(where, cell, given):
            before = cell == "gru" and not reset_after
            projects, decays = weight_hr is not None, weight_cc is not None
            check_combination(where, before, self.peephole_kind, projects, decays)
        self._core: Any = None

    @classmethod
    def view(cls, *args: Any, **kwargs: Any) -> "CellWeights":
        """Like the constructor, but the arrays are shared; they must be C-contiguous.

        For code that trains: after modifying an array in place, call `changed`.
        """
        return cls(*args, **kwargs, _share=True)

    def _set_arrays(self, given: dict[str, Any], *, share: bool) -> None:
        where = "CellWeights"
        w_ih = as_float_array(where, "weight_ih", given["weight_ih"])
        dtype = w_ih.dtype
        w_hh = as_float_array(where, "weight_hh", given["weight_hh"], dtype)
        sizes = sizes_of(where, self.gates, w_ih, w_hh, given["weight_hr"])
        coupled = "" if self.coupled is None else f' with coupled="{self.coupled}"'
        peepholes = 3 if self.coupled is None else 2
        shapes = shapes_of(sizes, peepholes, f'for cell "{self.cell}"{coupled}')
        for name in ("weight_hh", *(n for n in ARRAY_NAMES if n != "weight_hh")):
            value = given[name]
            if value is None:
                setattr(self, name, None)
                continue
            array = as_float_array(where, name, value, dtype)
            full = name == "peephole" and array.ndim == 3
            expected = shapes["full peephole" if full else name]
            setattr(self, name, owned(where, name, array, expected, share))
        self.input_size, self.hidden_size, self.output_size = sizes[1:4]
        self.dtype = dtype

    @property
    def gates(self) -> int:
        """G: blocks of H rows in the weights and biases."""
        return GATES[self.cell] if self.coupled is None else 3

    @property
    def peephole_kind(self) -> str:
        """The form of the peepholes: "none", "diagonal" or "full"."""
        if self.peephole is None:
            return "none"
        return "diagonal" if self.peephole.ndim == 2 else "full"

    @property
    def state_sizes(self) -> tuple[int, ...]:
        """Widths of the parts of the state: (P,), or (P, H) for "lstm"."""
        return (self.output_size, self.hidden_size)[: 2 if self.cell == "lstm" else 1]

    def arrays(self) -> dict[str, FloatArray]:
        """Return the arrays that are present, by name."""
        held = self.__dict__
        return {name: held[name] for name in ARRAY_NAMES if held[name] is not None}

    def changed(self) -> None:
        """Tell that shared arrays were modified in place; the next call packs them again."""
        if self._core is not None:
            self._core.changed()

    def empty_like(self) -> "CellWeights":
        """Return the same cell over new arrays of undefined values: for gradients."""
        twin = object.__new__(CellWeights)
        arrays = {name: np.empty_like(array) for name, array in self.arrays().items()}
        twin.__dict__.update(self.__dict__, **arrays, _core=None, _shared=True)
        return twin

    def _core_options(self) -> dict[str, Any]:
        """Return the options by the names of src/bindings/cell_options.hpp, where not its defaults.

        Each costs a quarter of a microsecond, in every backward that makes new gradients.
        """
        options: dict[str, Any] = {"cell": self.cell}
        if self.peephole is not None:
            options["peephole_kind"] = self.peephole_kind
        if self.gamma_ih is not None:
            options["layer_norm"] = True
        if not self.reset_after:
            options["reset_after"] = False
        if self.update != "retain":
            options["retain"] = False
        if self.coupled is not None:
            options["coupled"] = self.coupled
        if self.weight_cc is not None:
            options["decays_memory"] = True
        if self.activation != "tanh":
            options["activation"] = for_core(self.activation)
        if self.recurrent_activation != "sigmoid":
            options["recurrent_activation"] = for_core(self.recurrent_activation)
        if self.output_activation != "tanh":
            options["output_activation"] = for_core(self.output_activation)
        for name in ("clip", "cell_clip", "output_clip"):
            if (value := getattr(self, name)) is not None:
                options[name] = value
        return options

    def core_weights(self) -> Any:
        """Return the compiled counterpart, made at first need (private)."""
        if self._core is None:
            kind = core.LayerWeights32 if self.dtype == np.float32 else core.LayerWeights64
            self._core = kind(self._core_options(), self.arrays())
        return self._core

    def __setattr__(self, name: str, value: Any) -> None:
        """Refuse to replace an array or an option: the packed form would not follow."""
        if name != "_core" and "_core" in self.__dict__:
            raise AttributeError(
                f"CellWeights: {name} cannot be replaced; make a new CellWeights (or write into "
                "the arrays of CellWeights.view, then call changed)."
            )
        super().__setattr__(name, value)

    def __getstate__(self) -> dict[str, Any]:
        """Copy and pickle the arrays and options, not the packed form."""
        return {**self.__dict__, "_core": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take over copied arrays, read-only again if they were."""
        self.__dict__.update(state)
        for array in self.arrays().values():
            array.flags.writeable = self._shared

    def __repr__(self) -> str:
        return (
            f'CellWeights("{self.cell}", input_size={self.input_size}, '
            f"hidden_size={self.hidden_size}, dtype={self.dtype})"
        )
