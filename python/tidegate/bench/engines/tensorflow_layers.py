"""The two ways to write a case in TensorFlow, with the weights of a problem."""

from typing import Any

import numpy as np

from tidegate._arrays import FloatArray
from tidegate.bench.case import Case
from tidegate.bench.problem import Arrays, Problem, gradient_name
from tidegate.weights import to_keras, to_tensorflow
from tidegate.weights.gate_orders import KERAS, OURS, TENSORFLOW, reordered


def has_block_lstm(case: Case) -> bool:
    """Tell whether BlockLSTM can run a case."""
    kind = case.cell
    single = case.layers == 1 and not case.bidirectional and case.dtype == "float32"
    single = single and not case.ragged  # it has one length for the whole batch
    return single and kind.cell == "lstm" and kind.activation == "tanh"


class KerasLayers:
    """Stacked Keras layers; sequences are batch first, as everywhere in Keras.

    Where lengths differ, the layers take a mask.
    """

    batch_first = True

    def __init__(self, problem: Problem) -> None:
        import tensorflow as tf

        self._case, self._problem = problem.case, problem
        self._state = [tf.constant(part) for part in problem.state]
        self._mask: Any = None
        if problem.lengths is not None:
            self._mask = tf.sequence_mask(problem.lengths, problem.case.steps)
        self._layers = [self._layer(layer) for layer in range(problem.case.layers)]
        self.variables = [v for layer in self._layers for v in layer.trainable_variables]

    def _layer(self, layer: int) -> Any:
        """Make a built layer that has its weights."""
        import keras

        case = self._case
        kind = {"lstm": "LSTM", "gru": "GRU", "rnn": "SimpleRNN"}[case.cell.cell]
        options = {"reset_after": case.cell.reset_after} if case.cell.cell == "gru" else {}
        made = getattr(keras.layers, kind)(
            case.hidden,
            activation=case.cell.activation,
            return_sequences=True,
            zero_output_for_mask=True,
            dtype=case.dtype,
            **options,
        )
        if case.bidirectional:
            made = keras.layers.Bidirectional(made, dtype=case.dtype)
        made.build((case.batch, case.steps, case.inputs_of(layer)))
        directions = self._problem.cell_weights()[layer]
        made.set_weights([array for w in directions for array in to_keras(w)])
        return made

    def forward(self, x: Any) -> Any:
        """Return y of a symbolic or eager x."""
        if self._state:
            return self._layers[0](x, initial_state=self._state, mask=self._mask)
        for layer in self._layers:
            x = layer(x, mask=self._mask)
        return x

    def named(self, dvariables: list[FloatArray]) -> Arrays:
        """Return the gradients in our layout; of summed biases, that of the first."""
        result: Arrays = {}
        cell = self._case.cell.cell
        for place, (layer, direction, _) in enumerate(self._problem.cells()):
            kernel, recurrent, bias = dvariables[3 * place : 3 * place + 3]
            named = {"weight_ih": kernel.T, "weight_hh": recurrent.T, "bias_ih": bias}
            if bias.ndim == 2:
                named |= {"bias_ih": bias[0], "bias_hh": bias[1]}
            for name, array in named.items():
                result[gradient_name(name, layer, direction)] = reordered(
                    array, KERAS[cell], OURS[cell]
                )
        return result


class BlockLstm:
    """TensorFlow's operator for a whole sequence.

    Its first version: in TensorFlow 2.21 the gradient of BlockLSTMV2 disagrees with its forward.
    """

    batch_first = False

    def __init__(self, problem: Problem) -> None:
        import tensorflow as tf

        case = self._case = problem.case
        ((w,),) = problem.cell_weights()
        arrays = to_tensorflow(w, "BlockLSTM", forget_bias=0.0)
        self._weight, self._bias = tf.Variable(arrays["w"]), tf.Variable(arrays["b"])
        absent = np.zeros(case.hidden, np.float32)
        peepholes = (arrays.get(name, absent) for name in ("wci", "wcf", "wco"))
        self._peephole = [tf.Variable(row) for row in peepholes]
        zeros = (np.zeros((case.batch, case.hidden), np.float32),) * 2
        self._h, self._c = (tf.constant(part) for part in problem.state or zeros)
        self.variables = [self._weight, self._bias]
        self.variables += self._peephole if case.cell.peephole else []

    def forward(self, x: Any) -> Any:
        """Return y of a symbolic or eager x."""
        import tensorflow as tf

        wci, wcf, wco = self._peephole
        return tf.raw_ops.BlockLSTM(
            seq_len_max=tf.constant(self._case.steps, tf.int64),
            x=x,
            cs_prev=self._c,
            h_prev=self._h,
            w=self._weight,
            wci=wci,
            wcf=wcf,
            wco=wco,
            b=self._bias,
            forget_bias=0.0,
            cell_clip=-1.0,
            use_peephole=self._case.cell.peephole,
        ).h

    def named(self, dvariables: list[FloatArray]) -> Arrays:
        """Return the gradients in our layout; of summed biases, that of the first."""
        dweight, dbias, *dpeephole = dvariables
        orders = TENSORFLOW["lstm"], OURS["lstm"]
        dweight = reordered(dweight.T, *orders)
        inputs = self._case.inputs
        named = {"weight_ih": dweight[:, :inputs], "weight_hh": dweight[:, inputs:]}
        named["bias_ih"] = reordered(dbias, *orders)
        if dpeephole:
            named["peephole"] = np.stack(dpeephole)
        return {gradient_name(name, 0, 0): array for name, array in named.items()}
