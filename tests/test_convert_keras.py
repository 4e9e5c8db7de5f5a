"""`tidegate convert` between tidegate's files and Keras's."""

import numpy as np
import pytest

import tidegate as tg
from table_files import saved_model

pytest.importorskip("keras", reason='pip install "tidegate[keras]" and a backend')


@pytest.mark.filterwarnings(
    "ignore:__array__ implementation:DeprecationWarning"
)  # Keras on TensorFlow
@pytest.mark.parametrize("ending", ["keras", "h5"])
@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
def test_to_keras_and_back(command, tmp_path, ending):
    model = saved_model(tmp_path / "m.safetensors")
    status, _, err = command("convert", "m.safetensors", f"m.{ending}")
    assert status == 0, err
    status, _, err = command("convert", f"m.{ending}", "again.safetensors")
    assert status == 0, err
    x = np.random.default_rng(0).normal(size=(2, 7, 3)).astype(np.float32)
    again = tg.load("again.safetensors")
    np.testing.assert_allclose(again.predict(x), model.predict(x), atol=1e-6)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "again.safetensors",
        f"m.{ending}",
        "m.safetensors",
    ]
