"""TensorFlow: Keras layers in a tf.function, with and without XLA, and TensorFlow's own BlockLSTM.

None of them is the quickest at every shape: each case gets the best.
"""

import os
from collections.abc import Iterator
from typing import Any

from tidegate._arrays import FloatArray
from tidegate.bench.case import Case
from tidegate.bench.engines.engine import Engine as Base
from tidegate.bench.engines.engine import Prepared, fastest
from tidegate.bench.engines.tensorflow_layers import BlockLstm, KerasLayers, has_block_lstm
from tidegate.bench.problem import Arrays, Problem


class Engine(Base):
    """See `tidegate.bench.engines.engine.Engine`. TensorFlow flushes denormals by itself."""

    def __init__(self, threads: int) -> None:
        os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
        os.environ["KERAS_BACKEND"] = "tensorflow"
        import tensorflow

        tensorflow.config.threading.set_intra_op_parallelism_threads(threads)
        tensorflow.config.threading.set_inter_op_parallelism_threads(threads)
        self._tf = tensorflow

    @staticmethod
    def refusal(case: Case) -> str | None:
        """Peepholes exist in BlockLSTM alone."""
        if case.cell.peephole and not has_block_lstm(case):
            return "TensorFlow has peepholes in one float32 layer and direction only"
        return None

    def prepare(self, problem: Problem) -> Prepared:
        """Trace and compile every way to run a case, and take the quickest."""
        return fastest(self._variants(problem))

    def _variants(self, problem: Problem) -> Iterator[Prepared]:
        if not problem.case.cell.peephole:
            layers = KerasLayers(problem)
            for compiled in (False, True):
                yield self._prepared(problem, layers, compiled)
        if has_block_lstm(problem.case):
            yield self._prepared(problem, BlockLstm(problem), compiled=False)

    def _prepared(
        self, problem: Problem, layers: KerasLayers | BlockLstm, compiled: bool
    ) -> Prepared:
        """Make the functions of one way to run a case."""
        tf = self._tf

        def time_first(array: FloatArray) -> FloatArray:  # to and from the layout of the layers
            return array.swapaxes(0, 1) if layers.batch_first else array

        def gradients(x: Any, dy: Any) -> Any:
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = layers.forward(x)
            return tape.gradient(y, [x, *layers.variables], output_gradients=dy)

        x = tf.constant(time_first(problem.x))
        if not problem.case.training:
            infer = tf.function(layers.forward, jit_compile=compiled)
            return Prepared(lambda: infer(x), lambda: {"y": time_first(infer(x).numpy())})
        dy = tf.constant(time_first(problem.dy))
        train = tf.function(gradients, jit_compile=compiled)

        def result() -> Arrays:
            dx, *dvariables = (gradient.numpy() for gradient in train(x, dy))
            return {"x": time_first(dx)} | layers.named(dvariables)

        return Prepared(lambda: train(x, dy), result)
