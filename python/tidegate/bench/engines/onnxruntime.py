"""ONNX Runtime on an ONNX model; inference only."""

from tidegate.bench.case import Case
from tidegate.bench.engines.engine import Engine as Base
from tidegate.bench.engines.engine import Prepared
from tidegate.bench.engines.onnx_model import onnx_model
from tidegate.bench.problem import Problem


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
        """Make a session; x and y stay where they are."""
        session = self._runtime.InferenceSession(
            onnx_model(problem), self._options, providers=["CPUExecutionProvider"]
        )
        feeds, outputs = {"x": problem.x}, ["y"]
        return Prepared(
            lambda: session.run(outputs, feeds), lambda: {"y": session.run(outputs, feeds)[0]}
        )
