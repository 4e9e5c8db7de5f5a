# Written by tests/stubs.py; do not edit.
"""
Compiled core of tidegate for one ISA level (private).
"""
from __future__ import annotations
import collections.abc
import numpy
import numpy.typing
import typing
__all__: list[str] = ['FlatSlots32', 'FlatSlots64', 'LayerStream32', 'LayerStream64', 'LayerWeights32', 'LayerWeights64', 'SavedDirections32', 'SavedDirections64', 'SavedLayer32', 'SavedLayer64', 'SavedStack32', 'SavedStack64', 'ScheduleTrial', 'Validity', 'build_config', 'directions_forward32', 'directions_forward64', 'fma_peak32', 'fma_peak64', 'num_threads', 'openmp_max_threads', 'read_bandwidth', 'set_num_threads', 'squared_norm', 'stack_forward32', 'stack_forward64']
class Validity:
    def __init__(self, lengths: numpy.typing.NDArray[numpy.int64] | None, mask: numpy.typing.NDArray[numpy.bool] | None, masked_output: str) -> None:
        ...
class LayerWeights32:
    def __init__(self, options: dict, arrays: dict) -> None:
        """
        Both by name; see cell_options and weight_fields.
        """
    def changed(self) -> None:
        """
        Pack again before the next call.
        """
    def forward(self, x: numpy.typing.NDArray[numpy.float32], h0: numpy.typing.NDArray[numpy.float32] | None, c0: numpy.typing.NDArray[numpy.float32] | None, valid: Validity, training: typing.Any, batch_first: typing.Any, return_sequences: typing.Any, go_backwards: typing.Any, scale: numpy.typing.NDArray[numpy.float32] | None, product_only: bool, keep: numpy.typing.NDArray[numpy.float32] | None, return_cell_states: typing.Any, recompute_every: typing.SupportsInt | typing.SupportsIndex, memory: numpy.typing.NDArray[numpy.float32] | None) -> tuple:
        ...
class SavedLayer32:
    def backward(self, dy: numpy.typing.NDArray[numpy.float32] | None, dh_last: numpy.typing.NDArray[numpy.float32] | None, dc_last: numpy.typing.NDArray[numpy.float32] | None, need_dx: typing.Any, out: LayerWeights32, need_dscale: bool, dcell_states: numpy.typing.NDArray[numpy.float32] | None, need_dmemory: bool) -> tuple:
        ...
class LayerWeights64:
    def __init__(self, options: dict, arrays: dict) -> None:
        """
        Both by name; see cell_options and weight_fields.
        """
    def changed(self) -> None:
        """
        Pack again before the next call.
        """
    def forward(self, x: numpy.typing.NDArray[numpy.float64], h0: numpy.typing.NDArray[numpy.float64] | None, c0: numpy.typing.NDArray[numpy.float64] | None, valid: Validity, training: typing.Any, batch_first: typing.Any, return_sequences: typing.Any, go_backwards: typing.Any, scale: numpy.typing.NDArray[numpy.float64] | None, product_only: bool, keep: numpy.typing.NDArray[numpy.float64] | None, return_cell_states: typing.Any, recompute_every: typing.SupportsInt | typing.SupportsIndex, memory: numpy.typing.NDArray[numpy.float64] | None) -> tuple:
        ...
class SavedLayer64:
    def backward(self, dy: numpy.typing.NDArray[numpy.float64] | None, dh_last: numpy.typing.NDArray[numpy.float64] | None, dc_last: numpy.typing.NDArray[numpy.float64] | None, need_dx: typing.Any, out: LayerWeights64, need_dscale: bool, dcell_states: numpy.typing.NDArray[numpy.float64] | None, need_dmemory: bool) -> tuple:
        ...
class SavedStack32:
    def backward(self, dy: numpy.typing.NDArray[numpy.float32] | None, dstates: list[tuple[numpy.typing.NDArray[numpy.float32] | None, numpy.typing.NDArray[numpy.float32] | None]], need_dx: typing.Any, out: collections.abc.Sequence[LayerWeights32]) -> tuple:
        ...
class SavedDirections32:
    def backward(self, dy: numpy.typing.NDArray[numpy.float32] | None, dstates: list[tuple[numpy.typing.NDArray[numpy.float32] | None, numpy.typing.NDArray[numpy.float32] | None]], need_dx: typing.Any, out: collections.abc.Sequence[LayerWeights32]) -> tuple:
        ...
class SavedStack64:
    def backward(self, dy: numpy.typing.NDArray[numpy.float64] | None, dstates: list[tuple[numpy.typing.NDArray[numpy.float64] | None, numpy.typing.NDArray[numpy.float64] | None]], need_dx: typing.Any, out: collections.abc.Sequence[LayerWeights64]) -> tuple:
        ...
class SavedDirections64:
    def backward(self, dy: numpy.typing.NDArray[numpy.float64] | None, dstates: list[tuple[numpy.typing.NDArray[numpy.float64] | None, numpy.typing.NDArray[numpy.float64] | None]], need_dx: typing.Any, out: collections.abc.Sequence[LayerWeights64]) -> tuple:
        ...
class LayerStream32:
    def __init__(self, weights: LayerWeights32, h: numpy.typing.NDArray[numpy.float32], c: numpy.typing.NDArray[numpy.float32] | None, finite_only: bool, keep: typing.SupportsFloat | typing.SupportsIndex) -> None:
        ...
    def step(self, x_t: typing.Any) -> typing.Any:
        """
        Run one step: h and c are updated, h is returned.
        """
class LayerStream64:
    def __init__(self, weights: LayerWeights64, h: numpy.typing.NDArray[numpy.float64], c: numpy.typing.NDArray[numpy.float64] | None, finite_only: bool, keep: typing.SupportsFloat | typing.SupportsIndex) -> None:
        ...
    def step(self, x_t: typing.Any) -> typing.Any:
        """
        Run one step: h and c are updated, h is returned.
        """
class FlatSlots32:
    def __init__(self, values: numpy.typing.NDArray[numpy.float32] | None, gradients: numpy.typing.NDArray[numpy.float32] | None, left: list[numpy.typing.NDArray[numpy.float32] | None], right: list[numpy.typing.NDArray[numpy.float32] | None]) -> None:
        ...
    def adam(self, side: bool, keep: typing.SupportsFloat | typing.SupportsIndex, rest_1: typing.SupportsFloat | typing.SupportsIndex, rest_2: typing.SupportsFloat | typing.SupportsIndex, epsilon: typing.SupportsFloat | typing.SupportsIndex, size: typing.SupportsFloat | typing.SupportsIndex) -> None:
        ...
    def rmsprop(self, side: bool, keep: typing.SupportsFloat | typing.SupportsIndex, rho: typing.SupportsFloat | typing.SupportsIndex, epsilon: typing.SupportsFloat | typing.SupportsIndex, momentum: typing.SupportsFloat | typing.SupportsIndex, centered: bool, rate: typing.SupportsFloat | typing.SupportsIndex) -> None:
        ...
    def sgd(self, side: bool, keep: typing.SupportsFloat | typing.SupportsIndex, momentum: typing.SupportsFloat | typing.SupportsIndex, nesterov: bool, rate: typing.SupportsFloat | typing.SupportsIndex) -> None:
        ...
class FlatSlots64:
    def __init__(self, values: numpy.typing.NDArray[numpy.float64] | None, gradients: numpy.typing.NDArray[numpy.float64] | None, left: list[numpy.typing.NDArray[numpy.float64] | None], right: list[numpy.typing.NDArray[numpy.float64] | None]) -> None:
        ...
    def adam(self, side: bool, keep: typing.SupportsFloat | typing.SupportsIndex, rest_1: typing.SupportsFloat | typing.SupportsIndex, rest_2: typing.SupportsFloat | typing.SupportsIndex, epsilon: typing.SupportsFloat | typing.SupportsIndex, size: typing.SupportsFloat | typing.SupportsIndex) -> None:
        ...
    def rmsprop(self, side: bool, keep: typing.SupportsFloat | typing.SupportsIndex, rho: typing.SupportsFloat | typing.SupportsIndex, epsilon: typing.SupportsFloat | typing.SupportsIndex, momentum: typing.SupportsFloat | typing.SupportsIndex, centered: bool, rate: typing.SupportsFloat | typing.SupportsIndex) -> None:
        ...
    def sgd(self, side: bool, keep: typing.SupportsFloat | typing.SupportsIndex, momentum: typing.SupportsFloat | typing.SupportsIndex, nesterov: bool, rate: typing.SupportsFloat | typing.SupportsIndex) -> None:
        ...
class ScheduleTrial:
    def __init__(self, cell: str, steps: typing.SupportsInt | typing.SupportsIndex, batch: typing.SupportsInt | typing.SupportsIndex, inputs: typing.SupportsInt | typing.SupportsIndex, hidden: typing.SupportsInt | typing.SupportsIndex, threads: typing.SupportsInt | typing.SupportsIndex) -> None:
        ...
    def alternatives(self, pass_name: str) -> list:
        """
        Schedules of a pass (inference, saving, backward) as dicts, the chosen one first.
        """
    def best_seconds(self, pass_name: str, alternative: typing.SupportsInt | typing.SupportsIndex, seconds: typing.SupportsFloat | typing.SupportsIndex) -> float:
        """
        Least time of the alternative of this index, of runs that take `seconds` together.
        """
def build_config() -> dict:
    """
    How this module was built, as a dict.
    """
def directions_forward32(weights: collections.abc.Sequence[LayerWeights32], x: numpy.typing.NDArray[numpy.float32], states: list[tuple[numpy.typing.NDArray[numpy.float32] | None, numpy.typing.NDArray[numpy.float32] | None]], valid: Validity, training: typing.Any, batch_first: typing.Any, return_sequences: typing.Any, recompute_every: typing.SupportsInt | typing.SupportsIndex) -> tuple:
    ...
def directions_forward64(weights: collections.abc.Sequence[LayerWeights64], x: numpy.typing.NDArray[numpy.float64], states: list[tuple[numpy.typing.NDArray[numpy.float64] | None, numpy.typing.NDArray[numpy.float64] | None]], valid: Validity, training: typing.Any, batch_first: typing.Any, return_sequences: typing.Any, recompute_every: typing.SupportsInt | typing.SupportsIndex) -> tuple:
    ...
def fma_peak32(seconds: typing.SupportsFloat | typing.SupportsIndex, threads: typing.SupportsInt | typing.SupportsIndex) -> float:
    """
    Peak GFLOP/s of float32 multiply-adds on this ISA level.
    """
def fma_peak64(seconds: typing.SupportsFloat | typing.SupportsIndex, threads: typing.SupportsInt | typing.SupportsIndex) -> float:
    """
    Peak GFLOP/s of float64 multiply-adds on this ISA level.
    """
def num_threads() -> int:
    """
    How many threads a call may use now.
    """
def openmp_max_threads() -> int:
    """
    omp_get_max_threads() of the calling thread; 0 in a serial build.
    """
def read_bandwidth(bytes_per_thread: typing.SupportsInt | typing.SupportsIndex, seconds: typing.SupportsFloat | typing.SupportsIndex, threads: typing.SupportsInt | typing.SupportsIndex) -> float:
    """
    GB/s at which `threads` threads together read private buffers of this size again and again.
    """
def set_num_threads(count: typing.SupportsInt | typing.SupportsIndex) -> None:
    """
    As checked by tidegate.set_num_threads.
    """
@typing.overload
def squared_norm(gradient: numpy.typing.NDArray[numpy.float32] | None) -> float:
    ...
@typing.overload
def squared_norm(gradient: numpy.typing.NDArray[numpy.float64] | None) -> float:
    ...
def stack_forward32(weights: collections.abc.Sequence[LayerWeights32], x: numpy.typing.NDArray[numpy.float32], states: list[tuple[numpy.typing.NDArray[numpy.float32] | None, numpy.typing.NDArray[numpy.float32] | None]], valid: Validity, training: typing.Any, batch_first: typing.Any, return_sequences: typing.Any, recompute_every: typing.SupportsInt | typing.SupportsIndex) -> tuple:
    ...
def stack_forward64(weights: collections.abc.Sequence[LayerWeights64], x: numpy.typing.NDArray[numpy.float64], states: list[tuple[numpy.typing.NDArray[numpy.float64] | None, numpy.typing.NDArray[numpy.float64] | None]], valid: Validity, training: typing.Any, batch_first: typing.Any, return_sequences: typing.Any, recompute_every: typing.SupportsInt | typing.SupportsIndex) -> tuple:
    ...
