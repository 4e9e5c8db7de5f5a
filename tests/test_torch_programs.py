"""tidegate.torch inside what PyTorch programs do: training, loaders, threads, compilers."""

import threading

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
import tidegate.torch as tt  # noqa: E402
from torch_modules import pair  # noqa: E402

F64 = {"dtype": torch.float64}


def test_a_small_model_learns_as_with_torch():
    """The same losses: weights, order of batches and dropout come from the same seed."""
    x = torch.randn(40, 7, 2, generator=torch.Generator().manual_seed(1), **F64)
    data = torch.utils.data.TensorDataset(x, x.cumsum(1)[:, -1])
    seen = []
    for source in (torch.nn, tt):
        torch.manual_seed(2)
        options = {"num_layers": 2, "dropout": 0.1, "batch_first": True, "bidirectional": True}
        recurrent, head = source.LSTM(2, 6, **options, **F64), torch.nn.Linear(12, 2, **F64)
        parameters = [*recurrent.parameters(), *head.parameters()]
        optimizer = torch.optim.Adam(parameters, lr=0.03)
        losses = []
        for _ in range(4):
            for inputs, targets in torch.utils.data.DataLoader(data, 8, shuffle=True):
                optimizer.zero_grad()
                loss = (head(recurrent(inputs)[0][:, -1]) - targets).pow(2).mean()
                loss.backward()
                torch.nn.utils.clip_grad_norm_(parameters, 1.0)
                optimizer.step()
                losses.append(loss.item())
        seen.append(losses)
    assert seen[1] == pytest.approx(seen[0], rel=1e-9)
    assert seen[1][-1] < 0.7 * seen[1][0]


class Encoded(torch.utils.data.Dataset):
    """Runs a recurrent layer in the worker."""

    def __init__(self, module):
        self.module = module

    def __len__(self):
        return 8

    def __getitem__(self, index):
        with torch.no_grad():
            return self.module(torch.full((300, 8, 16), index / 8))[0][-1]


@pytest.mark.filterwarnings("ignore:.*fork")
def test_workers_of_a_data_loader():
    module = tt.GRU(16, 32)
    module(torch.zeros(300, 8, 16))[0].sum().backward()  # threads exist before the fork
    expected = torch.stack([Encoded(module)[k] for k in range(8)])
    loader = torch.utils.data.DataLoader(Encoded(module), 4, num_workers=2, timeout=60)
    assert torch.equal(torch.cat(list(loader)), expected)


def test_threads_may_share_a_module():
    module = tt.LSTM(3, 4, **F64)
    xs = [torch.randn(20, 2, 3, **F64) for _ in range(4)]
    with torch.no_grad():
        expected = [module(x)[0] for x in xs]
    wrong = []

    def work(x, y):
        with torch.no_grad():
            wrong.extend(1 for _ in range(50) if not torch.equal(module(x)[0], y))

    threads = [threading.Thread(target=work, args=pair) for pair in zip(xs, expected, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_threads_may_meet_while_parameters_are_read():
    """Whoever comes while another thread compares or packs the parameters does not wait."""
    module = tt.GRU(3, 4, **F64)
    x = torch.randn(5, 2, 3, **F64)
    y, _ = module(x)
    [parameters] = module._engine_parameters(False)
    with parameters._lock, torch.no_grad():
        module.weight_hh_l0.add_(1)
        changed, _ = module(x)
    assert not torch.equal(changed, y)
    assert torch.equal(module(x)[0], changed)


def test_thread_settings_are_apart(threads_restored):
    import tidegate

    torch_threads = torch.get_num_threads()
    tidegate.set_num_threads(1)
    tt.GRU(3, 4)(torch.zeros(5, 2, 3))
    assert torch.get_num_threads() == torch_threads
    assert tidegate.get_num_threads() == 1


@pytest.mark.filterwarnings("ignore")  # what the compiler deprecates in itself
@pytest.mark.parametrize("kind", ["LSTM", "GRUCell"])
def test_compile_runs_around_it(kind):
    theirs, ours = pair(kind, 3, 3, **F64)
    x = torch.randn(5, 2, 3, **F64) if kind == "LSTM" else torch.randn(2, 3, **F64)

    def run(module, x):
        y = module(x.sin())
        return (y[0] if kind == "LSTM" else y).cos()

    torch._dynamo.reset()
    compiled = torch.compile(lambda x: run(ours, x), backend="eager")
    for _ in range(2):
        a, b = (x.clone().requires_grad_() for _ in range(2))
        compiled(a).sum().backward()
        run(theirs, b).sum().backward()
        assert torch.allclose(a.grad, b.grad)
    torch._dynamo.reset()
    with pytest.raises(torch._dynamo.exc.Unsupported):
        torch.compile(lambda x: run(ours, x), backend="eager", fullgraph=True)(x)


@pytest.mark.filterwarnings("ignore")
def test_traced_exported_and_scripted_models_are_of_torchs_operators():
    theirs, ours = pair("LSTM", 3, 4, **F64)
    ours.eval()
    x, longer = torch.randn(5, 2, 3, **F64), torch.randn(7, 2, 3, **F64)
    traced = torch.jit.trace(ours, x)
    assert torch.allclose(traced(longer)[0], theirs(longer)[0])
    exported = torch.export.export(ours, (x,)).module()
    assert torch.allclose(exported(x)[0], theirs(x)[0])
    scriptable = ours.__prepare_scriptable__()
    assert type(scriptable) is torch.nn.LSTM
    assert scriptable.weight_hh_l0 is ours.weight_hh_l0
    cell = tt.GRUCell(3, 4)
    assert torch.allclose(torch.jit.script(cell)(x[0].float()), cell(x[0].float()))


def test_importing_tidegate_does_not_import_torch(fresh_python):
    code = "import sys, tidegate, tidegate.cli; print('torch' in sys.modules)"
    assert fresh_python(code).stdout == "False\n"
