"""OpenVINO on the ONNX model that ONNX Runtime gets; inference only."""

from typing import Any

from tidegate.bench.case import Case
from tidegate.bench.engines.engine import Engine as Base
from tidegate.bench.engines.engine import Prepared
from tidegate.bench.engines.onnx_model import from_onnx, onnx_inputs, onnx_model
from tidegate.bench.problem import Problem


class Engine(Base):
    """See `tidegate.bench.engines.engine.Engine`."""

    def __init__(self, threads: int) -> None:
        import openvino

        self._core = openvino.Core()
        self._options = {
            "INFERENCE_PRECISION_HINT": "f32",
            "INFERENCE_NUM_THREADS": threads,
            "PERFORMANCE_HINT": "LATENCY",
            "CPU_DENORMALS_OPTIMIZATION": True,
        }

    @staticmethod
    def refusal(case: Case) -> str | None:
        """Inference in float32, without peepholes."""
        if case.training:
            return "OpenVINO has no training"
        if case.dtype != "float32":
            return "OpenVINO's CPU plugin computes in float32 at most"
        if case.cell.peephole:
            return "OpenVINO reads an ONNX LSTM without its peepholes"
        return None

    def prepare(self, problem: Problem) -> Prepared:
        """Compile the model; x and y are shared, not copied."""
        model = self._core.read_model(onnx_model(problem), b"")
        request = self._core.compile_model(model, "CPU", self._options).create_infer_request()
        inputs = onnx_inputs(problem)

        def run() -> Any:
            return request.infer(inputs, share_inputs=True, share_outputs=True)

        return Prepared(run, lambda: {"y": from_onnx(run()[0]).copy()})
