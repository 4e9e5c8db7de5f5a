"""First calls from many threads, absurd sizes, and arguments of layers that are something else."""

import sys
import threading

import numpy as np
import pytest

from engine_runs import refuses
from tidegate.layers import GRU, GRUD, LSTM, Dense, Layer, SimpleRNN
from tidegate.models import Sequential

X = np.random.default_rng(0).normal(size=(4, 6, 3)).astype("f4")


@pytest.fixture
def busy_switching():
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


@pytest.mark.parametrize("kind", ["layer", "model"])
def test_first_call_from_many_threads_builds_once(kind, busy_switching):
    for _ in range(20):
        model = Sequential([LSTM(8), Dense(1)]) if kind == "model" else LSTM(8)
        call = model.predict if kind == "model" else model
        start, outputs = threading.Barrier(6), []

        def first(call=call, start=start, outputs=outputs):
            start.wait()
            outputs.append(call(X))

        threads = [threading.Thread(target=first) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        expected = call(X)
        assert len(outputs) == 6
        assert all(np.array_equal(output, expected) for output in outputs)


@pytest.mark.parametrize("units", [2**30, 2**40, 2**62])
def test_more_units_than_memory(units):
    with pytest.raises(MemoryError):
        LSTM(units).build((3, 1))


@pytest.mark.parametrize("weights", [None, 3])
def test_set_weights_of_no_list(weights):
    layer = Dense(1)
    layer(X)
    with refuses(TypeError, "Dense.set_weights: weights is a", "expected a list of arrays"):
        layer.set_weights(weights)


def test_from_config_of_no_table():
    with refuses(TypeError, "LSTM: its configuration is a NoneType; expected a dict"):
        LSTM.from_config(None)


def test_a_layer_that_writes_nothing_says_what_is_missing():
    with refuses(NotImplementedError, "Layer: a layer of your own writes _declare"):
        Layer()(X)


@pytest.mark.parametrize("kind", [LSTM, GRU, SimpleRNN, GRUD])
def test_an_unknown_argument_is_refused_by_the_layer_itself(kind):
    with refuses(
        TypeError, f"{kind.__name__}: unknown argument 'foo'; expected one of ", " zoneout."
    ):
        kind(4, foo=1)


@pytest.mark.parametrize("number", [10**400, -(10**400)])
def test_integers_that_no_float_holds(number):
    with refuses(ValueError, "GRU: zoneout is", "inf; expected a finite number >= 0 and < 1"):
        GRU(2, zoneout=number)
