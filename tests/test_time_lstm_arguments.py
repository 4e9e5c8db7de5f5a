"""What a T-LSTM refuses: arguments of the doors, shapes, options that do not go with it."""

import numpy as np
import pytest

import tidegate
from engine_runs import refuses
from tidegate import CellWeights, functional, reference
from time_lstm_problems import CASES, list_of, time_weights


def test_wrong_arguments_of_the_doors():
    weights, x = time_weights(CASES[0], 2, 4), np.zeros((3, 2, 2))
    plain = CellWeights("lstm", *list_of(weights)[:4])
    decay = np.ones((3, 2))
    forward = functional.rnn_forward
    with refuses(ValueError, "rnn_forward: memory_decay is None", "weight_cc", "time gaps"):
        forward(weights, x)
    with refuses(ValueError, "rnn_forward: memory_decay is given", "no weight_cc"):
        forward(plain, x, memory_decay=decay)
    with refuses(ValueError, "memory_decay has shape (2, 3); expected (3, 2)"):
        forward(weights, x, memory_decay=decay.T)
    with refuses(TypeError, "memory_decay has dtype float32; expected float64"):
        forward(weights, x, memory_decay=decay.astype(np.float32))
    saved = forward(plain, x, training=True).saved
    with refuses(ValueError, "need_dmemory_decay is True", "no weight_cc"):
        functional.rnn_backward(saved, need_dmemory_decay=True)
    with refuses(TypeError, "need_dmemory_decay is 'yes'; expected True or False"):
        functional.rnn_backward(saved, need_dmemory_decay="yes")
    with refuses(ValueError, "birnn_forward: set 1 of the weights has weight_cc", "rnn_forward"):
        functional.birnn_forward(plain, weights, x)
    with refuses(ValueError, "rnn_stack_forward: set 0 of the weights has weight_cc"):
        functional.rnn_stack_forward([weights], x)
    with refuses(ValueError, "Stream: the weights have weight_cc", "rnn_forward with state="):
        tidegate.Stream(weights)


@pytest.mark.parametrize("kind", [CellWeights, reference.Weights])
def test_shapes_of_the_memorys_arrays(kind):
    case = CASES[1]  # with a projection: H is not the width of h
    arrays = time_weights(case, 3, 6).arrays()
    for name, wrong in (("weight_cc", (6, 4)), ("bias_cc", (4,))):
        with refuses(ValueError, f"{name} has shape {wrong}"):
            kind("lstm", **(arrays | {name: np.zeros(wrong)}))
    with refuses(ValueError, 'weight_cc is given; expected None for cell "gru"'):
        kind("gru", np.zeros((12, 3)), np.zeros((12, 4)), weight_cc=np.zeros((4, 4)))


def test_options_that_do_not_go_with_a_memory():
    arrays = time_weights(CASES[0], 3, 4).arrays()
    with refuses(ValueError, "CellWeights: weight_cc and peephole are given; expected one"):
        CellWeights("lstm", **arrays, peephole=np.zeros((3, 4)))
    arrays |= {"weight_ih": np.zeros((12, 3)), "weight_hh": np.zeros((12, 4))}
    arrays |= {"bias_ih": np.zeros(12), "bias_hh": np.zeros(12)}
    with refuses(ValueError, "CellWeights: weight_cc and coupled are given; expected one"):
        CellWeights("lstm", **arrays, coupled="input")
    del arrays["weight_cc"]
    with refuses(ValueError, "bias_cc is given; expected None without weight_cc"):
        CellWeights("lstm", **arrays, coupled="input")
