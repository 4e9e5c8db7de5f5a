"""Random calls of layers, models and streams, beside the reference on the layer's own weights."""

import numpy as np

import tidegate
from hostile_arrays import in_some_layout
from tidegate import reference
from tidegate.layers import GRU, LSTM, Dense, SimpleRNN
from tidegate.models import Sequential
from tolerances import assert_forward_close

# Layers convert what is a real number; these they must refuse.
NO_NUMBERS = (
    lambda x: np.ma.masked_array(x, np.zeros(x.shape, bool)),
    lambda x: x.astype(complex),
    lambda x: x.astype(object),
    lambda x: x.astype("S8"),
    lambda x: np.full(x.shape, np.nan),
    lambda x: np.full(x.shape, 1e300) * 1e300,
    lambda x: x[np.newaxis, np.newaxis],
    lambda x: np.concatenate([x, x, x[..., :1]], axis=-1),
    lambda x: "x",
    lambda x: None,
    lambda x: [[1.0], ["x"]],
    lambda x: {"x": 1},
)
NUMBERS = ("f4", "f8", ">f8", ">f4", "i1", "u8", ">i2", "?", "f2", np.longdouble)


def features(draw, name, *shape):
    """Return an input of numbers of some kind, or a wrong one, and the values that it means."""
    x = draw.normal(*shape)
    if draw.chance(draw.share):
        draw.wrong.append(name)
        return draw.one(*NO_NUMBERS)(x), None
    x = (4 * x).astype(draw.one(*NUMBERS)) if draw.chance(0.7) else x
    x = np.abs(x) if x.dtype.kind == "u" else x
    given = in_some_layout(draw, x)
    draw.given.append((name, given, np.array(given)))
    return given, np.array(x).astype(draw.dtype)


def layer_of(draw, **options):
    """A recurrent layer of some size, dtype and options."""
    kind = draw.one(LSTM, GRU, SimpleRNN)
    return kind(draw.size(1), dtype=np.dtype(draw.dtype).name, **options)


def a_layer(draw):
    """A recurrent layer called on x."""
    batch, steps, inputs = draw.size(1), draw.size(1), draw.size(1)
    flags = {name: draw.chance() for name in ("return_sequences", "go_backwards")}
    layer = layer_of(draw, **flags)
    model = Sequential([tidegate.layers.Input((None, inputs)), layer], seed=1)
    x, values = features(draw, "x", batch, steps, inputs)
    y = draw.one(model.predict, layer)(x)
    if draw.wrong:
        return
    out = reference.rnn_forward(
        layer.cell_weights, values, batch_first=True, go_backwards=flags["go_backwards"]
    )
    expected = out.y if flags["return_sequences"] else out.state[0]
    if flags["return_sequences"] and flags["go_backwards"]:
        expected = expected[:, ::-1]  # Keras's order: that of the steps taken
    assert_forward_close(np.asarray(y), expected)


def a_model(draw):
    """predict of a recurrent and a dense layer."""
    batch, steps, inputs = draw.size(1), draw.size(1), draw.size(1)
    layer = layer_of(draw)
    head = Dense(2, dtype=np.dtype(draw.dtype).name)
    model = Sequential([tidegate.layers.Input((None, inputs)), layer, head], seed=1)
    x, values = features(draw, "x", batch, steps, inputs)
    wrong = (0, -1, 1.5, "2", [])
    y = model.predict(x, batch_size=draw.option("batch_size", (1, 2, 7, 10**6), wrong))
    if draw.wrong:
        return
    out = reference.rnn_forward(layer.cell_weights, values, batch_first=True)
    kernel, bias = (np.asarray(w, np.float64) for w in model.get_weights()[-2:])
    assert_forward_close(y, out.state[0] @ kernel + bias, engines=2)


def a_stream(draw):
    """Stream.step over some steps."""
    batch, steps, inputs = draw.size(1), draw.size(1), draw.size(1)
    layer = layer_of(draw)
    Sequential([tidegate.layers.Input((None, inputs)), layer], seed=1)
    wrong = (0, -1, 1.5, "2", True)
    stream = tidegate.Stream(layer, draw.option("batch_size", (batch,), wrong))
    taken, y = [], None
    for _ in range(steps):
        x, values = features(draw, "x_t", batch, inputs)
        y = stream.step(x)
        taken.append(values)
        if draw.wrong:
            return
    expected = reference.rnn_forward(layer.cell_weights, np.stack(taken))
    assert_forward_close(y, expected.y[-1])


CALLS = (a_layer, a_model, a_stream)
