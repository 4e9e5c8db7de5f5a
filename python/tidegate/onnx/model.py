"""OnnxModel: the graph of an ONNX file, run node by node; its recurrent nodes by the engine."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from tidegate.layers import checks
from tidegate.layers.types import Array, Shape
from tidegate.onnx.loading.graph import Entry, Graph
from tidegate.onnx.operators import OPERATORS, Node
from tidegate.onnx.operators.node import FREE_ELEMENTS

Inputs = Mapping[str, Any] | Sequence[Any]


class OnnxModel:
    """What `tidegate.onnx.load` returns: a model for inference.

    Attributes
    ----------
    input_names, output_names : tuple of str
    input_shapes, output_shapes : dict
        By name: sizes of all axes, None or a word where any size is right; None if the file does
        not say.

    Notes
    -----
    Recurrent nodes run on tidegate's engine, the others in NumPy. A model is not changed by
    running: several threads may use it at once.
    """

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self.input_names = tuple(entry.name for entry in graph.inputs)
        self.output_names = tuple(entry.name for entry in graph.outputs)
        self.input_shapes = {entry.name: entry.shape for entry in graph.inputs}
        self.output_shapes = {entry.name: entry.shape for entry in graph.outputs}
        self._constants = dict(graph.constants)
        self._steps: list[tuple[Node, Any, tuple[str, ...]]] = []
        free = FREE_ELEMENTS  # of all that is computed beforehand
        for node in graph.nodes:
            run = self._prepared(node)
            if free and all(name in self._constants for name in node.inputs if name):
                outputs = _outputs(node, run, self._constants)
                size = sum(array.size for array in outputs.values())
                if size <= free:
                    self._constants |= outputs
                    free -= size
                    continue
                free = 0
            self._steps.append((node, run, ()))
        self._forget()

    def _prepared(self, node: Node) -> Any:
        operator = OPERATORS[node.op]
        if operator.prepare is None:
            return partial(operator.run, node)
        try:
            return operator.prepare(node, self._constants)
        except (ValueError, TypeError, OverflowError) as error:
            raise ValueError(f"{node}: {error}") from error

    def _forget(self) -> None:
        """Note after which step no other reads an array."""
        needed = set(self.output_names)
        for k in reversed(range(len(self._steps))):
            node, run, _ = self._steps[k]
            gone = {name for name in (*node.inputs, *node.outputs) if name} - needed
            needed |= gone
            self._steps[k] = (node, run, tuple(gone - set(self._constants)))

    def predict(self, *inputs: Any) -> Any:
        """Return the output for the inputs, in the order of `input_names`.

        Parameters
        ----------
        inputs : arrays
            Of the shapes in `input_shapes`; numbers are converted to the element type of the file.

        Returns
        -------
        array, or a tuple of arrays where the file has several outputs

        Raises
        ------
        ValueError
            An input is missing, or its shape does not fit; or a node cannot compute what it gets:
            the message names the node.
        TypeError
            An input is no array of numbers.
        """
        outputs = self._run("predict", inputs)
        return outputs[0] if len(outputs) == 1 else tuple(outputs)

    def run(self, inputs: Inputs) -> list[Array]:
        """Return all outputs, in the order of `output_names`.

        Parameters
        ----------
        inputs : list of arrays, or dict by name
        """
        return self._run("run", inputs)

    def _run(self, where: str, inputs: Inputs) -> list[Array]:
        values = {**self._constants, **self._named(where, inputs)}
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            for node, run, gone in self._steps:
                try:
                    values |= _outputs(node, run, values)
                except ValueError as error:
                    raise ValueError(f"{where}: {error}.") from error
                for name in gone:
                    values.pop(name, None)
        return [np.array(values[name], order="C") for name in self.output_names]

    def _named(self, where: str, inputs: Inputs) -> dict[str, Array]:
        """Return the inputs by name, checked."""
        listed = ", ".join(repr(name) for name in self.input_names)
        if not isinstance(inputs, Mapping | list | tuple):
            raise TypeError(
                f"{where}: inputs is {type(inputs).__name__}; expected a list of arrays, or a dict "
                f"by name, of {listed}."
            )
        if isinstance(inputs, Mapping):
            if wrong := set(inputs) ^ set(self.input_names):
                raise ValueError(
                    f"{where}: the input {min(map(str, wrong))!r} is missing or unknown; expected "
                    f"{listed}."
                )
            inputs = [inputs[name] for name in self.input_names]
        if len(inputs) != len(self.input_names):
            raise ValueError(
                f"{where}: there are {len(inputs)} inputs; expected {len(self.input_names)}: "
                f"{listed}."
            )
        arrays = {
            entry.name: _prepare(where, entry, given)
            for entry, given in zip(self._graph.inputs, inputs, strict=True)
        }
        _require_agreement(where, self.input_shapes, arrays)
        return arrays

    def __reduce__(self) -> Any:
        """Copy and pickle what the file said; it is prepared anew."""
        return OnnxModel, (self._graph,)

    def __repr__(self) -> str:
        """Return inputs and outputs."""
        shapes = self.input_shapes | self.output_shapes
        inputs, outputs = (
            ", ".join(f"{name}{_shape_text(shapes[name])}" for name in names)
            for names in (self.input_names, self.output_names)
        )
        return f"<OnnxModel of {len(self._graph.nodes)} nodes: {inputs} to {outputs}>"


def _shape_text(shape: Any) -> str:
    return "" if shape is None else f" ({', '.join('?' if n is None else str(n) for n in shape)})"


def _outputs(node: Node, run: Any, values: Mapping[str, Array]) -> dict[str, Array]:
    """Return what one node writes."""
    arguments = [values[name] if name else None for name in node.inputs]
    try:
        result = run(*arguments)
    except (ValueError, TypeError, IndexError, OverflowError, MemoryError) as error:
        text = str(error).rstrip(".") or "there is not enough memory"
        raise ValueError(f"{node}: {text}") from error
    listed = result if isinstance(result, tuple) else (result,)
    return {
        name: np.asarray(array) for name, array in zip(node.outputs, listed, strict=False) if name
    }


def _prepare(where: str, entry: Entry, given: Any) -> Array:
    """Return an input in the dtype of the file; raise where its shape does not fit."""
    array = checks.numeric(where, entry.name, given)
    if entry.dtype.kind != "f" and array.dtype.kind == "f":
        whole = np.isfinite(array) & (array == np.trunc(array))
        if not whole.all():
            raise ValueError(
                f"{where}: {entry.name} has fractions, NaN or inf; expected {entry.dtype}."
            )
    if entry.dtype.kind in "iu" and array.size and array.dtype.kind != "b":
        ends = np.iinfo(entry.dtype)
        for value in (array.min(), array.max()):
            if not ends.min <= int(value) <= ends.max:
                raise ValueError(
                    f"{where}: {entry.name} has the value {value}, which {entry.dtype} cannot hold."
                )
    with np.errstate(over="ignore"):  # too large for float32 is inf, as in other runtimes
        array = array.astype(entry.dtype, copy=False)
    expected = entry.shape
    if expected is not None and not _fits(array.shape, expected):
        raise ValueError(
            f"{where}: {entry.name} has shape {array.shape}; expected{_shape_text(expected)}."
        )
    return array


def _require_agreement(where: str, shapes: Mapping[str, Any], arrays: dict[str, Array]) -> None:
    """Raise where inputs differ in a size that the file calls by the same word."""
    first: dict[str, tuple[str, int]] = {}
    for name, array in arrays.items():
        for word, size in zip(shapes[name] or (), array.shape, strict=False):
            # Some exporters write "?" for all sizes that they do not know.
            if not isinstance(word, str) or not word.isidentifier():
                continue
            other, expected = first.setdefault(word, (name, size))
            if size != expected:
                raise ValueError(
                    f"{where}: {name} has shape {array.shape}; expected"
                    f"{_shape_text(shapes[name])} with {word} = {expected}, as {other} has."
                )


def _fits(shape: Shape, expected: tuple[Any, ...]) -> bool:
    return len(shape) == len(expected) and all(
        not isinstance(known, int) or size == known
        for size, known in zip(shape, expected, strict=True)
    )
