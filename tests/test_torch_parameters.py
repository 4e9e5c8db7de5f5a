"""Parameters of tidegate.torch: moved, written and copied in every way that PyTorch knows."""

import copy
import io
import pickle

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
import tidegate.torch as tt  # noqa: E402
from torch_modules import LAYERS, assert_same_results, pair  # noqa: E402

F64 = {"dtype": torch.float64}
X = torch.linspace(-1, 1, 30, **F64).reshape(5, 2, 3)
OPTIMIZERS = [
    *((name, {}) for name in ("SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "Rprop", "NAdam")),
    *((name, {"foreach": True}) for name in ("SGD", "Adam", "RMSprop")),
    *((name, {"fused": True}) for name in ("SGD", "Adam", "AdamW")),
]


def same_outputs(theirs, ours, x=X):
    with torch.no_grad():
        return torch.allclose(theirs(x)[0], ours(x)[0], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kind", LAYERS)
def test_state_dict_loads_both_ways(kind):
    options = {"num_layers": 2, "bidirectional": True, **F64}
    theirs, _ = pair(kind, 3, 4, seed=1, **options)
    _, ours = pair(kind, 3, 4, seed=2, **options)
    ours(X)
    ours.load_state_dict(theirs.state_dict(), strict=True)
    assert same_outputs(theirs, ours)
    fresh, _ = pair(kind, 3, 4, seed=3, **options)
    fresh.load_state_dict(ours.state_dict(), strict=True)
    assert same_outputs(fresh, ours)


@pytest.mark.parametrize(("name", "options"), OPTIMIZERS)
def test_steps_of_an_optimizer_take_effect(name, options):
    theirs, ours = pair("GRU", 3, 4, **F64)
    optimizers = [
        getattr(torch.optim, name)(m.parameters(), lr=0.05, **options) for m in (theirs, ours)
    ]
    for _ in range(3):
        for module, optimizer in zip((theirs, ours), optimizers, strict=True):
            optimizer.zero_grad()
            module(X)[0].pow(2).sum().backward()
            optimizer.step()
        assert same_outputs(theirs, ours)


def write_data(module):
    module.weight_hh_l0.data.mul_(2)


def replace_data(module):
    module.weight_hh_l0.data = module.weight_hh_l0.data * 2


def replace_parameter(module):
    module.weight_hh_l0 = torch.nn.Parameter(module.weight_hh_l0.detach() * 2)


def write_array(module):
    module.weight_hh_l0.detach().numpy()[...] *= 2


def write_without_grad(module):
    with torch.no_grad():
        module.weight_hh_l0.mul_(2)


def write_in_inference_mode(module):
    with torch.inference_mode():
        module.weight_hh_l0.mul_(2)


def make_strided(module):
    module.weight_hh_l0.data = (2 * module.weight_hh_l0.data).t().contiguous().t()


WAYS = [write_data, replace_data, replace_parameter, write_array, write_without_grad]
WAYS += [write_in_inference_mode, make_strided]


@pytest.mark.parametrize("write", WAYS)
@pytest.mark.parametrize("grad", [False, True])
def test_a_written_parameter_takes_effect(write, grad):
    theirs, ours = pair("LSTM", 3, 4, num_layers=2, **F64)
    with torch.set_grad_enabled(grad):
        before = ours(X)[0]
        for module in (theirs, ours):
            write(module)
        after = ours(X)[0]
    assert torch.allclose(after, theirs(X)[0])
    assert not torch.allclose(before, after)


def test_a_large_layer_that_streams_reads_data_after_flatten_parameters():
    """Comparing values would take longer than the step; docs/pytorch.md says so."""
    theirs, ours = pair("LSTM", 64, 80)
    x = torch.ones(1, 1, 64)
    with torch.no_grad():
        for _ in range(2):
            ours(x)
        for module in (theirs, ours):
            module.weight_ih_l0.data.mul_(2)
            module.flatten_parameters()
        assert torch.allclose(ours(x)[0], theirs(x)[0], atol=1e-6)
        for module in (theirs, ours):
            module.weight_ih_l0.data.mul_(2)
            module.eval()
        assert torch.allclose(ours(x)[0], theirs(x)[0], atol=1e-6)


def test_large_steps_follow_an_optimizer_that_writes_data():
    theirs, ours = pair("GRU", 64, 80)
    for _ in range(3):
        outputs = []
        for module in (theirs, ours):
            module.zero_grad()
            y = module(torch.ones(2, 1, 64))[0]
            outputs.append(y.detach())
            y.sum().backward()
            for parameter in module.parameters():
                parameter.data.add_(parameter.grad, alpha=-0.1)
        assert torch.allclose(*outputs, atol=1e-5)


def test_dtype_and_device_follow_to():
    theirs, ours = pair("RNN", 3, 4)
    x = X.float()
    ours(x)
    assert same_outputs(theirs.double(), ours.double())
    assert ours.float()(x)[0].dtype == torch.float32


def _saved(module):
    file = io.BytesIO()
    torch.save(module, file)
    file.seek(0)
    return torch.load(file, weights_only=False)


COPIES = [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m)), _saved]


@pytest.mark.parametrize("make", COPIES, ids=["deepcopy", "pickle", "torch.save"])
@pytest.mark.parametrize("kind", ["LSTM", "GRUCell"])
def test_copies_are_independent(make, kind):
    _, ours = pair(kind, 3, 4, **F64)
    x = X if kind == "LSTM" else X[0]
    before = ours(x)[0].detach().clone()
    twin = make(ours)
    assert type(twin) is type(ours)
    assert torch.equal(twin(x)[0], before)
    with torch.no_grad():
        for parameter in twin.parameters():
            parameter.zero_()
    assert torch.equal(twin(x)[0], torch.zeros_like(before))
    assert torch.equal(ours(x)[0], before)


@pytest.mark.filterwarnings("ignore:.*weight_norm")
@pytest.mark.parametrize("norm", ["parametrizations.weight_norm", "weight_norm"])
def test_weight_norm(norm):
    modules = pair("GRU", 3, 4, **F64)
    apply = torch.nn.utils
    for part in norm.split("."):
        apply = getattr(apply, part)
    _, ours = (apply(module, "weight_hh_l0") for module in modules)
    y = ours(X)[0]
    y.sum().backward()
    plain, _ = pair("GRU", 3, 4, **F64)  # weight_norm leaves the function as it is
    assert torch.allclose(y, plain(X)[0])
    scale = dict(ours.named_parameters())
    [scale] = [p for name, p in scale.items() if name.endswith(("original0", "_g"))]
    plain(X)[0].sum().backward()
    w, dw = plain.weight_hh_l0.detach(), plain.weight_hh_l0.grad
    expected = (w * dw).sum(1, keepdim=True) / w.norm(dim=1, keepdim=True)
    assert torch.allclose(scale.grad, expected)


def test_functional_call_uses_the_given_parameters():
    theirs, ours = pair("LSTM", 3, 4, **F64)
    doubled = {name: 2 * tensor for name, tensor in ours.state_dict().items()}
    expected, got = (torch.func.functional_call(m, doubled, (X,))[0] for m in (theirs, ours))
    assert torch.allclose(expected, got)
    assert_same_results(theirs, ours, X)


def test_a_module_made_in_inference_mode():
    with torch.inference_mode():
        module = tt.LSTM(3, 4, **F64)
        first = module(X)[0].clone()
        module.weight_hh_l0.zero_()
        assert not torch.equal(module(X)[0], first)
