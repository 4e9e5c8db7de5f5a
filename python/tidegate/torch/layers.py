"""LSTM, GRU and RNN: torch.nn's layers with tidegate's engine.

Constructor, parameters, their names, initialisation and state_dict are inherited; `forward` and
what depends on it are ours.
"""

from collections.abc import Iterator
from typing import Any

import torch
from torch.nn.utils.rnn import PackedSequence

from tidegate.torch.function import Packing, Run
from tidegate.torch.module import EngineModule, call, leaves_to_torch, states_of, to_dtype
from tidegate.torch.parameters import Parameters

CELLS = {"LSTM": "lstm", "GRU": "gru", "RNN_TANH": "rnn", "RNN_RELU": "rnn"}
ARRAYS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr")


class _Layer(EngineModule):
    """What the three layers share; the torch.nn class follows in the order of resolution."""

    def _make_parameters(self) -> list[Parameters]:
        """One for all layers, or one for each where dropout comes between them."""
        names = [
            [self._names(k, suffix) for suffix in ("", "_reverse")[: 1 + self.bidirectional]]
            for k in range(self.num_layers)
        ]
        options = {} if "_" not in self.mode else {"activation": self.mode[4:].lower()}
        groups = [[layer] for layer in names] if self._drops() else [names]
        where = f"tidegate.torch.{type(self).__name__}"
        return [Parameters(where, CELLS[self.mode], group, options) for group in groups]

    def _names(self, layer: int, suffix: str) -> dict[str, str]:
        given = set(self._flat_weights_names)
        names = {array: f"{array}_l{layer}{suffix}" for array in ARRAYS}
        return {array: name for array, name in names.items() if name in given}

    def _drops(self) -> bool:
        return bool(self.training and self.dropout > 0 and self.num_layers > 1)

    def flatten_parameters(self) -> None:
        """Read the parameters anew at the next call; torch.nn calls it when it moves them.

        Call it after writing into `parameter.data` outside of training: PyTorch tells nobody.
        """
        self._forget()

    def forward(self, input: Any, hx: Any = None) -> Any:
        """Run over a sequence; see torch.nn's class of the same name.

        Parameters
        ----------
        input : (T, B, I), (B, T, I) with batch_first, (T, I), or PackedSequence
            float32 or float64, that of the parameters.
        hx : (layers*directions, B, H) tensor, or a pair of them for LSTM, optional
            Initial states. (layers*directions, H) for an input without batch.

        Returns
        -------
        tuple
            The output, like the input, and the final states, like `hx`.

        Raises
        ------
        ValueError
            `input` has the wrong number of axes, or another dtype than the parameters.
        RuntimeError
            A size disagrees with the module; a tensor is not on the CPU.
        TypeError
            The parameters are neither float32 nor float64.
        """
        if leaves_to_torch():
            return super().forward(input, hx)
        if isinstance(input, PackedSequence):
            return self._run_packed(input, hx)
        if input.dim() not in (2, 3):
            raise ValueError(
                f"{type(self).__name__}: Expected input to be 2D or 3D, got {input.dim()}D instead"
            )
        batched = input.dim() == 3
        axis = 0 if self.batch_first else 1
        x = input if batched else input.unsqueeze(axis)
        states = self._states(hx, batched)
        x, states = self._checked(x, states, None)
        if x.shape[1 if self.batch_first else 0] == 0:
            raise RuntimeError("Expected sequence length to be larger than 0 in RNN")
        y, *final = self._run(x, states, None)
        if not batched:
            y, final = y.squeeze(axis), [part.squeeze(1) for part in final]
        return y, tuple(final) if self.mode == "LSTM" else final[0]

    def _states(self, hx: Any, batched: bool) -> list[Any]:
        """Return the initial states with all axes."""
        states = states_of(hx, pair=self.mode == "LSTM")
        dims = 3 if batched else 2
        if any(part.dim() != dims for part in states):
            kind = "batched 3-D" if batched else "unbatched 2-D"
            got = ", ".join(f"{part.dim()}-D" for part in states)
            raise RuntimeError(f"For {kind} input, hx should also be {dims}-D but got {got}")
        return states if batched else [part.unsqueeze(1) for part in states]

    def _checked(self, x: Any, states: list[Any], batch_sizes: Any) -> tuple[Any, list[Any]]:
        """Check as torch.nn does, in the dtype of the parameters where autocast is on."""
        x, *states = to_dtype(self._weight().dtype, x, *states)
        if states:
            hidden = tuple(states) if self.mode == "LSTM" else states[0]
            self.check_forward_args(x, hidden, batch_sizes)
        else:
            self.check_input(x, batch_sizes)
        return x, states

    def _weight(self) -> Any:
        name = self._flat_weights_names[0]
        own = self._parameters.get(name)
        return getattr(self, name) if own is None else own

    def _run_packed(self, packed: Any, hx: Any) -> Any:
        """Run over the rows of a PackedSequence."""
        rows, batch_sizes, order, back = packed
        states = states_of(hx, pair=self.mode == "LSTM")
        if order is not None:
            states = [part.index_select(1, order) for part in states]
        rows, states = self._checked(rows, states, batch_sizes)
        y, *final = self._run(rows, states, Packing.of(batch_sizes))
        if back is not None:
            final = [part.index_select(1, back) for part in final]
        out = PackedSequence(y, batch_sizes, order, back)
        return out, tuple(final) if self.mode == "LSTM" else final[0]

    def _run(self, x: Any, states: list[Any], packing: Packing | None) -> Any:
        """Return y and the final states."""
        if not self._drops():
            [parameters] = self._engine_parameters(False)
            batch_first = self.batch_first and packing is None
            return call(self, Run(parameters, batch_first, packing), x, states)
        time_first = packing is not None or not self.batch_first
        y = x if time_first else x.transpose(0, 1)
        finals = []
        for k, (parameters, first) in enumerate(
            zip(self._engine_parameters(True), self._by_layer(states), strict=True)
        ):
            if k > 0:  # on the layout of torch.nn, so that the same elements are dropped
                y = torch.nn.functional.dropout(y, self.dropout, training=True)
            y, *final = call(self, Run(parameters, False, packing), y, first)
            finals.append(final)
        joined = [torch.cat(parts) for parts in zip(*finals, strict=True)]
        return y if time_first else y.transpose(0, 1), *joined

    def _by_layer(self, states: list[Any]) -> Iterator[list[Any]]:
        count = 1 + self.bidirectional
        for k in range(self.num_layers):
            yield [part[k * count : (k + 1) * count] for part in states]


class LSTM(_Layer, torch.nn.LSTM):  # type: ignore[misc]
    """A drop-in for torch.nn.LSTM: the same arguments, parameters and outputs.

    Parameters
    ----------
    input_size, hidden_size : int
        I, H.
    num_layers : int
    bias : bool
    batch_first : bool
        x and y are (B, T, ·) instead of (T, B, ·).
    dropout : float
        In training, of the outputs of every layer but the last, from PyTorch's generator.
    bidirectional : bool
    proj_size : int
        P > 0: h = W_hr (o∘tanh(c)) has P elements.
    device : "cpu"
        Parameters may be made elsewhere ("meta"), but only run on the CPU.
    dtype : torch.float32 or torch.float64

    Notes
    -----
    Gradients of gradients are refused. docs/pytorch.md.

    Examples
    --------
    >>> import torch, tidegate.torch
    >>> layer = tidegate.torch.LSTM(3, 4, batch_first=True)
    >>> y, (h, c) = layer(torch.zeros(2, 5, 3))
    >>> y.shape, h.shape
    (torch.Size([2, 5, 4]), torch.Size([1, 2, 4]))
    >>> y.sum().backward()
    >>> layer.weight_hh_l0.grad.shape
    torch.Size([16, 4])
    """

    torch_class = torch.nn.LSTM


class GRU(_Layer, torch.nn.GRU):  # type: ignore[misc]
    """A drop-in for torch.nn.GRU; arguments as of `LSTM`, without proj_size.

    Examples
    --------
    >>> import torch, tidegate.torch
    >>> y, h = tidegate.torch.GRU(3, 4, bidirectional=True)(torch.zeros(5, 2, 3))
    >>> y.shape, h.shape
    (torch.Size([5, 2, 8]), torch.Size([2, 2, 4]))
    """

    torch_class = torch.nn.GRU


class RNN(_Layer, torch.nn.RNN):  # type: ignore[misc]
    """A drop-in for torch.nn.RNN; arguments as of `LSTM`, with nonlinearity, without proj_size.

    Examples
    --------
    >>> import torch, tidegate.torch
    >>> y, h = tidegate.torch.RNN(3, 4, nonlinearity="relu")(torch.zeros(5, 3))
    >>> y.shape, h.shape
    (torch.Size([5, 4]), torch.Size([1, 4]))
    """

    torch_class = torch.nn.RNN
