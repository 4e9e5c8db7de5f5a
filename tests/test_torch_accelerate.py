"""accelerate: what it swaps in a model, what it leaves, and that nothing else changes."""

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
from torch import nn  # noqa: E402

import tidegate.torch as tt  # noqa: E402


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(9, 4)
        self.encoder = nn.ModuleDict({"rnn": nn.LSTM(4, 5, num_layers=2, dropout=0.3)})
        self.decoder = nn.Sequential(nn.GRU(5, 5), nn.Identity())
        self.again = self.encoder["rnn"]
        self.cell = nn.RNNCell(5, 3, nonlinearity="relu")

    def forward(self, tokens):
        y, _ = self.again(self.embedding(tokens))
        y, _ = self.decoder[0](y)
        return self.cell(y[-1])


def made():
    torch.manual_seed(0)
    return Model().double()


TOKENS = torch.arange(18).reshape(6, 3) % 9


def losses(model, *, accelerate_after=None):
    """Losses of a few Adam steps, accelerated after some of them."""
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    torch.manual_seed(1)
    seen = []
    for step in range(6):
        if step == accelerate_after:
            tt.accelerate(model)
        optimizer.zero_grad()
        loss = (model(TOKENS) - 1).pow(2).mean()
        loss.backward()
        optimizer.step()
        seen.append(loss.item())
    return seen


@pytest.mark.parametrize("after", [0, 3])
def test_training_goes_on_with_the_same_optimizer(after):
    expected = losses(made())
    assert losses(made(), accelerate_after=after) == pytest.approx(expected, rel=1e-9)
    assert expected[-1] < expected[0]


def test_nested_and_shared_modules_stay_the_same_objects():
    model = made().eval()
    before = dict(model.named_modules(remove_duplicate=False))
    parameters = dict(model.named_parameters())
    y = model(TOKENS)
    report = tt.accelerate(model)
    assert list(report.accelerated) == ["encoder.rnn", "decoder.0", "cell"]
    assert report.left == {}
    assert dict(model.named_modules(remove_duplicate=False)) == before
    assert all(p is parameters[name] for name, p in model.named_parameters())
    assert type(model.again) is tt.LSTM
    assert not model.again.training
    assert torch.allclose(model(TOKENS), y)
    assert str(report).startswith("accelerate: 3 accelerated, 0 left\n  encoder.rnn: LSTM(4, 5")
    assert tt.accelerate(model).accelerated == {}


def test_a_layer_itself():
    layer = nn.GRU(3, 4)
    assert "(model): GRU(3, 4)" in str(tt.accelerate(layer))
    assert type(layer) is tt.GRU


def test_hooks_go_on_and_are_reported():
    layer, calls = nn.GRU(3, 4), []
    layer.register_forward_hook(lambda *_: calls.append(1))
    assert tt.accelerate(layer).notes == {"": "has hooks; they go on running"}
    layer(torch.zeros(5, 2, 3))
    assert calls == [1]


class Own(nn.LSTM):
    pass


def parametrized():
    layer = nn.GRU(3, 4)
    nn.utils.parametrizations.weight_norm(layer, "weight_hh_l0")
    return layer


def patched():
    layer = nn.GRU(3, 4)
    layer.forward = lambda x: x
    return layer


def quantized():
    quantize = torch.ao.quantization.quantize_dynamic
    return quantize(nn.Sequential(nn.LSTM(3, 4)), {nn.LSTM}, dtype=torch.qint8)[0]


LEFT = {
    "subclass": (lambda: Own(3, 4), "a class of its own"),
    "parametrized": (parametrized, "accelerate the model before it is parametrized"),
    "bfloat16": (lambda: nn.LSTM(3, 4).bfloat16(), "weight_ih_l0 has dtype torch.bfloat16"),
    "meta": (lambda: nn.GRUCell(3, 4, device="meta"), "weight_ih is on meta"),
    "patched": (patched, "its forward was replaced"),
    "quantized": (quantized, "quantized"),
    "scripted": (lambda: torch.jit.script(nn.GRUCell(3, 4)), "compiled by torch.jit"),
}


@pytest.mark.filterwarnings("ignore")  # deprecations of PyTorch's own quantization and torch.jit
@pytest.mark.parametrize("name", LEFT)
def test_what_is_left_and_why(name):
    make, why = LEFT[name]
    layer = make()
    kind = type(layer)
    model = nn.Sequential(layer, nn.LSTM(3, 4))
    report = tt.accelerate(model)
    assert list(report.accelerated) == ["1"]
    assert why in report.left["0"]
    assert f"0: left: {report.left['0']}" in str(report)
    assert type(model[0]) is kind


def test_a_model_without_recurrent_layers():
    none = "accelerate: the model has no recurrent layers to accelerate"
    assert str(tt.accelerate(nn.Linear(2, 2))) == none
    model = nn.Sequential(nn.GRU(2, 3))
    tt.accelerate(model)
    assert str(tt.accelerate(model)) == none


def test_only_modules_are_accepted():
    with pytest.raises(TypeError, match=r"accelerate: module is dict; expected a torch.nn.Module"):
        tt.accelerate({})
