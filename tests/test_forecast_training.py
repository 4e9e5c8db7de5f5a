"""Training: reproducible, better than the baseline where there is something to learn, savable."""

import numpy as np
import pytest

from tidegate.forecast import evaluate
from tidegate.forecast.errors import InputError
from tidegate.forecast.forecaster import CELLS, Forecaster, Recipe, past_for, train
from tidegate.forecast.series import Series
from tidegate.forecast.windows import Windows
from tidegate.models import Sequential

WINDOWS = Windows(past=16, horizon=6)


@pytest.fixture(scope="module")
def noisy_cycle():
    """A cycle of 6 under noise; the seasonal naive forecast repeats the noise."""
    rng = np.random.default_rng(0)
    t = np.arange(1200)
    return Series(3 * np.sin(2 * np.pi * t / 6) + rng.normal(0, 1, 1200), season=6)


@pytest.mark.parametrize("cell", CELLS)
def test_a_network_beats_the_baseline_on_a_noisy_cycle(noisy_cycle, cell):
    held_out = evaluate.HeldOut.of(noisy_cycle, 1000, WINDOWS.horizon)
    network = train(noisy_cycle, 1000, WINDOWS, Recipe(cell=cell, units=16))
    scores, _ = evaluate.evaluate(noisy_cycle, held_out, WINDOWS, {"network": network})
    naive, learnt = scores[0], scores[-1]
    # The naive error is √2 times the noise; a perfect forecast has the noise itself, 0.71 of it.
    assert 0.6 < learnt.rmse / naive.rmse < 0.85


def test_a_broken_reading_does_not_spoil_the_network(noisy_cycle):
    values = noisy_cycle.values.copy()
    values[500] = -1e6
    broken = Series(values, season=6)
    held_out = evaluate.HeldOut.of(broken, 1000, WINDOWS.horizon)
    network = train(broken, 1000, WINDOWS, Recipe(cell="gru", units=16))
    scores, _ = evaluate.evaluate(broken, held_out, WINDOWS, {"network": network})
    assert scores[-1].rmse < 0.85 * scores[0].rmse


def test_one_seed_gives_the_same_bits_and_another_does_not(noisy_cycle):
    origins = np.arange(330, 350)
    first, same, other = (
        train(noisy_cycle, 330, WINDOWS, Recipe(units=4, epochs=2, seed=seed)).predict(
            noisy_cycle, origins
        )
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, same)
    assert not np.array_equal(first, other)


def test_a_saved_forecaster_forecasts_the_same(noisy_cycle, tmp_path):
    network = train(noisy_cycle, 330, WINDOWS, Recipe(cell="gru", units=4, epochs=1, seed=5))
    path = tmp_path / "cycle.safetensors"
    network.save(path)
    loaded = Forecaster.load(path)
    assert loaded.recipe == network.recipe
    origins = np.arange(330, 350)
    expected = network.predict(noisy_cycle, origins)
    np.testing.assert_array_equal(loaded.predict(noisy_cycle, origins), expected)
    assert {file.name for file in tmp_path.iterdir()} == {path.name}
    network.model.save(path)
    with pytest.raises(InputError, match=r"without the windows and scales .*--save-model"):
        Forecaster.load(path)


def test_windows_without_any_observed_target_are_left_out(noisy_cycle):
    values = noisy_cycle.values.copy()
    values[10:330] = np.nan
    with pytest.raises(InputError, match=r"has 3 windows with an observed target .* at least 16"):
        train(Series(values, 6), 333, WINDOWS, Recipe(epochs=1))


def test_ctrl_c_in_fit_ends_the_command(noisy_cycle, monkeypatch):
    real = Sequential.fit

    def interrupted(self, *args, **kwargs):
        history = real(self, *args, **kwargs)
        history.interrupted = True
        return history

    monkeypatch.setattr(Sequential, "fit", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train(noisy_cycle, 330, WINDOWS, Recipe(units=4, epochs=1))


def test_diverged_training_is_readable(noisy_cycle):
    with pytest.raises(InputError, match=r'column "value": fit: .* in epoch'):
        train(noisy_cycle, 330, WINDOWS, Recipe(units=4, epochs=3, learning_rate=1e38))


def test_the_recipe_counts_steps():
    recipe = Recipe(steps=300)
    assert (recipe.batch_size(100), recipe.epoch_count(100)) == (16, 20)
    assert (recipe.batch_size(500), recipe.epoch_count(500)) == (32, 19)
    assert (recipe.batch_size(1900), recipe.epoch_count(1900)) == (64, 10)
    assert Recipe(epochs=3).epoch_count(10_000) == 3


def test_the_past_is_a_season_within_limits():
    assert [past_for(season) for season in (1, 24, 52, 365)] == [16, 24, 52, 128]
