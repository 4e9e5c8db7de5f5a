"""What tidegate.torch refuses, beside what torch.nn raises there."""

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
import tidegate.torch as tt  # noqa: E402
from torch_modules import CELLS, LAYERS, pair  # noqa: E402

ZEROS = torch.zeros
# x, states (the first is h), the kind of error, what it says
BAD = {
    "no steps": (ZEROS(0, 2, 3), None, RuntimeError, "sequence length to be larger than 0"),
    "features": (ZEROS(5, 2, 7), None, RuntimeError, "Expected 3, got 7"),
    "one axis": (ZEROS(3), None, ValueError, "to be 2D or 3D, got 1D"),
    "four axes": (ZEROS(1, 5, 2, 3), None, ValueError, "to be 2D or 3D, got 4D"),
    "batch of h": (ZEROS(5, 2, 3), ZEROS(1, 3, 4), RuntimeError, r"size \(1, 2, 4\), got"),
    "axes of h": (ZEROS(5, 2, 3), ZEROS(2, 4), RuntimeError, "hx.* should also be 3-D"),
    "axes of unbatched h": (ZEROS(5, 3), ZEROS(1, 1, 4), RuntimeError, "should also be 2-D"),
    "dtype of x": (ZEROS(5, 2, 3).double(), None, ValueError, "does not match weight dtype"),
    "integers": (ZEROS(5, 2, 3).long(), None, ValueError, "does not match weight dtype"),
}


@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize("name", BAD)
def test_a_bad_call_of_a_layer_raises_as_torch_does(kind, name):
    x, h, error, message = BAD[name]
    hx = (h, h) if kind == "LSTM" and h is not None else h
    for module in pair(kind, 3, 4):
        with pytest.raises(error, match=message):
            module(x, hx)


@pytest.mark.parametrize("kind", CELLS)
@pytest.mark.parametrize(
    ("x", "h", "error", "message"),
    [
        (ZEROS(2, 7), None, RuntimeError, "inconsistent input_size: got 7 expected 3"),
        (ZEROS(1, 2, 3), None, ValueError, "to be 1D or 2D, got 3D"),
        (ZEROS(2, 3), ZEROS(3, 4), RuntimeError, "hidden0"),
        (ZEROS(2, 3), ZEROS(2, 5), RuntimeError, "hidden0"),
        (ZEROS(2, 3), ZEROS(1, 2, 4), ValueError, "to be 1D or 2D, got 3D"),
        (ZEROS(2, 3).double(), None, RuntimeError, "dtype"),
        (ZEROS(2, 3), ZEROS(2, 4).double(), RuntimeError, "dtype"),
    ],
)
def test_a_bad_call_of_a_cell_raises_as_torch_does(kind, x, h, error, message):
    hx = (h, h) if kind == "LSTMCell" and h is not None else h
    for module in pair(kind, 3, 4):
        with pytest.raises(error, match=message):
            module(x, hx)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("kind", [*LAYERS, *CELLS])
def test_other_dtypes_are_refused(kind, dtype):
    module = getattr(tt, kind)(3, 4).to(dtype)
    with pytest.raises(TypeError, match=rf"tidegate.torch.{kind}: weight_ih\w* has dtype {dtype}"):
        module(torch.zeros(2, 3, dtype=dtype))


def test_other_devices_are_refused():
    with pytest.raises(RuntimeError, match="weight_ih_l0 is on meta; expected a dense tensor"):
        tt.LSTM(3, 4, device="meta")(ZEROS(5, 2, 3))
    with pytest.raises(RuntimeError, match="a tensor is on meta"):
        tt.LSTM(3, 4)(torch.zeros(5, 2, 3, device="meta"))


def test_a_state_of_another_dtype_is_refused():
    with pytest.raises(RuntimeError, match=r"a state has dtype torch.float64; expected torch.flo"):
        tt.GRU(3, 4)(ZEROS(5, 2, 3), ZEROS(1, 2, 4).double())


@pytest.mark.parametrize(
    ("arguments", "options"),
    [((0, 4), {}), ((3, 0), {}), ((3, 4), {"dropout": 2}), ((3, 4), {"num_layers": 0})],
)
def test_bad_arguments_raise_as_torch_does(arguments, options):
    for source in (torch.nn, tt):
        with pytest.raises(ValueError):
            source.LSTM(*arguments, **options)
    with pytest.raises(ValueError, match="proj_size argument is only supported for LSTM"):
        tt.GRU(3, 4, proj_size=2)


def test_an_unknown_nonlinearity_of_a_cell_is_refused():
    with pytest.raises(RuntimeError, match="Unknown nonlinearity: sigmoid"):
        tt.RNNCell(3, 4, nonlinearity="sigmoid")(ZEROS(2, 3))


def test_transforms_of_functions_are_refused():
    module = tt.GRU(3, 4)
    with pytest.raises(RuntimeError, match="functorch transforms"):
        torch.vmap(lambda x: module(x)[0])(ZEROS(6, 5, 2, 3))


def test_without_torch_the_error_names_the_extra(fresh_python):
    code = "import sys; sys.modules['torch'] = None\nimport tidegate.torch"
    done = fresh_python(code)
    assert 'pip install "tidegate[torch]"' in done.stderr


@pytest.mark.parametrize("count", [0, 1, 3])
@pytest.mark.parametrize("kind", ["LSTM", "LSTMCell"])
def test_other_than_two_states_of_an_lstm_are_refused(kind, count):
    x = torch.zeros(5, 2, 3) if kind == "LSTM" else torch.zeros(2, 3)
    part = torch.zeros(1, 2, 4) if kind == "LSTM" else torch.zeros(2, 4)
    with pytest.raises(RuntimeError, match=f"hx has {count} tensors; lstm expects two hidden"):
        getattr(tt, kind)(3, 4)(x, (part,) * count)
