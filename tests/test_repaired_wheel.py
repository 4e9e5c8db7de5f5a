"""A repaired wheel beside PyTorch, in both orders of import: same numbers, working children.

TIDEGATE_TEST_WHEEL names the folder of the wheel; docs/wheels.md tells how to make it.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="PyTorch is not installed: nothing to be beside")

CHECK = """
import os, signal, sys
import numpy as np
if sys.argv[1] == "torch":
    import torch, tidegate as tg
else:
    import tidegate as tg, torch
assert "/site/" in tg.__file__, tg.__file__
torch.manual_seed(0)
layer = torch.nn.LSTM(5, 64)
x = torch.randn(20, 8, 5, requires_grad=True)
y, _ = layer(x)
dy = torch.randn_like(y)
y.backward(dy)
arrays = [p.detach().numpy() for p in layer.parameters()]
w = tg.CellWeights("lstm", *arrays)
out = tg.functional.rnn_forward(w, x.detach().numpy(), training=True)
grads = tg.functional.rnn_backward(out.saved, dy=dy.numpy())
np.testing.assert_allclose(out.y, y.detach().numpy(), atol=1e-6)
np.testing.assert_allclose(grads.x, x.grad.numpy(), atol=2e-6)
theirs = layer.weight_hh_l0.grad.numpy()
np.testing.assert_allclose(grads.weights.weight_hh, theirs, atol=1e-4 * abs(theirs).max())
for _ in range(3):
    child = os.fork()
    if child == 0:
        signal.alarm(20)  # a child that hangs ends
        tg.functional.rnn_forward(w, x.detach().numpy())
        tg.set_num_threads(2)
        same = np.array_equal(tg.functional.rnn_forward(w, x.detach().numpy()).y, out.y)
        os._exit(0 if same else 3)
    assert os.waitpid(child, 0)[1] == 0
print("passed")
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = os.environ.get("TIDEGATE_TEST_WHEEL")
    if not folder:
        pytest.skip("TIDEGATE_TEST_WHEEL names no folder with a repaired wheel (docs/wheels.md)")
    (wheel,) = Path(folder).glob("tidegate-*manylinux*.whl")
    target = tmp_path_factory.mktemp("wheel") / "site"
    command = (sys.executable, "-m", "pip", "install", "--no-deps", "--target", str(target))
    env = {**os.environ, "PYTHONWARNINGS": "default"}
    subprocess.run([*command, str(wheel)], check=True, capture_output=True, env=env)
    return target


@pytest.mark.slow
@pytest.mark.parametrize("first", ["torch", "tidegate"])
def test_beside_torch(site, first):
    env = {**os.environ, "PYTHONPATH": str(site), "PYTHONWARNINGS": "ignore"}
    command = [sys.executable, "-c", CHECK, first]
    done = subprocess.run(
        command, env=env, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.stdout == "passed\n", done.stderr


@pytest.mark.slow
def test_the_runtime_of_openmp_is_inside(site):
    assert [path.name for path in (site / "tidegate.libs").glob("libgomp*")]
