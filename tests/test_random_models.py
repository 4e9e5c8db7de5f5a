"""Random options of layers in pairs and more: what every model promises, whatever it is made of.

One configuration again, or thousands: see random_runs.py.
"""

import copy
import pickle

import numpy as np
import pytest

import tidegate as tg
from numeric_gradient import numeric_slope
from random_models import STEPS, RandomModel
from random_runs import SEEDS, Draw
from tidegate.training import optimizers
from tidegate.training.step import Step
from tolerances import BETWEEN_ENGINES, DIFFERENCE, assert_forward_close
from training_probes import NoStep, Outputs

pytestmark = pytest.mark.parametrize("seed", SEEDS)


def close(got, expected, what):
    """Up to rounding: products of other shapes, and sums of other lengths."""
    assert_forward_close(got, expected, what, engines=BETWEEN_ENGINES)


def with_hidden(case, value):
    return case.x if case.mask is None else np.where(case.mask[..., None], case.x, value)


def test_no_row_depends_on_another_or_on_what_is_hidden(seed):
    case = RandomModel(Draw(seed))
    model, x, mask = case.model, case.x, case.mask
    y = model.predict(x, **case.arguments)
    assert np.isfinite(y).all()
    for hidden in (np.nan, 7.0):
        np.testing.assert_array_equal(model.predict(with_hidden(case, hidden), **case.arguments), y)
    counts = model.plan.forward(with_hidden(case, 0.0), mask=mask)[1]
    for row in range(len(x)):
        part = slice(row, row + 1)
        options = {name: value[part] for name, value in case.arguments.items()}
        shown = slice(None) if counts is None else counts[row]
        alone = model.predict(x[part], **options)[0]
        close(alone[shown], y[row][shown], "a row alone")
        if "lengths" in case.arguments and case.aligned and mask[row].any():
            short = model.predict(x[part, mask[row]])[0]
            if counts is not None or short.ndim == 1:
                close(short, y[row][shown], "a row without padding")


def test_copies_and_files_go_on_alike(seed, tmp_path):
    """Adam, dropout, buckets: one run of two epochs, or a copy after the first."""
    case = RandomModel(Draw(seed))
    model, y = case.model, case.targets()
    options = {"batch_size": 3, "verbose": 0, **case.arguments}
    if "lengths" in case.arguments and case.aligned and y.ndim == 2:
        options["bucket_by_length"] = True

    def fit(model, **epochs):
        model.fit(with_hidden(case, np.nan), y, **options, **epochs)
        return [part.tobytes() for part in model.get_weights()]

    model.compile("adam", "mse", metrics=["mae"])
    whole = fit(copy.deepcopy(model), epochs=2)
    fit(model, epochs=1)
    model.save(tmp_path / "m.safetensors")
    for other in (tg.load(tmp_path / "m.safetensors"), pickle.loads(pickle.dumps(model))):
        found = other.predict(case.x, **case.arguments)
        np.testing.assert_array_equal(found, model.predict(case.x, **case.arguments))
        assert fit(other, initial_epoch=1, epochs=2) == whole


def test_gradients(seed):
    """Of some weights; dropout draws the same masks each time. No relu, no clip: differences need
    slopes.
    """
    case = RandomModel(Draw(seed), kinks=False)
    model, y = case.model, case.targets()
    model.compile("sgd", "mse")
    model.optimizer = NoStep()

    def loss():
        model.weights_changed()
        rng = np.random.default_rng(3)
        return Step(model).train(with_hidden(case, 0.0), y, None, rng, case.mask)

    loss()
    gradients = {name: p.grad.copy() for name, p in model.parameters.items()}
    largest = max(0.1, *(np.abs(gradient).max() for gradient in gradients.values()))
    for name, parameter in model.parameters.items():
        index = np.unravel_index(case.draw.rng.integers(parameter.size), parameter.shape)
        slope = numeric_slope(parameter.value, index, loss)
        atol = DIFFERENCE[np.dtype(np.float64)] * largest
        np.testing.assert_allclose(gradients[name][index], slope, rtol=0, atol=atol, err_msg=name)


def in_pieces(case, length):
    """Slices of the steps, and what says there which steps count."""
    for start in range(0, STEPS, length):
        part = slice(start, start + length)
        yield part, {} if case.mask is None else {"mask": case.mask[:, part]}


def test_a_stateful_model_in_pieces_is_one_long_run(seed):
    case = RandomModel(Draw(seed), forwards=True, stateful=True)
    model = case.model
    whole = model.predict(case.x, **case.arguments)
    model.reset_states()
    length = int(case.draw.rng.integers(1, STEPS + 1))
    pieces = [
        model.predict(case.x[:, part], **options) for part, options in in_pieces(case, length)
    ]
    shown = slice(None) if case.mask is None else case.mask
    close(np.concatenate(pieces, axis=1)[shown], whole[shown], "pieces")


def test_truncated_training_runs_the_unbroken_sequence(seed):
    """Without dropout, which draws a mask for each piece."""
    case = RandomModel(Draw(seed), forwards=True, noise=False)
    model, outputs = case.model, Outputs()
    whole = model.predict(case.x, **case.arguments)
    model.compile(optimizers.SGD(1e-30), "mse", metrics=[outputs])
    options = {"batch_size": len(case.x), "shuffle": False, "verbose": 0, **case.arguments}
    length = int(case.draw.rng.integers(1, STEPS + 2))
    model.fit(case.x, case.targets(), tbptt=length, **options)
    seen = np.concatenate(outputs.seen, axis=1)
    mask = np.ones(case.x.shape[:2], bool) if case.mask is None else case.mask
    walked = [mask[:, part] for part, _ in in_pieces(case, length) if mask[:, part].any()]
    shown = np.concatenate(walked, axis=1)
    close(seen[shown], whole[mask], "pieces")
