"""What `fit` shows: bars, lines, silence; the history and its picture; missing extras."""

import importlib.util
import sys

import numpy as np
import pytest

from tidegate.layers import Dense, Input
from tidegate.models import Sequential

RNG = np.random.default_rng(0)
X, Y = RNG.standard_normal((20, 3)), RNG.standard_normal(20)


def fit(**options):
    model = Sequential([Input((3,)), Dense(1)], seed=0)
    model.compile("sgd", "mse", metrics=["mae"])
    return model.fit(X, Y, batch_size=8, **options)


@pytest.fixture
def without(monkeypatch):
    """Make packages look as if they were not installed."""

    def hide(*packages):
        found = importlib.util.find_spec

        def find_spec(name, package=None):
            return None if name.partition(".")[0] in packages else found(name, package)

        class Finder:
            @staticmethod
            def find_spec(name, path=None, target=None):
                if name.partition(".")[0] in packages:
                    raise ModuleNotFoundError(f"No module named {name!r}", name=name)

        for name in list(sys.modules):
            if name.partition(".")[0] in packages:
                monkeypatch.delitem(sys.modules, name)
        monkeypatch.setattr(importlib.util, "find_spec", find_spec)
        monkeypatch.setattr(sys, "meta_path", [Finder, *sys.meta_path])

    return hide


def test_silence(capsys):
    fit(epochs=2, verbose=0)
    assert capsys.readouterr() == ("", "")


def test_lines(capsys):
    history = fit(epochs=3, initial_epoch=1, verbose=2).history
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith(f"epoch 2/3: loss {history['loss'][0]:.4g}, mae ")


@pytest.mark.parametrize("verbose", ["auto", 1])
def test_bar(capsys, verbose):
    pytest.importorskip("tqdm", reason="tqdm is not installed: no bars")
    history = fit(epochs=3, verbose=verbose).history
    shown = capsys.readouterr().err
    assert "9/9" in shown
    assert "epoch 3/3" in shown
    assert f"loss {history['loss'][-1]:.4g}, mae {history['mae'][-1]:.4g}" in shown


def test_without_tqdm_auto_prints_lines(capsys, without):
    without("tqdm")
    fit(epochs=2)
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 2
    assert err == ""


def test_without_tqdm_a_bar_names_the_extra(without):
    without("tqdm")
    with pytest.raises(ImportError, match=r'fit with verbose=1: needs.*"tidegate\[progress\]"'):
        fit(verbose=1)


@pytest.mark.parametrize("verbose", [3, "loud", -1])
def test_unknown_verbosity(verbose):
    with pytest.raises(ValueError, match=r'fit: verbose is .*; expected "auto", 0 .silent., 1'):
        fit(verbose=verbose)


def test_an_interrupted_bar_is_closed(capsys):
    pytest.importorskip("tqdm", reason="tqdm is not installed: no bars")
    from tidegate.training import Callback

    class Stop(Callback):
        def on_train_batch_end(self, batch, logs=None):
            raise KeyboardInterrupt

    assert fit(epochs=2, verbose=1, callbacks=[Stop()]).interrupted
    assert "fit: interrupted in epoch 1 of 2, after 0 of 3 batches" in capsys.readouterr().err


def test_history_in_words():
    assert repr(fit(epochs=0, verbose=0)) == "<History of 0 epochs>"
    history = fit(epochs=2, verbose=0)
    assert repr(history).startswith(f"<History of 2 epochs: loss {history.history['loss'][1]:.4g}")


def test_history_in_a_picture(tmp_path):
    matplotlib = pytest.importorskip("matplotlib", reason="matplotlib is not installed: no plots")
    matplotlib.use("Agg")
    from matplotlib.figure import Figure

    history = fit(epochs=3, verbose=0, validation_split=0.2)
    ax = history.plot(ax=Figure().subplots())
    lines = {line.get_label(): line for line in ax.get_lines()}
    assert set(lines) == set(history.history) == {"loss", "mae", "val_loss", "val_mae"}
    for key, line in lines.items():
        np.testing.assert_array_equal(line.get_xdata(), [1, 2, 3])
        np.testing.assert_array_equal(line.get_ydata(), history.history[key])
    assert lines["loss"].get_color() == lines["val_loss"].get_color() != lines["mae"].get_color()
    path = tmp_path / "loss.png"
    history.plot().figure.savefig(path)
    assert path.stat().st_size > 5000
    import matplotlib.pyplot as plt

    plt.close("all")


def test_without_matplotlib_a_picture_names_the_extra(without):
    without("matplotlib")
    with pytest.raises(ImportError, match=r'history.plot: needs.*"tidegate\[plot\]"'):
        fit(verbose=0).plot()
