"""tidegate.onnx.export: random models beside ONNX Runtime, and back through load."""

import warnings

import numpy as np
import pytest

from onnx_models import OnnxModels
from random_runs import SEEDS, Draw
from tidegate.layers import LSTM, Embedding
from tidegate.models import Sequential
from tolerances import BETWEEN_ENGINES, assert_forward_close

onnx = pytest.importorskip("onnx", reason="onnx is not installed: nothing to export with")
ort = pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed")

from tidegate.onnx import export, load  # noqa: E402


def session_of(path):
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    return ort.InferenceSession(str(path), options)


def batch_of(model, draw, rows, steps):
    """Input of any number of rows and steps."""
    if isinstance(model.layers[0], Embedding):
        return draw.rng.integers(0, 7, (rows, steps))
    return draw.normal(rows, steps, model.input_shape[-1])


@pytest.mark.parametrize("lengths", [False, True], ids=["whole", "lengths"])
@pytest.mark.parametrize("seed", SEEDS)
def test_random_models_agree_with_onnx_runtime(seed, lengths, tmp_path):
    draw = Draw(seed, np.float32)
    drawn = OnnxModels(draw, lengths=lengths)
    model, path = drawn.model(), tmp_path / "m.onnx"
    export(model, path, opset=draw.one(14, 15, 18, 21, 22), lengths=lengths)
    session, loaded = session_of(path), load(path)
    for rows, steps in ((3, 5), (1, 1), (2, 8)):
        x = batch_of(model, draw, rows, steps)
        inputs, arguments = {"input": x}, {}
        if lengths:
            valid = draw.lengths(rows, steps).astype(np.int32)
            inputs["lengths"], arguments = valid, {"lengths": valid}
            if x.dtype.kind == "f":
                x = np.where(np.arange(steps)[None, :, None] < valid[:, None, None], x, np.nan)
                inputs["input"] = x.astype(np.float32)
        expected = model(x, **arguments)
        (theirs,) = session.run(None, inputs)
        assert_forward_close(expected, theirs, engines=BETWEEN_ENGINES)
        back = loaded.predict(*inputs.values())
        assert back.dtype == expected.dtype
        if drawn.exact:
            np.testing.assert_array_equal(back, expected)
        else:
            assert_forward_close(back, expected)


@pytest.mark.parametrize("seed", SEEDS)
def test_float64_comes_back_bit_for_bit(seed, tmp_path):
    draw = Draw(seed)
    drawn = OnnxModels(draw, "float64")
    model, path = drawn.model(), tmp_path / "m.onnx"
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "export: layer .* is float64")
        export(model, path, opset=draw.one(14, 22))
    x = batch_of(model, draw, 3, 6)
    expected, back = model(x), load(path).predict(x)
    if drawn.exact:
        np.testing.assert_array_equal(back, expected)
    else:
        assert_forward_close(back, expected)


def test_inputs_that_share_a_dimension_must_agree(tmp_path):
    model = Sequential([LSTM(3, input_shape=(None, 2))], seed=0)
    export(model, tmp_path / "m.onnx", lengths=True)
    loaded = load(tmp_path / "m.onnx")
    x = np.zeros((4, 5, 2), np.float32)
    message = r"predict: lengths has shape \(3,\); expected \(batch\) with batch = 4, as input has"
    with pytest.raises(ValueError, match=message):
        loaded.predict(x, [5, 5, 5])
    assert loaded.predict(x, [5, 5, 5, 1]).shape == (4, 3)
