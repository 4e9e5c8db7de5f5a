"""Model: layers connected as a graph, with Keras's interface."""

from typing import Any

import numpy as np

from tidegate.layers import checks
from tidegate.layers.call import Call
from tidegate.layers.masked_input import masked_input, require_steps
from tidegate.layers.several import Several
from tidegate.layers.types import Array, Dtype
from tidegate.models import graph
from tidegate.models.base import BaseModel, as_samples


class Model(BaseModel):
    """Layers that were called on Inputs and on what other layers returned.

    Parameters
    ----------
    inputs : Input or list of Input
    outputs : tensor
        What the last layer returned.
    name : str
    seed : int, optional
        As in Sequential.

    Attributes
    ----------
    layers : list of Layer
        In the order in which they run first. A layer that was called twice is here once: its calls
        share the weights, and their gradients add up.
    input_names : list of str
    input_shape : tuple of int or None; of such tuples where there are several inputs
    output_shape : tuple of int or None

    Raises
    ------
    ValueError
        The output needs another Input, or not all of these; or a layer is in another model, or
        used beside a wrapper that has it inside.
    TypeError
        Something is no Input, or no tensor.

    Notes
    -----
    With several inputs, `fit`, `evaluate` and `predict` take x as a list in the order of `inputs`,
    or as a dict by their names; lengths and masks too.

    Examples
    --------
    >>> from tidegate.layers import LSTM, Concatenate, Dense, Input
    >>> series, facts = Input((None, 2), name="series"), Input((3,), name="facts")
    >>> joined = Concatenate()([LSTM(8)(series), Dense(4, "relu")(facts)])
    >>> model = Model([series, facts], Dense(1)(joined), seed=0)
    >>> model.predict({"series": np.zeros((5, 7, 2)), "facts": np.zeros((5, 3))}).shape
    (5, 1)
    """

    def __init__(
        self, inputs: Any, outputs: Any, name: str = "model", *, seed: int | None = None
    ) -> None:
        super().__init__(name, seed)
        self.connect(inputs, outputs)
        self.initialise()

    @classmethod
    def connected(cls, inputs: Any, outputs: Any, name: str, seed: int) -> "Model":
        """Return a model without memory for parameters; `allocate` comes next."""
        model = cls.__new__(cls)
        BaseModel.__init__(model, name, seed)
        model.connect(inputs, outputs)
        return model

    def connect(self, inputs: Any, outputs: Any) -> None:
        """Take the layers between inputs and outputs; their shapes are known."""
        where = "Model"
        self.inputs = graph.as_inputs(where, inputs)
        output = graph.as_output(where, outputs)
        self.input_names = graph.input_names(where, self.inputs)
        uses = graph.trace(where, self.inputs, output)
        self._calls, places = graph.calls_of(self.inputs, uses)
        self._output_place = places[id(output)]
        self.input_count = len(self.inputs)
        graph.require_runnable(where, self._calls, self.input_count)
        try:
            for layer in {id(use.layer): use.layer for use in uses}.values():
                self.take(where, layer)
        except ValueError:
            self.layers = []
            raise
        self._shapes = [out.shape for use in uses for out in use.outputs[:1]]
        shapes: Any = tuple(entry.shape for entry in self.inputs)
        self.input_shape = shapes[0] if self.input_count == 1 else shapes
        self.output_shape = output.shape
        self._feeding = [graph.feeding(self._calls, k) for k in range(self.input_count)]

    def calls(self) -> list[Call]:
        """See Stack."""
        return self._calls

    @property
    def output_place(self) -> int:
        """See Stack."""
        return self._output_place

    @property
    def output_dtype(self) -> Dtype:
        """Dtype of the output."""
        dtypes: dict[int, Dtype] = {}
        for k, layers in enumerate(self._feeding):
            dtypes[k] = np.result_type(*(x.dtype if x.parameters else "f4" for x in layers))
        for layer, sources, targets in self._calls:
            merged = np.result_type(*(dtypes[source] for source in sources))
            for target in targets:
                dtypes[target] = layer.dtype if layer.parameters else merged
        return dtypes[self._output_place]

    # -- inputs ------------------------------------------------------------------------------------

    def prepare_input(
        self, where: str, x: Any, lengths: Any = None, mask: Any = None
    ) -> tuple[Any, Any]:
        """Return x as the first layers take it, and the masks: for several inputs, Several."""
        if self.input_count == 1:
            if isinstance(x, dict):
                x = self._by_name(where, "x", x)[0]
            return self._prepare_one(where, "x", 0, x, lengths, mask)
        parts = self._by_name(where, "x", x)
        given = [
            self._by_name(where, name, v) for name, v in (("lengths", lengths), ("mask", mask))
        ]
        arrays: list[Array] = []
        masks: list[Array | None] = []
        for k, name in enumerate(self.input_names):
            array, steps = self._prepare_one(
                where, f"x[{name!r}]", k, parts[k], given[0][k], given[1][k]
            )
            if arrays and len(array) != len(arrays[0]):
                raise ValueError(
                    f"{where}: x[{name!r}] has {len(array)} samples; expected {len(arrays[0])}, as "
                    f"x[{self.input_names[0]!r}] has."
                )
            arrays.append(array)
            masks.append(steps)
        return Several(arrays), (None if all(steps is None for steps in masks) else Several(masks))

    def _prepare_one(
        self, where: str, name: str, k: int, x: Any, lengths: Any, mask: Any
    ) -> tuple[Array, Array | None]:
        """Return one input and its mask."""
        x, steps = masked_input(where, x, lengths, mask)
        arrays = [layer.prepare(where, x, name) for layer in self._feeding[k]]
        array = max(arrays, key=lambda prepared: prepared.itemsize)  # each reader casts it down
        array = as_samples(where, name, array, self.inputs[k].shape)
        if steps is not None:
            require_steps(where, array, self._feeding[k][0].feature_axes)
        return array, steps

    def _by_name(self, where: str, argument: str, given: Any) -> list[Any]:
        """Return one entry for each input, of a dict or a list."""
        names = self.input_names
        listed = ", ".join(repr(name) for name in names)
        if isinstance(given, dict):
            if unknown := [key for key in given if key not in names]:
                raise ValueError(
                    f"{where}: {argument} has the key {unknown[0]!r}; expected the inputs {listed}."
                )
            missing = [name for name in names if name not in given]
            if missing and argument == "x":
                raise ValueError(
                    f"{where}: x lacks the input {missing[0]!r}; expected all of {listed}."
                )
            return [given.get(name) for name in names]
        if given is None and argument != "x":
            return [None] * len(names)
        if not isinstance(given, list | tuple):
            raise TypeError(
                f"{where}: {argument} is a {type(given).__name__}; expected a list or dict "
                f"with one entry for each of the inputs {listed}."
            )
        if len(given) != len(names):
            raise ValueError(
                f"{where}: {argument} has {len(given)} entries; expected {len(names)}, for the "
                f"inputs {listed}."
            )
        return list(given)

    # -- shown -------------------------------------------------------------------------------------

    def summary_rows(self) -> list[tuple[Any, ...]]:
        """See BaseModel; what a layer is connected to stands beside its type."""
        names = dict(enumerate(self.input_names))
        rows: list[tuple[Any, ...]] = [
            (f"{name} (Input)", entry.shape, None)
            for name, entry in zip(self.input_names, self.inputs, strict=True)
        ]
        seen: set[int] = set()
        for (layer, sources, targets), shape in zip(self._calls, self._shapes, strict=True):
            names |= dict.fromkeys(targets, layer.name)
            of = ", ".join(names[source] for source in sources)
            first = id(layer) not in seen
            seen.add(id(layer))
            text = f"{layer.name} ({type(layer).__name__}) of {of}"
            rows.append((text, shape, layer if first else None))
        return rows

    def __repr__(self) -> str:
        """Return the name, the inputs, the layers and the shape of the output."""
        kinds = ", ".join(type(layer).__name__ for layer in self.layers)
        return (
            f"<Model {self.name!r} of [{', '.join(self.input_names)}] through [{kinds}], output "
            f"{checks.shape_text(self.output_shape)}>"
        )
