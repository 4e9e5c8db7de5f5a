"""Estimators in joblib workers, and as pickles."""

import io
import pickle
import warnings

import numpy as np
import pytest

pytest.importorskip("sklearn", reason='needs scikit-learn: pip install "tidegate[sklearn]"')

import joblib

import tidegate
from conftest import run_python
from sklearn_problems import ragged, sequences
from tidegate.io import ModelFileError
from tidegate.sklearn import RNNClassifier, RNNRegressor

SEARCH = """
import numpy as np
import joblib
from sklearn.model_selection import GridSearchCV, cross_val_score
import tidegate as tg
from tidegate.sklearn import RNNClassifier

if __name__ == "__main__":
    rng = np.random.default_rng(0)
    X = rng.standard_normal((40, 6, 2))
    y = np.where(X[:, :, 0].sum(axis=1) > 0, "up", "down")
    # Threads of the core run in the parent before workers are forked.
    tg.set_num_threads(2)
    model = RNNClassifier(units=64, epochs=2, random_state=0).fit(X, y)
    with joblib.parallel_config(backend=BACKEND):
        search = GridSearchCV(
            RNNClassifier(epochs=4, random_state=0), {"units": [2, 16]}, cv=2, n_jobs=2
        ).fit(X, y)
        threads = joblib.Parallel(n_jobs=2)(joblib.delayed(tg.get_num_threads)() for _ in range(4))
        at_once = cross_val_score(RNNClassifier(epochs=4, random_state=0), X, y, cv=2, n_jobs=2)
    one_by_one = cross_val_score(RNNClassifier(epochs=4, random_state=0), X, y, cv=2)
    assert (one_by_one == at_once).all()
    print(max(threads), joblib.cpu_count(), search.best_params_["units"])
"""


@pytest.mark.parametrize("backend", ["loky", "threading", "multiprocessing"])
def test_grid_search_with_workers(backend, tmp_path):
    script = tmp_path / "search.py"
    script.write_text(f"BACKEND = {backend!r}\n{SEARCH}")
    # Python 3.12 warns of fork beside threads; whether it hangs is what is tested here.
    done = run_python(
        f"import runpy; runpy.run_path({str(script)!r}, run_name='__main__')",
        env={"PYTHONWARNINGS": "ignore"},
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    threads, cpus, _ = map(int, done.stdout.split())
    share = {"loky": max(cpus // 2, 1), "multiprocessing": 1, "threading": 2}[backend]
    assert threads <= share


@pytest.fixture(scope="module", params=["classifier", "regressor"])
def fitted(request):
    X, y = ragged()
    arguments = {"units": 6, "epochs": 3, "random_state": 0, "num_threads": 1, "layers": 2}
    if request.param == "classifier":
        return RNNClassifier(**arguments).fit(X, np.where(y > 0, "up", "down")), X
    return RNNRegressor(**arguments).fit(X, y), X


def test_a_pickle_predicts_the_same_bits(fitted, tmp_path):
    model, X = fitted
    path = tmp_path / "model.joblib"
    joblib.dump(model, path)
    for copy in (pickle.loads(pickle.dumps(model)), joblib.load(path)):
        np.testing.assert_array_equal(copy.predict(X), model.predict(X))
        assert copy.get_params() == model.get_params()
        assert copy.history_ == model.history_


def test_a_pickle_holds_the_model_as_safetensors_bytes_and_no_class_of_layers(fitted):
    model, _ = fitted
    stored = model.__getstate__()["model_"]
    assert isinstance(stored, bytes)
    assert tidegate.io.from_bytes(stored).count_params() == model.model_.count_params()
    seen = []

    class Watching(pickle.Unpickler):
        def find_class(self, module, name):
            seen.append(f"{module}.{name}")
            return super().find_class(module, name)

    Watching(io.BytesIO(pickle.dumps(model))).load()
    assert not [name for name in seen if "layers" in name or "models" in name], seen


def test_an_unpickled_model_learns_on_bit_for_bit():
    X, y = sequences()
    model = RNNRegressor(units=4, random_state=0, num_threads=1).partial_fit(X, y)
    copy = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(
        copy.partial_fit(X, y).predict(X), model.partial_fit(X, y).predict(X)
    )


def test_an_estimator_that_is_not_fitted_can_be_pickled():
    model = pickle.loads(pickle.dumps(RNNClassifier(units=3)))
    assert model.units == 3
    assert not hasattr(model, "model_")


def test_a_damaged_pickle_is_refused(fitted):
    model, _ = fitted
    state = model.__getstate__()
    damaged = bytearray(state["model_"])
    damaged[-1] ^= 1
    with warnings.catch_warnings(), pytest.raises(ModelFileError, match="another content than its"):
        type(model)().__setstate__({**state, "model_": bytes(damaged)})
