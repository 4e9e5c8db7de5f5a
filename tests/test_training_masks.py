"""Training on sequences of different lengths: what padding holds, buckets, targets, errors."""

import numpy as np
import pytest

import tidegate as tg
from engine_runs import refuses
from numeric_gradient import numeric_gradient
from tidegate.layers import GRU, LSTM, Bidirectional, Dense, Dropout, Embedding, Input, Masking
from tidegate.models import Sequential
from tidegate.sequences import from_ragged
from tidegate.training import buckets, losses, metrics
from tidegate.training.data import Samples
from tolerances import BY_HAND, KERAS_STEPS, assert_differences_close

RNG = np.random.default_rng(12)
LENGTHS = RNG.integers(1, 10, 61)
LENGTHS[7] = 0
RAGGED = [RNG.standard_normal((n, 2)).astype("f4") for n in LENGTHS]
X = from_ragged(RAGGED)[0]
MASK = np.arange(X.shape[1]) < LENGTHS[:, None]
Y = RNG.standard_normal((len(X), 1)).astype("f4")
EVERY = [RNG.standard_normal((n, 3)).astype("f4") for n in LENGTHS]  # a target for each step


def make(sequences=False, seed=1, dropout=0.2):
    layers = [
        Input((None, 2)),
        Dense(4, "tanh"),
        Bidirectional(GRU(3, return_sequences=True)),
        Dropout(dropout),
        LSTM(4, return_sequences=sequences),
        Dense(3 if sequences else 1),
    ]
    model = Sequential(layers, seed=seed)
    model.compile("adam", "mse", metrics=["mae"])
    return model


def bits(model):
    return b"".join(value.tobytes() for value in model.get_weights())


def fit(x, y, sequences=False, **options):
    model = make(sequences)
    options = {"epochs": 3, "batch_size": 8, "verbose": 0} | options
    return model.fit(x, y, **options).history, bits(model)


@pytest.mark.parametrize("bucket", [False, True])
@pytest.mark.parametrize("sequences", [False, True])
def test_padding_with_nan_gives_the_bits_of_padding_with_zeros(sequences, bucket):
    y = from_ragged(EVERY)[0] if sequences else Y
    hidden = np.where(MASK[..., None], X, np.float32(np.nan))
    hidden_y = from_ragged(EVERY, value=np.nan)[0] if sequences else Y
    options = {"sequences": sequences, "bucket_by_length": bucket}
    expected = fit(X, y, mask=MASK, **options)
    assert np.isfinite(expected[0]["loss"]).all()
    assert fit(hidden, y, mask=MASK, **options) == expected
    assert fit(hidden, hidden_y, lengths=LENGTHS, **options) == expected
    assert fit(RAGGED, EVERY if sequences else Y, **options) == expected


@pytest.mark.parametrize("back", [False, True], ids=["forwards", "backwards"])
def test_weights_of_hidden_steps_may_be_anything_and_come_as_a_list(back):
    def run(x, y, weight, **options):
        layers = [Input((None, 2)), GRU(4, return_sequences=True, go_backwards=back), Dense(3)]
        model = Sequential(layers, seed=1)
        model.compile("adam", "mse")
        return model.fit(x, y, sample_weight=weight, verbose=0, **options).history, bits(model)

    each = [RNG.uniform(0.5, 2, n) for n in LENGTHS]
    ones, nans = from_ragged(each, value=1.0)[0], from_ragged(each, value=np.nan)[0]
    y = from_ragged(EVERY)[0]
    if back:  # the last step comes first, after the padding
        ones, nans, y = ones[:, ::-1], nans[:, ::-1], y[:, ::-1]
    expected = run(X, y, ones, lengths=LENGTHS)
    assert run(X, y, nans, lengths=LENGTHS) == expected
    if not back:
        assert run(RAGGED, EVERY, each) == expected
    else:
        forth = [[part[::-1] for part in parts] for parts in (EVERY, each)]
        assert run(RAGGED, *forth) == expected
    with pytest.raises(ValueError, match=r"fit: sample_weight\[0\] has . steps; expected ., as x"):
        run(RAGGED, EVERY, [each[0][:-1], *each[1:]])


def test_bits_do_not_depend_on_threads(threads_restored):
    runs = []
    for threads in (1, 2, 3):
        tg.set_num_threads(threads)
        runs.append(fit(RAGGED, EVERY, True, bucket_by_length=True))
    assert runs[0] == runs[1] == runs[2]


def test_valid_steps_decide_alone():
    """A change of what is hidden changes nothing; a change of a valid step does."""
    other = np.where(MASK[..., None], X, np.float32(1e6))
    y = from_ragged(EVERY)[0]
    expected = fit(X, y, True, lengths=LENGTHS)
    assert fit(other, np.where(MASK[..., None], y, 5.0), True, lengths=LENGTHS) == expected
    y[0, LENGTHS[0] - 1] += 0.5
    assert fit(X, y, True, lengths=LENGTHS)[1] != expected[1]


def test_gradients_of_a_masked_model():
    """Finite differences of the loss by every weight, with gaps, dropout off, float64."""
    mask = RNG.random((4, 5)) < 0.6
    mask[1] = False
    x, y = RNG.standard_normal((4, 5, 2)), RNG.standard_normal((4, 5, 3))
    weight = RNG.uniform(0.5, 2, (4, 5))
    layers = [
        Input((None, 2)),
        Bidirectional(LSTM(2, return_sequences=True, dtype="float64")),
        GRU(3, return_sequences=True, go_backwards=True, dtype="float64"),
        LSTM(2, return_sequences=True, dtype="float64"),
        Dense(3, "tanh", dtype="float64"),
    ]
    model = Sequential(layers, seed=5)
    model.compile("sgd", losses.Huber(0.5))
    model.build((None, 2))

    def loss():
        model.weights_changed()
        return model.evaluate(x, y, sample_weight=weight, mask=mask)

    numeric = {name: numeric_gradient(p.value, loss) for name, p in model.parameters.items()}
    model.weights_changed()
    before = {name: p.value.copy() for name, p in model.parameters.items()}
    model.train_on_batch(x, y, weight, mask=mask)
    analytic = {name: (before[name] - p.value) / 0.01 for name, p in model.parameters.items()}
    assert_differences_close(analytic, numeric, np.float64)


def test_resumed_fit_is_the_unbroken_fit(tmp_path):
    pytest.importorskip("safetensors")
    options = {"batch_size": 8, "verbose": 0, "lengths": LENGTHS, "bucket_by_length": True}
    whole = make()
    history = whole.fit(X, Y, epochs=5, **options).history["loss"]
    first = make()
    losses_seen = first.fit(X, Y, epochs=2, **options).history["loss"]
    first.save(tmp_path / "m.safetensors")
    second = tg.load(tmp_path / "m.safetensors")
    losses_seen += second.fit(X, Y, initial_epoch=2, epochs=5, **options).history["loss"]
    assert losses_seen == history
    assert bits(second) == bits(whole)


@pytest.mark.parametrize("side", ["after", "before"])
@pytest.mark.parametrize("shuffled", [False, True])
def test_buckets_hold_every_sample_once_and_little_padding(shuffled, side):
    count, size, steps = 1003, 10, 100
    rng = np.random.default_rng(1)
    lengths = rng.integers(0, steps + 1, count)
    mask = np.arange(steps) < lengths[:, None]
    if side == "before":
        mask = mask[:, ::-1]
    x = np.broadcast_to(np.arange(count)[:, None, None], (count, steps, 1))
    samples = Samples(x, np.arange(count), None, mask)
    drawn = rng.permutation(count) if shuffled else None
    order = buckets.order(mask, size, None if drawn is None else drawn.copy(), rng)
    np.testing.assert_array_equal(np.sort(order), np.arange(count))
    parts = list(buckets.batches(samples, size, order, target_steps="none"))
    np.testing.assert_array_equal(np.concatenate([part.y for part in parts]), order)
    assert [len(part.x) for part in parts] == [size] * 100 + [3]
    computed = sum(part.x.size for part in parts)
    assert mask.sum() <= computed < 1.15 * mask.sum()  # 2.0 times without buckets
    for part in parts:
        assert part.mask.any(axis=0)[[0, -1]].all() or not part.mask.any()
        np.testing.assert_array_equal(part.mask.sum(axis=1), lengths[part.y])
        np.testing.assert_array_equal(part.x[:, 0, 0], part.y)
    if shuffled:  # who is with whom changes with the order that was drawn
        again = buckets.order(mask, size, rng.permutation(count), rng)
        assert set(map(frozenset, order[:1000].reshape(-1, size).tolist())).isdisjoint(
            map(frozenset, again[:1000].reshape(-1, size).tolist())
        )


def test_buckets_change_the_order_and_nothing_else():
    """Without learning, the loss is that of evaluate on the same batches."""
    model = make(dropout=0.0)
    model.compile("sgd", "mse")
    model.optimizer.learning_rate = 0.0
    options = {"batch_size": 1, "verbose": 0, "lengths": LENGTHS}
    (plain,) = model.fit(X, Y, **options).history["loss"]
    (bucketed,) = model.fit(X, Y, bucket_by_length=True, **options).history["loss"]
    np.testing.assert_allclose(bucketed, plain, **KERAS_STEPS)


@pytest.mark.parametrize("weight", [None, "samples", "steps"])
@pytest.mark.parametrize("sequences", [False, True])
def test_buckets_cut_targets_and_weights_where_they_have_steps(sequences, weight):
    """As many outputs as steps, and sequences shorter than both: only sequences are cut."""
    lengths = np.minimum(LENGTHS, 6)
    last = GRU(9, return_sequences=sequences, input_shape=(9, 2))
    model = Sequential([last, Dense(9)], seed=4)
    model.compile("sgd", "mse")
    model.optimizer.learning_rate = 0.0
    y = RNG.standard_normal((61, 9, 9) if sequences else (61, 9))
    options = {"lengths": lengths}
    if weight:
        rows = (61, 9) if sequences and weight == "steps" else (61,)
        options["sample_weight"] = RNG.uniform(0.5, 2, rows)
    history = model.fit(X, y, batch_size=1, verbose=0, bucket_by_length=True, **options).history
    expected = model.evaluate(X, y, batch_size=1, **options)
    np.testing.assert_allclose(history["loss"], [expected], **KERAS_STEPS)


@pytest.mark.parametrize("first", ["masking", "tokens"])
def test_buckets_of_models_that_find_their_masks(first):
    tokens = np.where(MASK, RNG.integers(1, 5, MASK.shape), 0)
    seen = []
    for options in ({}, {"mask": MASK}):
        layers, x = [Input((9, 2)), Masking()], X
        if first == "tokens":
            layers, x = [Input((9,)), Embedding(5, 3, mask_zero=True)], tokens
        model = Sequential([*layers, LSTM(4), Dense(1)], seed=3)
        model.compile("sgd", "mse")
        model.fit(x, Y, verbose=0, bucket_by_length=True, epochs=2, batch_size=8, **options)
        seen.append(bits(model))
    assert seen[0] == seen[1]


def test_validation_with_lengths():
    model = make()
    lengths = {"lengths": LENGTHS}
    expected = model.evaluate(X, Y, return_dict=True, **lengths)
    model.optimizer.learning_rate = 0.0
    for given in ({"x": X, "y": Y} | lengths, (RAGGED, Y), {"x": X, "y": Y, "mask": MASK}):
        history = model.fit(X, Y, validation_data=given, verbose=0, **lengths).history
        assert history["val_loss"] == [expected["loss"]]
    split = model.fit(X, Y, validation_split=0.3, verbose=0, **lengths).history["val_loss"]
    part = slice(int(61 * 0.7), None)
    assert split == [model.evaluate(X[part], Y[part], lengths=LENGTHS[part])[0]]


def test_nothing_that_counts_is_a_loss_of_zero():
    model = make(True, dropout=0.0)
    before = bits(model)
    nothing = {"lengths": np.zeros(len(X), int), "verbose": 0}
    assert model.fit(X, from_ragged(EVERY)[0], **nothing).history == {"loss": [0.0], "mae": [0.0]}
    assert bits(model) == before


TARGETS = np.array([[[1.0], [2.0], [3.0]], [[4.0], [5.0], [6.0]]])
SOME = np.array([[True, True, False], [False, False, True]])


@pytest.mark.parametrize("hidden", [0.0, np.nan, np.inf])
def test_losses_and_metrics_by_hand(hidden):
    output = np.where(SOME[..., None], 0.0, hidden)
    weight = np.array([[1.0, 2.0, 7.0], [7.0, 7.0, 0.5]])
    for reduction, count in (("sum_over_batch_size", 3), ("sum", 1)):
        loss = losses.MeanSquaredError(reduction)
        value, slopes = loss.value_and_gradient(TARGETS, output.copy(), None, SOME)
        np.testing.assert_allclose(value, (1 + 4 + 36) / count, rtol=BY_HAND)
        np.testing.assert_allclose(slopes[SOME][:, 0], [-2 / count, -4 / count, -12 / count])
        assert not slopes[~SOME].any()
        value = loss.value(TARGETS, output.copy(), weight, SOME)
        np.testing.assert_allclose(value, (1 + 2 * 4 + 0.5 * 36) / count, rtol=BY_HAND)
    root = metrics.RootMeanSquaredError()
    root.update(TARGETS, output, None, SOME)
    np.testing.assert_allclose(root.result(), np.sqrt(41 / 3), rtol=BY_HAND)
    mean = metrics.get("test", "metrics", ["mae"], [])[0]
    mean.update(TARGETS, output, weight, SOME)
    np.testing.assert_allclose(mean.result(), (1 + 2 * 2 + 0.5 * 6) / 3.5, rtol=BY_HAND)
    mean.update(TARGETS, output, weight[:, :1], SOME)  # one weight for each sample
    np.testing.assert_allclose(mean.result(), (8 + 1 + 2 + 7 * 6) / (3.5 + 9), rtol=BY_HAND)


@pytest.mark.parametrize(
    ("options", "kind", "parts"),
    [
        ({"bucket_by_length": True}, ValueError, ["bucket_by_length=True", "lengths=, mask="]),
        ({"bucket_by_length": 1}, TypeError, ["bucket_by_length is 1", "True or False"]),
        ({"lengths": LENGTHS * 1.0}, TypeError, ["fit: lengths has dtype float64"]),
        ({"lengths": LENGTHS[:-1]}, ValueError, ["fit: lengths has shape (60,)", "(61,)"]),
        ({"mask": MASK[:, :-1]}, ValueError, ["fit: mask has shape (61, 8)", "(61, 9)"]),
        (
            {"validation_data": {"x": X, "y": Y, "length": 1}},
            ValueError,
            ["validation_data has the key 'length'", "lengths"],
        ),
        (
            {"validation_data": {"x": X, "y": Y, "lengths": LENGTHS + 9}},
            ValueError,
            ["fit: validation_data: lengths[0] is", "0..9"],
        ),
    ],
)
def test_bad_input(options, kind, parts):
    with refuses(kind, *parts):
        make().fit(X, Y, verbose=0, **options)


def test_targets_of_other_lengths():
    with refuses(ValueError, "fit: y[3] has", f"expected {LENGTHS[3]}, as x has"):
        wrong = [np.zeros((len(y) + (k == 3), 3)) for k, y in enumerate(EVERY)]
        make(True).fit(RAGGED, wrong, verbose=0)


def test_buckets_of_a_stateful_model():
    model = Sequential([Input((9, 2)), LSTM(3, stateful=True), Dense(1)])
    model.compile("sgd", "mse")
    with refuses(ValueError, "bucket_by_length=True and a layer is stateful"):
        model.fit(X, Y, shuffle=False, lengths=LENGTHS, bucket_by_length=True, batch_size=61)
