"""tidegate.torch in PyTorch's graph: what is differentiated, kept, shared and refused."""

import gc
import weakref

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
from torch.utils.checkpoint import checkpoint  # noqa: E402

import tidegate.torch as tt  # noqa: E402
from torch_modules import LAYERS, pair  # noqa: E402

F64 = {"dtype": torch.float64}


def gradients_of(loss, *tensors, **options):
    return torch.autograd.grad(loss, tensors, **options)


@pytest.mark.parametrize("kind", LAYERS)
def test_gradcheck(kind):
    torch.manual_seed(0)
    module = getattr(tt, kind)(2, 3, bidirectional=True, num_layers=2, **F64)
    names = [name for name, _ in module.named_parameters()]

    def run(x, *parameters):
        return torch.func.functional_call(module, dict(zip(names, parameters, strict=True)), (x,))[
            0
        ]

    x = torch.randn(3, 2, 2, **F64, requires_grad=True)
    given = [p.detach().clone().requires_grad_() for p in module.parameters()]
    assert torch.autograd.gradcheck(run, (x, *given), fast_mode=True)


def test_only_what_needs_gradients_gets_them():
    theirs, ours = pair("LSTM", 3, 4, num_layers=2, **F64)
    for module in (theirs, ours):
        module.weight_hh_l0.requires_grad_(False)
        module.bias_ih_l1.requires_grad_(False)
        module(torch.ones(5, 2, 3, **F64))[0].sum().backward()
    for (name, a), b in zip(theirs.named_parameters(), ours.parameters(), strict=True):
        assert (a.grad is None) == (b.grad is None), name
        assert a.grad is None or torch.allclose(a.grad, b.grad)


def test_a_frozen_layer_passes_gradients_on():
    theirs, ours = pair("GRU", 3, 4, **F64)
    x = torch.randn(5, 2, 3, **F64, requires_grad=True)
    expected, got = (
        gradients_of(module.requires_grad_(False)(x)[0].sum(), x)[0] for module in (theirs, ours)
    )
    assert torch.allclose(expected, got)


def test_a_final_state_alone_is_differentiated():
    theirs, ours = pair("LSTM", 3, 4, num_layers=2, bidirectional=True, **F64)
    x = torch.randn(5, 2, 3, **F64, requires_grad=True)
    for part in (0, 1):
        expected, got = (gradients_of(m(x)[1][part].sum(), x)[0] for m in (theirs, ours))
        assert torch.allclose(expected, got)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_without_gradients_nothing_is_saved(mode, monkeypatch):
    module = tt.LSTM(3, 4)
    monkeypatch.setattr("tidegate.torch.module.Recurrence", None)  # what a node would be made of
    with mode():
        y, _ = module(torch.ones(5, 2, 3))
    assert y.grad_fn is None
    assert y.is_inference() == (mode is torch.inference_mode)


def test_memory_is_freed_with_the_graph():
    module = tt.LSTM(3, 4)
    y = module(torch.ones(5, 2, 3))[0]
    node = weakref.ref(y.grad_fn)
    del y
    gc.collect()
    assert node() is None


def test_arrays_are_shared_not_copied(monkeypatch):
    """The engine reads the memory of x and the parameters; outputs are the arrays it wrote."""
    seen = []
    engine = tt.function.network_forward

    def spy(layers, x, *args, **options):
        out = engine(layers, x, *args, **options)
        seen.append((layers[0][0].weight_ih, x, out.y, out.states[0][0]))
        return out

    monkeypatch.setattr("tidegate.torch.function.network_forward", spy)
    module, x = tt.GRU(3, 4), torch.ones(5, 2, 3)
    y, h = module(x)
    tensors = (module.weight_ih_l0, x, y, h)
    assert [a.__array_interface__["data"][0] for a in seen[0]] == [t.data_ptr() for t in tensors]


def test_backward_several_times_with_retain_graph():
    theirs, ours = pair("LSTM", 3, 4, num_layers=2, **F64)
    x = torch.randn(5, 2, 3, **F64, requires_grad=True)
    y = ours(x)[0]
    expected = gradients_of(theirs(x)[0].sum(), x, *theirs.parameters())
    for last in (False, False, True):
        got = gradients_of(y.sum(), x, *ours.parameters(), retain_graph=not last)
        for a, b in zip(expected, got, strict=True):
            assert torch.allclose(a, b)
    with pytest.raises(RuntimeError, match="backward through the graph a second time"):
        y.sum().backward()


def test_two_graphs_of_one_module_at_once():
    theirs, ours = pair("GRU", 3, 4, **F64)
    xs = [torch.randn(5, 2, 3, **F64, requires_grad=True) for _ in range(3)]
    expected = [gradients_of(theirs(x)[0].sum(), x)[0] for x in xs]
    first, second = (ours(x)[0] for x in xs[:2])
    got = [gradients_of(first.sum(), xs[0])[0]]
    third = ours(xs[2])[0]  # packs the weights anew while the second graph is alive
    got += [gradients_of(y.sum(), x)[0] for y, x in zip((second, third), xs[1:], strict=True)]
    for a, b in zip(expected, got, strict=True):
        assert torch.allclose(a, b)


def test_the_output_may_be_modified_in_place():
    theirs, ours = pair("GRU", 3, 4, **F64)
    x = torch.randn(5, 2, 3, **F64, requires_grad=True)
    expected = gradients_of((2 * theirs(x)[0]).relu().sum(), x)[0]
    y = ours(x)[0]
    assert torch.allclose(gradients_of(y.mul_(2).relu_().sum(), x)[0], expected)


@pytest.mark.parametrize("what", ["x", "weight"])
def test_what_backward_reads_must_not_be_modified(what):
    _, ours = pair("GRU", 3, 4)
    x = torch.randn(5, 2, 3)
    y = ours(x)[0]
    with torch.no_grad():
        (x if what == "x" else ours.weight_hh_l0).mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


@pytest.mark.parametrize("reentrant", [True, False])
def test_checkpoint(reentrant):
    theirs, ours = pair("LSTM", 3, 4, num_layers=2, dropout=0.5, **F64)
    x = torch.randn(5, 2, 3, **F64, requires_grad=True)
    torch.manual_seed(3)
    expected = gradients_of(theirs(x)[0].sum(), x)[0]
    torch.manual_seed(3)
    y = checkpoint(lambda x: ours(x)[0], x, use_reentrant=reentrant)
    y.sum().backward()
    assert torch.allclose(x.grad, expected)


def test_saved_tensors_may_be_kept_elsewhere():
    theirs, ours = pair("GRU", 3, 4, **F64)
    x = torch.randn(5, 2, 3, **F64, requires_grad=True)
    with torch.autograd.graph.save_on_cpu():
        y = ours(x)[0]
    expected = gradients_of(theirs(x)[0].sum(), x)[0]
    assert torch.allclose(gradients_of(y.sum(), x)[0], expected)


def test_create_graph_gives_first_gradients_and_refuses_second():
    _, ours = pair("LSTM", 3, 4)
    x = torch.randn(5, 2, 3, requires_grad=True)
    (dx,) = gradients_of(ours(x)[0].sum(), x, create_graph=True)
    (plain,) = gradients_of(ours(x)[0].sum(), x)
    assert torch.equal(dx, plain)
    with pytest.raises(RuntimeError, match="gradient of a gradient was asked for"):
        gradients_of(dx.pow(2).sum(), x, allow_unused=True)


@pytest.mark.filterwarnings("ignore:.*torch.jit.script")  # within make_dual
def test_forward_mode_is_refused():
    forward_ad = torch.autograd.forward_ad
    with forward_ad.dual_level():
        x = forward_ad.make_dual(torch.ones(5, 2, 3), torch.ones(5, 2, 3))
        with pytest.raises(NotImplementedError, match="jvp"):
            tt.GRU(3, 4).requires_grad_(False)(x)
