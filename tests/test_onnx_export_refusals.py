"""What tidegate.onnx.export refuses or warns of, and that it leaves no half of a file."""

import os

import numpy as np
import pytest

import tidegate as tg
from tidegate.layers import (
    GRU,
    GRUD,
    LSTM,
    Bidirectional,
    Dense,
    Embedding,
    Input,
    Layer,
    Masking,
    TimeLSTM,
)
from tidegate.models import Model, Sequential

onnx = pytest.importorskip("onnx", reason="onnx is not installed: nothing to export with")

from tidegate.onnx import export, load  # noqa: E402


def chain(*layers, inputs=3):
    return Sequential([Input((None, inputs)), *layers], seed=1)


REFUSED = {
    "full peepholes": (lambda: LSTM(2, peephole="full"), "layer 'lstm' .*full peepholes"),
    "projection": (lambda: LSTM(4, projection=2), "layer 'lstm' .*projection"),
    "layer_norm": (lambda: GRU(2, layer_norm=True), "layer 'gru' .*normalisation"),
    "coupled input": (lambda: LSTM(2, coupled="input"), "layer 'lstm' .*coupled=\"input\""),
    "cell_clip": (lambda: LSTM(2, cell_clip=1.0), "layer 'lstm' .*cell_clip"),
    "zoneout": (lambda: GRU(2, zoneout=0.1), "layer 'gru' .*zoneout is 0.1.*expected 0"),
    "stateful": (lambda: GRU(2, stateful=True), "stateful is True; expected False .in a Model"),
    "inside": (lambda: Bidirectional(GRU(2, zoneout=0.1)), "'bidirectional' .*zoneout is 0.1"),
    "Masking": (Masking, "'masking' .*expected no Masking and .*lengths=True"),
    "GRUD": (lambda: GRUD(2), "'grud' .GRUD.: it is no layer that ONNX can hold; expected missing"),
    "TimeLSTM": (lambda: TimeLSTM(2, time_feature="gap"), "expected an LSTM with the time between"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_onnx_lacks_is_refused_by_layer_and_option(name, tmp_path):
    make, match = REFUSED[name]
    with pytest.raises(ValueError, match=match):
        export(chain(make()), tmp_path / "m.onnx")
    assert not os.listdir(tmp_path)


def test_masks_of_integers_are_refused(tmp_path):
    model = Sequential([Input((None,)), Embedding(5, 2, mask_zero=True), GRU(2)])
    with pytest.raises(ValueError, match=r"'embedding' .*mask_zero is True; expected False"):
        export(model, tmp_path / "m.onnx")


def test_a_layer_of_ones_own_is_refused(tmp_path):
    class Doubled(Layer):
        def _declare(self, input_shape):
            return (), input_shape

    with pytest.raises(ValueError, match=r"'doubled' .*expected .*Dense, .*LSTM"):
        export(chain(Doubled()), tmp_path / "m.onnx")


def test_padding_at_the_front_is_refused(tmp_path):
    model = chain(GRU(2, go_backwards=True, return_sequences=True), GRU(2))
    export(model, tmp_path / "m.onnx")
    with pytest.raises(ValueError, match=r"'gru_1' .*padding comes first; expected padding at the"):
        export(model, tmp_path / "m.onnx", lengths=True)


def test_wrong_arguments(tmp_path):
    path, model = tmp_path / "m.onnx", chain(GRU(2))
    with pytest.raises(ValueError, match="opset is 13; expected 14 to 22"):
        export(model, path, opset=13)
    with pytest.raises(TypeError, match="model is GRU; expected a Sequential or Model"):
        export(model.layers[0], path)
    with pytest.raises(TypeError, match="export: path is of type int; expected a string or path"):
        export(model, 3)
    with pytest.raises(RuntimeError, match="not built"):
        export(Sequential([GRU(2)]), path)
    with pytest.raises(TypeError, match="lengths is 3"):
        export(model, path, lengths=3)
    a, b = Input((None, 2)), Input((2,), name="b")
    joined = Model([a, b], tg.layers.Add()([GRU(2)(a), b]))
    with pytest.raises(ValueError, match="lengths is True and the inputs are input, b"):
        export(joined, path, lengths=True)
    model.layers[0].parameters[0].value[0] = np.nan
    with pytest.raises(ValueError, match=r"'gru' .*W is not finite"):
        export(model, path)
    assert not os.listdir(tmp_path)


def test_an_old_file_is_replaced_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "m.onnx"
    export(chain(GRU(2)), path)
    before = path.read_bytes()

    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="cannot write the ONNX model: No space left"):
        export(chain(LSTM(2)), path)
    assert path.read_bytes() == before and os.listdir(tmp_path) == ["m.onnx"]


def test_float64_is_written_with_a_warning(tmp_path):
    model = chain(GRU(2, dtype="float64"))
    with pytest.warns(UserWarning, match="layer 'gru' is float64, which ONNX Runtime does not run"):
        export(model, tmp_path / "m.onnx")
    x = np.ones((1, 2, 3))
    np.testing.assert_array_equal(load(tmp_path / "m.onnx").predict(x), model(x))


def test_several_inputs_and_mixed_dtypes(tmp_path):
    ort = pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed")
    series, facts = Input((None, 2), name="series"), Input((3,), name="facts")
    joined = tg.layers.Concatenate()([GRU(4)(series), Dense(2, "tanh", dtype="float64")(facts)])
    model = Model([series, facts], Dense(1)(joined), seed=1)
    export(model, tmp_path / "m.onnx", opset=14)
    rng = np.random.default_rng(1)
    x = {"series": rng.standard_normal((5, 4, 2)).astype("f4"), "facts": rng.random((5, 3))}
    expected = model(x)
    (theirs,) = ort.InferenceSession(str(tmp_path / "m.onnx")).run(None, x)
    np.testing.assert_allclose(theirs, expected, atol=1e-6)
    loaded = load(tmp_path / "m.onnx")
    assert loaded.input_names == ("series", "facts")
    assert loaded.input_shapes["series"] == ("batch", "series_time", 2)
    np.testing.assert_array_equal(loaded.run(x)[0], expected)


def test_what_load_reads_is_a_path(tmp_path):
    path = tmp_path / "m.onnx"
    export(chain(GRU(2)), path)
    with pytest.raises(TypeError, match="load: path is of type ModelProto; expected a string or"):
        load(onnx.load(path))
    with pytest.raises(ValueError, match=r"load: path is b'.{,30}, with a zero byte; expected a p"):
        load(path.read_bytes())
