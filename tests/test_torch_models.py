"""Modules of torch.nn as models of tidegate and back: outputs, gradients, refusals."""

import importlib

import numpy as np
import pytest

from random_runs import SEEDS, Draw
from tidegate.layers import GRU, LSTM, Bidirectional, Dense, SimpleRNN
from tidegate.models import Sequential
from tolerances import BETWEEN_ENGINES, GRADIENT, assert_forward_close

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")
nn = torch.nn
tidegate_torch = pytest.importorskip("tidegate.torch", reason="PyTorch is not installed")
from_torch, to_torch = tidegate_torch.from_torch, tidegate_torch.to_torch


class First(nn.Module):
    """A module's output without its states, for nn.Sequential."""

    def __init__(self, module):
        super().__init__()
        self.module = module

    def forward(self, x):
        return self.module(x)[0]


def random_module(draw):
    """A recurrent module with random options, and whether it is a drop-in."""
    name = draw.one("LSTM", "GRU", "RNN")
    kind = getattr(tidegate_torch if draw.chance(0.3) else nn, name)
    hidden = int(draw.one(2, 3, 8))
    options = {"proj_size": 1} if name == "LSTM" and draw.chance(0.3) else {}
    options |= {"nonlinearity": draw.one("tanh", "relu")} if name == "RNN" else {}
    return kind(
        3,
        hidden,
        num_layers=int(draw.one(1, 2)),
        bias=draw.chance(0.7),
        bidirectional=draw.chance(),
        batch_first=True,
        dtype=getattr(torch, np.dtype(draw.dtype).name),
        **options,
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_outputs_and_gradients(seed):
    draw = Draw(seed, np.float64 if seed % 2 else np.float32)
    torch.manual_seed(seed)
    module = random_module(draw)
    width = (module.proj_size or module.hidden_size) * (1 + module.bidirectional)
    head = nn.Linear(width, 2, dtype=module.weight_hh_l0.dtype)
    theirs = nn.Sequential(First(module), head, nn.Tanh())
    ours = from_torch(nn.Sequential(module, nn.Identity(), head, nn.Tanh()), seed=0)
    x, dy = draw.normal(4, 6, 3), draw.normal(4, 6, 2)
    given = torch.from_numpy(x)
    expected = theirs(given)
    assert_forward_close(ours.predict(x), expected.detach().numpy(), "y", BETWEEN_ENGINES)

    expected.backward(torch.from_numpy(dy))
    before = [array.copy() for array in ours.get_weights()]
    ours.compile("sgd", "mse")
    ours.optimizer.learning_rate = 1.0
    # The mean squared error of y - dy*n/2 has the gradient dy by y.
    ours.fit(x, ours.predict(x) - dy * (dy.size / 2), epochs=1, batch_size=len(x), verbose=0)
    moved = [a - b for a, b in zip(before, ours.get_weights(), strict=True)]
    kernel, bias = moved[-2:]
    pairs = {
        "kernel": (kernel.T, head.weight.grad),
        "bias": (bias, head.bias.grad),
        "weight_ih": (moved[0], module.weight_ih_l0.grad),
        "weight_hh": (moved[1], module.weight_hh_l0.grad),
    }
    # A difference of weights, which may be a million times their gradient; targets far away.
    rounding = 2 * np.finfo(draw.dtype).eps * max(np.max(np.abs(array)) for array in before)
    for name, (got, gradient) in pairs.items():
        wanted = gradient.numpy()
        atol = 8 * BETWEEN_ENGINES * GRADIENT[wanted.dtype] * np.max(np.abs(wanted)) + rounding
        np.testing.assert_allclose(got, wanted, rtol=0, atol=atol, err_msg=name)


@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN"])
def test_the_output_after_the_last_step(kind, both):
    module = getattr(nn, kind)(3, 4, 2, batch_first=True, bidirectional=both, dropout=0.1).eval()
    x = np.random.default_rng(0).standard_normal((2, 5, 3)).astype("f4")
    with torch.no_grad():
        last = module(torch.from_numpy(x))[1]
    h = (last[0] if kind == "LSTM" else last).numpy()
    expected = np.concatenate([h[-2], h[-1]], axis=-1) if both else h[-1]
    ours = from_torch(module, return_sequences=False)
    assert [type(layer).__name__ for layer in ours.layers][1] == "Dropout"
    assert_forward_close(ours.predict(x), expected, "h", BETWEEN_ENGINES)


@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize("make", [LSTM, GRU, SimpleRNN])
def test_layers_as_one_module(make, both):
    def layer():
        made = make(4, return_sequences=True, dtype="float64", bias_initializer="random_normal")
        return Bidirectional(made) if both else made

    model = Sequential([layer(), layer()], seed=0)
    x = np.random.default_rng(0).standard_normal((2, 5, 3))
    expected = model.predict(x)
    module = to_torch(model.layers)
    with torch.no_grad():
        y = module(torch.from_numpy(x))[0].numpy()
    assert_forward_close(y, expected, "y", BETWEEN_ENGINES)
    assert_forward_close(from_torch(module).predict(x), expected, "y", BETWEEN_ENGINES)


def test_an_embedding_first():
    theirs = nn.Sequential(nn.Embedding(9, 3), nn.GRU(3, 4), nn.Linear(4, 2), nn.Softmax(dim=-1))
    tokens = np.random.default_rng(0).integers(0, 9, (2, 5))
    ours = from_torch(theirs, return_sequences=False)
    with torch.no_grad():
        h = theirs[1](theirs[0](torch.from_numpy(tokens.T)))[1][-1]
        expected = theirs[3](theirs[2](h)).numpy()
    assert_forward_close(ours.predict(tokens), expected, "y", BETWEEN_ENGINES)


@pytest.mark.parametrize("padding", [0, 8])
def test_what_pytorch_would_not_train_is_converted_with_a_warning(padding):
    theirs = nn.Sequential(nn.Embedding(9, 3, padding_idx=padding), nn.GRU(3, 4), nn.Linear(4, 2))
    theirs[1].weight_hh_l0.requires_grad_(False)
    theirs[2].requires_grad_(False)
    moved = (
        rf"'0' \(Embedding\): row {padding} \(padding_idx\); module '1' \(GRU\): weight_hh_l0 "
        r"\(requires_grad=False\); module '2' \(Linear\): weight, bias \(requires_grad=False\)\.$"
    )
    with pytest.warns(UserWarning, match=f"^from_torch: predictions are the same, .*{moved}"):
        ours = from_torch(theirs)
    tokens = np.random.default_rng(0).integers(0, 9, (2, 50))
    assert (tokens == padding).any()
    with torch.no_grad():
        h = theirs[1](theirs[0](torch.from_numpy(tokens.T)))[0].transpose(0, 1)
        expected = theirs[2](h).numpy()
    assert_forward_close(ours.predict(tokens), expected, "y", BETWEEN_ENGINES)


class Tagger(nn.Module):
    """A module with a forward of its own."""

    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(3, 4)


def hooked():
    module = nn.Sequential(nn.LSTM(3, 4), nn.Linear(4, 2))
    module[1].register_forward_hook(lambda _module, _x, y: 2 * y)
    return module


def pruned():
    prune = importlib.import_module("torch.nn.utils.prune")
    return prune.l1_unstructured(nn.LSTM(3, 4), "weight_hh_l0", 0.5)


def tied():
    linear = nn.Linear(3, 3)
    return nn.Sequential(linear, nn.Tanh(), linear)


def test_one_activation_at_several_places():
    relu = nn.ReLU()
    module = nn.Sequential(nn.Linear(3, 4), relu, nn.Linear(4, 4), relu, nn.Linear(4, 2))
    x = Draw(0, np.float32).normal(4, 6, 3)
    expected = module(torch.from_numpy(x)).detach().numpy()
    assert_forward_close(from_torch(module).predict(x), expected, "y", BETWEEN_ENGINES)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: nn.Sequential(nn.Conv1d(3, 4, 2)), r"module '0' is Conv1d; expected one of LSTM"),
        (lambda: nn.Sequential(nn.LSTM(3, 4), nn.ReLU()), r"module '1' is ReLU; .*behind a Linear"),
        (
            lambda: nn.Sequential(nn.Linear(3, 4), nn.Softmax(dim=1)),
            r"module '1' is Softmax\(dim=1\); expected dim=-1, behind",
        ),
        (lambda: nn.LSTM(3, 4).bfloat16(), r"weight_ih_l0 has dtype torch.bfloat16; expected"),
        (
            Tagger,
            r"module '' is Tagger; .*convert an nn.Sequential of its parts, or load what torch",
        ),
        (
            lambda: nn.Embedding(3, 4, max_norm=2.0),
            r"max_norm is 2.0; expected None .*set module.max_norm = None",
        ),
        (hooked, r"module '1' \(Linear\): has hooks; expected none, .*prune.remove"),
        (pruned, r"module '' \(LSTM\): has hooks; expected none"),
        (nn.Sequential, "module has no layers; expected LSTM"),
        (tied, r"module '2' \(Linear\): weight is that of module '0'; expected parameters of its"),
    ],
)
def test_from_torch_refuses(make, message):
    with pytest.raises(ValueError, match=f"^from_torch: .*{message}"):
        from_torch(make())


def test_from_torch_takes_modules_only():
    with pytest.raises(
        TypeError, match=r"module is a dict; expected a torch.nn.Module .of the arr"
    ):
        from_torch({})


def backward(**options):
    return SimpleRNN(4, go_backwards=True, **options)


def called(layer):
    layer(np.zeros((1, 2, 3), np.float32))
    return layer


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: called(LSTM(4, peephole="diagonal")),
            "diagonal peepholes, which torch.nn.LSTM ca",
        ),
        (lambda: called(GRU(4, reset_after=False)), "reset_after=False, which torch.nn.GRU cannot"),
        (lambda: called(GRU(4, stateful=True)), "has stateful=True; expected False"),
        (lambda: called(LSTM(4, zoneout=0.1)), "has zoneout 0.1; expected 0.0"),
        (lambda: called(LSTM(4, go_backwards=True)), "has go_backwards=True; expected False"),
        (lambda: called(Bidirectional(LSTM(4), "sum")), "has merge_mode 'sum'"),
        (lambda: [called(LSTM(4)), called(LSTM(5))], "has units 5 and the first 4; expected the s"),
        (lambda: [called(LSTM(4)), called(GRU(4))], "has class GRU and the first LSTM"),
        (lambda: [called(LSTM(4)), called(LSTM(4))], "reads 3 features and the one before it ret"),
        (
            lambda: called(Bidirectional(SimpleRNN(4), "concat", backward(activation="relu"))),
            "has activation tanh forward and relu backward; expected the same",
        ),
        (
            lambda: called(Bidirectional(SimpleRNN(4), "concat", backward(use_bias=False))),
            "has use_bias True forward and False backward",
        ),
        (lambda: called(Dense(3)), "is no layer of torch.nn's kind; expected LSTM, GRU"),
        (lambda: [], "layers is empty"),
    ],
)
def test_to_torch_refuses(make, message):
    with pytest.raises(ValueError, match=f"^to_torch: .*{message}"):
        to_torch(make())
