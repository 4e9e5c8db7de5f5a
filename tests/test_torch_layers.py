"""tidegate.torch.LSTM, GRU and RNN beside torch.nn's: outputs, states and every gradient."""

import pytest

from random_runs import SEEDS

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
from torch.nn.utils import rnn as packing  # noqa: E402

from torch_modules import LAYERS, assert_same_results, pair, random_layer  # noqa: E402

F64 = {"dtype": torch.float64}


@pytest.mark.parametrize("seed", SEEDS)
def test_random_layer(seed):
    """Layers, directions, projection, dropout, packed sequences, states, without batch."""
    (theirs, ours), x, states, pack = random_layer(seed)
    assert_same_results(theirs, ours, x, states, pack=pack, seed=seed)


@pytest.mark.parametrize("seed", range(4))
def test_random_layer_in_float32(seed):
    (theirs, ours), x, states, pack = random_layer(seed, torch.float32)
    assert_same_results(theirs, ours, x, states, pack=pack, seed=seed)


@pytest.mark.parametrize("kind", LAYERS)
def test_parameters_names_and_text_are_those_of_torch(kind):
    options = {"num_layers": 2, "bidirectional": True}
    theirs, ours = pair(kind, 3, 4, **options)
    assert repr(theirs) == repr(ours)
    assert isinstance(ours, getattr(torch.nn, kind))
    expected = theirs.state_dict()
    assert list(expected) == list(ours.state_dict())
    for name, tensor in ours.state_dict().items():
        assert torch.equal(tensor, expected[name])


@pytest.mark.parametrize("enforce_sorted", [True, False])
def test_packed_output_is_packed_alike(enforce_sorted):
    theirs, ours = pair("GRU", 3, 4, **F64)
    lengths = [5, 4, 1] if enforce_sorted else [1, 5, 4]
    x = torch.randn(5, 3, 3, **F64)
    packed = packing.pack_padded_sequence(x, lengths, enforce_sorted=enforce_sorted)
    for expected, got in zip(theirs(packed)[0], ours(packed)[0], strict=True):
        assert (got is None) == (expected is None)
        assert got is None or torch.allclose(got, expected)


def test_packed_list_of_sequences():
    theirs, ours = pair("LSTM", 3, 4, bidirectional=True, **F64)
    packed = packing.pack_sequence([torch.randn(n, 3, **F64) for n in (2, 6)], enforce_sorted=False)
    (expected, expected_state), (got, state) = theirs(packed), ours(packed)
    padded = [packing.pad_packed_sequence(y)[0] for y in (expected, got)]
    assert torch.allclose(*padded)
    for a, b in zip(expected_state, state, strict=True):
        assert torch.allclose(a, b)


def test_strided_and_expanded_inputs():
    theirs, ours = pair("LSTM", 3, 4, **F64)
    row = torch.randn(5, 1, 3, **F64)
    states = [torch.randn(1, 1, 4, **F64).expand(1, 6, 4) for _ in range(2)]
    for x in (row.expand(5, 6, 3), torch.randn(3, 6, 5, **F64).permute(2, 1, 0)):
        expected, got = theirs(x, tuple(states))[0], ours(x, tuple(states))[0]
        assert torch.allclose(expected, got)
        expected.sum().backward()  # dy is expanded from one number
        got.sum().backward()
        assert torch.allclose(theirs.weight_ih_l0.grad, ours.weight_ih_l0.grad)


@pytest.mark.parametrize("kind", LAYERS)
def test_an_empty_batch(kind):
    theirs, ours = pair(kind, 3, 4, num_layers=2, **F64)
    x = torch.zeros(5, 0, 3, **F64, requires_grad=True)
    expected, got = theirs(x)[0], ours(x)[0]
    assert got.shape == expected.shape
    got.sum().backward()
    assert torch.equal(ours.weight_hh_l1.grad, torch.zeros(ours.weight_hh_l1.shape, **F64))


def test_dropout_only_in_training():
    _, ours = pair("LSTM", 3, 4, num_layers=3, dropout=0.5)
    x = torch.randn(5, 2, 3)
    assert not torch.equal(ours(x)[0], ours(x)[0])
    ours.eval()
    assert torch.equal(ours(x)[0], ours(x)[0])


def test_under_autocast_the_parameters_dtype_holds():
    _, ours = pair("GRU", 3, 4)
    x = torch.randn(5, 2, 3).bfloat16()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y, h = ours(x)
    assert y.dtype == h.dtype == torch.float32
    assert torch.equal(y, ours(x.float())[0])


def test_a_sign_that_is_only_noted_counts():
    """conj().imag is a view with the negative bit, and so are gradients through it."""
    theirs, ours = pair("LSTM", 3, 4, **F64)
    x = torch.linspace(-1, 1, 30, **F64).reshape(5, 2, 3)
    results = []
    for module in (theirs, ours):
        z = torch.complex(x, x).requires_grad_()
        y, (h, c) = module(z.conj().imag)
        parts = [torch.complex(part, 2 * part).conj().imag for part in (y, h, c)]
        sum(part.square().sum() for part in parts).backward()
        results.append([y, h, c, z.grad])
    for a, b in zip(*results, strict=True):
        assert torch.allclose(a, b, rtol=1e-12, atol=1e-12)
