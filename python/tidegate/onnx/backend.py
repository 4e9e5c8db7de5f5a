"""Backend: tidegate under the interface of `onnx.backend`, which its own tests speak."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tidegate._extras import require
from tidegate.layers.types import Array
from tidegate.onnx.loading.graph import graph_of, unsupported
from tidegate.onnx.model import OnnxModel

require("onnx", extra="onnx", purpose="tidegate.onnx.Backend")
from onnx.backend import base  # noqa: E402


class PreparedModel(base.BackendRep):  # type: ignore[misc]  # onnx has no types here
    """A model that is ready to run.

    Parameters
    ----------
    model : OnnxModel
    """

    def __init__(self, model: OnnxModel) -> None:
        self.model = model

    def run(self, inputs: Any, **kwargs: Any) -> tuple[Array, ...]:
        """Return all outputs for a list of inputs, a dict, or one array."""
        if not isinstance(inputs, dict | list | tuple):
            inputs = [inputs]
        return tuple(self.model.run(inputs))


class Backend(base.Backend):  # type: ignore[misc]
    """Run ONNX models with tidegate: `Backend.prepare(model).run(inputs)`.

    Notes
    -----
    `supports_device("CPU")`; `is_compatible(model)` tells whether every operator is supported,
    and `prepare` refuses the others by name with BackendIsNotSupposedToImplementIt.

    Examples
    --------
    >>> Backend.supports_device("CPU"), Backend.supports_device("CUDA")
    (True, False)
    """

    @classmethod
    def is_compatible(cls, model: Any, device: str = "CPU", **kwargs: Any) -> bool:
        """Tell whether the device is the CPU and all operators are supported."""
        return cls.supports_device(device) and not unsupported(model) and not model.functions

    @classmethod
    def prepare(cls, model: Any, device: str = "CPU", **kwargs: Any) -> PreparedModel:
        """Return a model that is ready to run.

        Raises
        ------
        BackendIsNotSupposedToImplementIt
            An operator is not supported.
        ValueError
            The model is wrong, or the device is not the CPU.
        """
        if not cls.supports_device(device):
            raise ValueError(f'Backend: device is {device!r}; expected "CPU".')
        if missing := unsupported(model):
            _refuse(missing)
        super().prepare(model, device, **kwargs)
        try:
            return PreparedModel(OnnxModel(graph_of(model)))
        except ValueError as error:
            raise ValueError(f"Backend: {error}.") from error

    @classmethod
    def run_node(
        cls,
        node: Any,
        inputs: Sequence[Any],
        device: str = "CPU",
        outputs_info: Any = None,
        **kwargs: Any,
    ) -> tuple[Array, ...]:
        """Return the outputs of one node; inputs are those that it names, in order."""
        helper = require("onnx.helper", extra="onnx", purpose="Backend.run_node")
        names = [name for name in dict.fromkeys(node.input) if name]
        if len(inputs) != len(names):
            raise ValueError(
                f"Backend.run_node: there are {len(inputs)} inputs; expected {len(names)}, as the "
                f"{node.op_type} node names."
            )
        arrays = [np.asarray(array) for array in inputs]
        types = [helper.np_dtype_to_tensor_dtype(array.dtype) for array in arrays]
        graph = helper.make_graph(
            [node],
            "node",
            [
                helper.make_tensor_value_info(name, kind, array.shape)
                for name, kind, array in zip(names, types, arrays, strict=True)
            ],
            [
                helper.make_tensor_value_info(name, types[0] if types else 1, None)
                for name in node.output
                if name
            ],
        )
        opset = kwargs.get("opset_version", 22)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
        if missing := unsupported(model):
            _refuse(missing)
        return tuple(OnnxModel(graph_of(model)).run(arrays))

    @classmethod
    def supports_device(cls, device: str) -> bool:
        """Tell whether the device is the CPU."""
        return device == "CPU" or device.startswith("CPU:")


def _refuse(operators: Sequence[str]) -> None:
    runner = require("onnx.backend.test.runner", extra="onnx", purpose="Backend")
    raise runner.BackendIsNotSupposedToImplementIt(
        f"Backend: the operator {operators[0]} is not supported."
    )
