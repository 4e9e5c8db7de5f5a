"""ONNX Runtime on an ONNX model; inference only."""

import numpy as np

from tidegate.bench.case import Case
from tidegate.bench.engines.engine import Engine as Base
from tidegate.bench.engines.engine import Prepared
from tidegate.bench.engines.onnx_model import from_onnx, onnx_inputs, onnx_model, output_shape
from tidegate.bench.problem import Arrays, Problem


class Engine(Base):
    """See `tidegate.bench.engines.engine.Engine`."""

    def __init__(self, threads: int) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        options.add_session_config_entry("session.set_denormal_as_zero", "1")
        options.log_severity_level = 3
        self._runtime, self._options = onnxruntime, options

    @staticmethod
    def refusal(case: Case) -> str | None:
        """Inference in float32."""
        if case.training:
            return "ONNX Runtime's package has no training"
        if case.dtype != "float32":
            return "ONNX Runtime's recurrent operators are float32 only"
        return None

    def prepare(self, problem: Problem) -> Prepared:
        """Make a session, with x and y bound to fixed places: its quickest call."""
        session = self._runtime.InferenceSession(
            onnx_model(problem), self._options, providers=["CPUExecutionProvider"]
        )
        binding = session.io_binding()
        value = self._runtime.OrtValue.ortvalue_from_numpy
        inputs, y = onnx_inputs(problem), np.empty(output_shape(problem.case), np.float32)
        for name, array in inputs.items():
            binding.bind_ortvalue_input(name, value(array))
        binding.bind_ortvalue_output("y", value(y))

        def run() -> Arrays:
            session.run_with_iobinding(binding)
            return inputs  # a binding does not keep arrays alive; this function does

        def result() -> Arrays:
            run()
            return {"y": from_onnx(y)}

        return Prepared(run, result)
