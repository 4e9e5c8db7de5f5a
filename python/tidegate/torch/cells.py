"""LSTMCell, GRUCell and RNNCell: torch.nn's single steps with tidegate's engine."""

from typing import Any

import torch

from tidegate.torch.function import Run
from tidegate.torch.module import EngineModule, call, leaves_to_torch, states_of, to_dtype
from tidegate.torch.parameters import Parameters


class _Cell(EngineModule):
    """What the three cells share; the torch.nn class follows in the order of resolution."""

    cell: str

    def _make_parameters(self) -> list[Parameters]:
        """One cell."""
        names = {name: name for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")}
        if not self.bias:
            names = {name: name for name in ("weight_ih", "weight_hh")}
        options = {"activation": self.nonlinearity} if self.cell == "rnn" else {}
        if options and self.nonlinearity not in ("tanh", "relu"):
            raise RuntimeError(f"Unknown nonlinearity: {self.nonlinearity}")
        return [Parameters(f"tidegate.torch.{type(self).__name__}", self.cell, [[names]], options)]

    def forward(self, input: Any, hx: Any = None) -> Any:
        """Run one step; see torch.nn's class of the same name.

        Parameters
        ----------
        input : (B, I) or (I,)
            float32 or float64, that of the parameters.
        hx : (B, H) or (H,) tensor, or a pair of them for LSTMCell, optional
            State before the step. Zeros if omitted.

        Returns
        -------
        tensor, or a pair of them for LSTMCell
            State after the step, like `hx`.

        Raises
        ------
        ValueError
            A tensor has the wrong number of axes.
        RuntimeError
            A size or dtype disagrees with the module; a tensor is not on the CPU.
        TypeError
            The parameters are neither float32 nor float64.
        """
        if leaves_to_torch():
            base: Any = super()
            return base.forward(input, hx)
        states = states_of(hx, pair=self.cell == "lstm")
        self._check_axes(input, states)
        batched = input.dim() == 2
        tensors = (input, *states) if batched else [t.unsqueeze(0) for t in (input, *states)]
        x, *states = to_dtype(self.weight_ih.dtype, *tensors)
        self._check_sizes(x, states)
        kind = self.nonlinearity if self.cell == "rnn" else None  # may be set anew at any time
        [parameters] = self._engine_parameters(kind)
        final = call(self, Run(parameters, steps=False), x, states)
        if not batched:
            final = [part.squeeze(0) for part in final]
        return tuple(final) if self.cell == "lstm" else final[0]

    def _check_axes(self, x: Any, states: list[Any]) -> None:
        kind = type(self).__name__
        if x.dim() not in (1, 2):
            raise ValueError(f"{kind}: Expected input to be 1D or 2D, got {x.dim()}D instead")
        for k, part in enumerate(states):
            name = f"hx[{k}]" if self.cell == "lstm" else "hidden"
            if part.dim() not in (1, 2):
                raise ValueError(
                    f"{kind}: Expected {name} to be 1D or 2D, got {part.dim()}D instead"
                )

    def _check_sizes(self, x: Any, states: list[Any]) -> None:
        kind = type(self).__name__
        if x.shape[1] != self.input_size:
            raise RuntimeError(
                f"{kind}: input has inconsistent input_size: got {x.shape[1]} expected "
                f"{self.input_size}"
            )
        for k, part in enumerate(states):
            if part.dim() != 2 or tuple(part.shape) != (x.shape[0], self.hidden_size):
                raise RuntimeError(
                    f"{kind}: hidden{k} has shape {tuple(part.shape)}; expected "
                    f"{(x.shape[0], self.hidden_size)} = (batch, hidden_size)"
                )
        if x.dtype != self.weight_ih.dtype:
            raise RuntimeError(
                f"{kind}: input has dtype {x.dtype}; expected {self.weight_ih.dtype}, that of the "
                "parameters"
            )


class LSTMCell(_Cell, torch.nn.LSTMCell):  # type: ignore[misc]
    """A drop-in for torch.nn.LSTMCell: the same arguments, parameters and outputs.

    Parameters
    ----------
    input_size, hidden_size : int
    bias : bool
    device, dtype
        As of `LSTM`.

    Notes
    -----
    A layer over the whole sequence is many times faster than a loop over its steps.

    Examples
    --------
    >>> import torch, tidegate.torch
    >>> h, c = tidegate.torch.LSTMCell(3, 4)(torch.zeros(2, 3))
    >>> h.shape, c.shape
    (torch.Size([2, 4]), torch.Size([2, 4]))
    """

    torch_class, cell = torch.nn.LSTMCell, "lstm"


class GRUCell(_Cell, torch.nn.GRUCell):  # type: ignore[misc]
    """A drop-in for torch.nn.GRUCell; arguments as of `LSTMCell`.

    Examples
    --------
    >>> import torch, tidegate.torch
    >>> tidegate.torch.GRUCell(3, 4)(torch.zeros(3)).shape
    torch.Size([4])
    """

    torch_class, cell = torch.nn.GRUCell, "gru"


class RNNCell(_Cell, torch.nn.RNNCell):  # type: ignore[misc]
    """A drop-in for torch.nn.RNNCell; arguments as of `LSTMCell`, and nonlinearity.

    Examples
    --------
    >>> import torch, tidegate.torch
    >>> tidegate.torch.RNNCell(3, 4, nonlinearity="relu")(torch.zeros(2, 3)).shape
    torch.Size([2, 4])
    """

    torch_class, cell = torch.nn.RNNCell, "rnn"
