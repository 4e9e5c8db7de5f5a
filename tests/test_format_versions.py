"""Files of every version of the format are read, and give what they gave when they were written.

tests/model_files holds them; docs/versioning.md says what is promised of them.
"""

import numpy as np
import pytest

import tidegate
from conftest import ROOT
from tidegate import io
from tolerances import BETWEEN_ENGINES, KERAS_FIT, assert_forward_close

pytest.importorskip("safetensors", reason="safetensors is not installed: no model files")

FOLDER = ROOT / "tests" / "model_files"
NAMES = sorted(path.stem for path in FOLDER.glob("*.safetensors"))
TRAINED = [name for name in NAMES if name.endswith("_sequential")]


@pytest.fixture(scope="module")
def arrays():
    """What the models took and gave, by file and name."""
    return dict(np.load(FOLDER / "arrays.npz"))


def load(name):
    return tidegate.load(FOLDER / f"{name}.safetensors")


def test_the_present_version_has_its_files():
    present = {f"format_{io.FORMAT_VERSION}_{kind}" for kind in ("sequential", "graph")}
    assert present <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_file_predicts_what_it_did(name, arrays):
    y = load(name).predict(arrays[f"{name}.x"])
    assert_forward_close(y, arrays[f"{name}.y"], engines=BETWEEN_ENGINES)


@pytest.mark.parametrize("name", TRAINED)
def test_a_file_trains_on_from_where_it_was(name, arrays):
    model = load(name)
    x, targets = arrays[f"{name}.x"], arrays[f"{name}.targets"]
    model.fit(x, targets, verbose=0, shuffle=False)
    trained, before = arrays[f"{name}.trained"], arrays[f"{name}.y"]
    np.testing.assert_allclose(model.predict(x), trained, **KERAS_FIT)
    assert np.max(np.abs(trained - before)) > 10 * KERAS_FIT["atol"]  # the step can be told


@pytest.mark.parametrize("name", NAMES)
def test_a_file_written_anew_is_the_same_model(name, arrays, tmp_path):
    load(name).save(tmp_path / "m.safetensors")
    again = tidegate.load(tmp_path / "m.safetensors")
    x = arrays[f"{name}.x"]
    np.testing.assert_array_equal(again.predict(x), load(name).predict(x))
