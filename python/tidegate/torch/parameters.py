"""The parameters of a module as the engine's CellWeights, which follow when these change.

The arrays are shared; what the engine packed from them is packed anew when

    another tensor, or other memory, takes a parameter's place       (.to, load, weight_norm)
    a tensor's version counter moved                                 (optimisers, copy_, no_grad)
    the values differ from what was packed                           (.data hides from counters)

To compare values costs two reads of them, so it is done where they are few or a call uses them
many times. Elsewhere a backward, train() or flatten_parameters() tells that they may have changed.
"""

from collections.abc import Sequence
from threading import Lock
from typing import Any

import numpy as np
import torch

from tidegate._arrays import FloatArray
from tidegate.weights import CellWeights

Key = list[tuple[Any, int, int]]
FEW_BYTES, MANY_ROWS = 1 << 16, 256
DTYPES = {torch.float32: np.dtype(np.float32), torch.float64: np.dtype(np.float64)}


def check_weight(where: str, name: str, tensor: Any) -> None:
    """Raise unless the engine can read the memory of a parameter."""
    if tensor.dtype not in DTYPES:
        raise TypeError(
            f"{where}: {name} has dtype {tensor.dtype}; expected torch.float32 or torch.float64 "
            "(module.float() converts; torch.nn has the others)."
        )
    if tensor.device.type != "cpu" or tensor.layout != torch.strided:
        kind = tensor.device if tensor.device.type != "cpu" else tensor.layout
        raise RuntimeError(
            f"{where}: {name} is on {kind}; expected a dense tensor on the CPU "
            '(module.to("cpu") moves it; torch.nn has the others).'
        )


class Parameters:
    """CellWeights over the tensors of one module.

    Parameters
    ----------
    where : str
        Starts the error messages.
    cell : {"lstm", "gru", "rnn"}
    names : sequence over the layers of sequence over the directions of dict
        From the array of CellWeights to the name of the module's parameter.
    options : dict
        Of CellWeights.
    """

    def __init__(
        self,
        where: str,
        cell: str,
        names: Sequence[Sequence[dict[str, str]]],
        options: dict[str, Any],
    ) -> None:
        self.where, self.cell, self.options = where, cell, options
        self.names = [list(directions) for directions in names]
        self.flat = [name for layer in names for arrays in layer for name in arrays.values()]
        self.generation = 0  # counts the changes that were seen
        self._key: Key = []
        self._layers: list[list[CellWeights]] = []
        self._arrays: list[FloatArray] = []  # of the layers
        self._bytes = 0
        self._copies: list[bytearray] = []  # of their values when they were packed
        self._knows_values = False
        self._stale = True
        self._lock = Lock()

    def of(self, module: torch.nn.Module) -> list[Any]:
        """Return the module's tensors in the order of `flat`, computed ones included."""
        own = module._parameters
        found = [own.get(name) for name in self.flat]
        for k, tensor in enumerate(found):
            if tensor is None:
                found[k] = getattr(module, self.flat[k])
        return found

    def changed(self) -> None:
        """Tell that the values may differ though no version counter moved."""
        self._stale = True

    def layers(self, tensors: Sequence[Any], rows: int) -> list[list[CellWeights]]:
        """Return the weights that the tensors hold now, for a call over so many rows."""
        # No call waits: in a forked process the thread that holds the lock may not exist.
        if not self._lock.acquire(blocking=False):
            return self.fresh(tensors)
        try:
            return self._followed(tensors, rows)
        finally:
            self._lock.release()

    def _followed(self, tensors: Sequence[Any], rows: int) -> list[list[CellWeights]]:
        """Return what was packed, anew where the values changed."""
        try:
            key = [(t, t.data_ptr(), t._version) for t in tensors]
        except RuntimeError:  # inference tensors have no version
            return self.fresh(tensors)
        if not self._is_same_memory(key):
            self._layers = self.fresh(tensors)
            self._arrays = [a for both in self._layers for w in both for a in w.arrays().values()]
            self._copies, self._bytes = [], sum(array.nbytes for array in self._arrays)
            compares = self._compares(rows)
        else:
            compares = self._compares(rows)
            counted = all(now[2] == was[2] for now, was in zip(key, self._key, strict=True))
            if counted and self._has_same_values(compares):
                self._stale = False
                return self._layers
            for both in self._layers:
                for weights in both:
                    weights.changed()
        self._key, self._stale, self._knows_values = key, False, compares
        if compares:
            self._copy_values()
        self.generation += 1
        return self._layers

    def _compares(self, rows: int) -> bool:
        return rows >= MANY_ROWS or self._bytes <= FEW_BYTES

    def _copy_values(self) -> None:
        if not self._copies:
            self._copies = [bytearray(array.nbytes) for array in self._arrays]
        for copy, array in zip(self._copies, self._arrays, strict=True):
            np.frombuffer(copy, array.dtype).reshape(array.shape)[...] = array

    def _is_same_memory(self, key: Key) -> bool:
        return len(key) == len(self._key) and all(
            t is t0 and at == at0 and t.is_contiguous()
            for (t, at, _), (t0, at0, _) in zip(key, self._key, strict=True)
        )

    def _has_same_values(self, compares: bool) -> bool:
        if not compares:
            return not self._stale
        # bytearray compares itself with the memory of an array.
        return self._knows_values and all(
            copy == array for copy, array in zip(self._copies, self._arrays, strict=True)
        )

    def fresh(self, tensors: Sequence[Any]) -> list[list[CellWeights]]:
        """Return new weights over the tensors, which no other call packs anew."""
        for name, tensor in zip(self.flat, tensors, strict=True):
            check_weight(self.where, name, tensor)
        arrays = iter([tensor.detach().contiguous().numpy() for tensor in tensors])
        return [
            [
                CellWeights.view(
                    self.cell, **{name: next(arrays) for name in names}, **self.options
                )
                for names in directions
            ]
            for directions in self.names
        ]
