"""Gradients of graphs of layers, attention and masks included, against finite differences."""

import numpy as np
import pytest

from numeric_gradient import numeric_gradient
from tidegate.layers import (
    GRU,
    LSTM,
    Add,
    AdditiveAttention,
    Attention,
    AttentionPooling,
    Average,
    Bidirectional,
    Concatenate,
    Dense,
    Embedding,
    Input,
    Multiply,
    Residual,
    SimpleRNN,
)
from tidegate.layers.several import Several
from tidegate.models import Model
from tidegate.training.step import Step
from tolerances import assert_differences_close
from training_probes import NoStep

F8 = {"dtype": "float64"}
RNG = np.random.default_rng(8)
X = RNG.standard_normal((3, 4, 2))
Z = RNG.standard_normal((3, 5, 2))
FACTS = RNG.standard_normal((3, 3))
WORDS = RNG.integers(0, 5, (3, 4))
MASK = np.array([[1, 1, 0, 1], [1, 0, 0, 0], [1, 1, 1, 1]], bool)
NONE_VALID = np.array([[1, 1, 0, 1, 0], [0, 0, 0, 0, 0], [1, 1, 1, 1, 1]], bool)


def lstm(units=3, **options):
    return LSTM(units, bias_initializer="random_normal", return_sequences=True, **options, **F8)


def gru(units=3, **options):
    return GRU(units, bias_initializer="random_normal", return_sequences=True, **options, **F8)


def dense(units=1, **options):
    return Dense(units, bias_initializer="random_normal", **options, **F8)


def branches():
    a, b = Input((4, 2)), Input((3,))
    joined = Concatenate()([GRU(3, **F8)(a), dense(2, activation="tanh")(b)])
    return Model([a, b], dense()(joined)), [X, FACTS]


def shared():
    """Over two inputs, twice in a row, and once where the gradient ends in integers."""
    a, b, words = Input((4, 2)), Input((5, 2)), Input((4,))
    twice, head = gru(2), dense(2, activation="tanh")
    u, v = twice(twice(a)), twice(b)
    table = Embedding(5, 2, **F8)
    ends = [AttentionPooling(2, **F8)(part) for part in (u, v, twice(table(words)), table(words))]
    both = Bidirectional(gru(1))
    ends += [AttentionPooling(2, **F8)(both(part)) for part in (a, b)]
    return Model([a, b, words], dense()(Concatenate()([head(end) for end in ends]))), [X, Z, WORDS]


def shared_wrappers():
    """Over sequences of different lengths, and twice in a row."""
    ends, inputs = [], [Input((4, 2)), Input((5, 2))]
    for layer in (dense(2, activation="tanh"), gru(2), Bidirectional(gru(2), "sum")):
        wrapper = Residual(layer)
        ends += [AttentionPooling(2, **F8)(wrapper(wrapper(part))) for part in inputs]
    return Model(inputs, dense()(Concatenate()(ends))), [X, Z]


def residual():
    a = Input((4, 2))
    low = lstm(2)(a)
    high = Add()([low, lstm(2)(low), a])
    gated = Multiply()([high, dense(2, activation="sigmoid")(high), low])
    return Model(a, dense()(Average()([gated, lstm(2)(gated)]))), [X]


def steps_joined():
    a, b = Input((4, 2)), Input((5, 2))
    return Model([a, b], dense()(SimpleRNN(3, **F8)(Concatenate(axis=1)([a, lstm(2)(b)])))), [X, Z]


def pooled():
    a = Input((4, 2))
    pool = AttentionPooling(3, bias_initializer="random_normal", **F8)
    return Model(a, dense(2)(pool(Bidirectional(gru(2))(a)))), [X]


def attention(kind, **options):
    def make():
        a, b = Input((4, 2)), Input((5, 2))
        query, value = lstm(3)(a), gru(3)(b)
        return Model([a, b], dense()(kind(**options, **F8)([query, value]))), [X, Z]

    return make


def with_key(kind, **options):
    def make():
        a, b = Input((4, 2)), Input((5, 2))
        query, value, key = lstm(2)(a), gru(3)(b), dense(2)(b)
        return Model([a, b], dense()(kind(**options, **F8)([query, value, key]))), [X, Z]

    return make


def encoder_decoder():
    """States read and written, one of them by two; the output of the encoder unused."""
    a, b = Input((4, 2)), Input((5, 2))
    _, h, c = LSTM(3, return_state=True, **F8)(a)
    y, h_last, _ = lstm(3, return_state=True)(b, initial_state=[h, c])
    z = GRU(3, **F8)(y, initial_state=h)
    return Model([a, b], dense()(Concatenate()([z, h_last]))), [X, Z]


def shared_states():
    """One layer over two inputs, the second from the states of the first; the output twice."""
    a, b = Input((4, 2)), Input((5, 2))
    both = gru(3, return_state=True, go_backwards=True)
    y, h = both(a)
    z, last = both(b, initial_state=[h])
    ends = [AttentionPooling(2, **F8)(part) for part in (y, z)]
    return Model([a, b], dense()(Concatenate()([*ends, last]))), [X, Z]


GRAPHS = {
    "encoder decoder": encoder_decoder,
    "shared states": shared_states,
    "branches": branches,
    "shared": shared,
    "shared wrappers": shared_wrappers,
    "residual": residual,
    "steps joined": steps_joined,
    "pooled": pooled,
    "dot": attention(Attention),
    "scaled dot": attention(Attention, score_mode="scaled_dot", use_scale=True),
    "dot with key": with_key(Attention, use_scale=True),
    "additive": attention(AdditiveAttention),
    "additive with key": with_key(AdditiveAttention, use_scale=False),
}


def gradients(model, loss_at):
    """Analytic and numeric gradients of all parameters."""
    rng = np.random.default_rng(5)
    for parameter in model.parameters.values():
        parameter.value[...] = rng.uniform(-0.9, 0.9, parameter.shape)
    loss_at()
    analytic = {name: parameter.grad.copy() for name, parameter in model.parameters.items()}
    numeric = {name: numeric_gradient(p.value, loss_at) for name, p in model.parameters.items()}
    assert all(np.abs(gradient).max() > 0 for gradient in analytic.values())
    return analytic, numeric


def check(model, inputs, mask=None):
    model.compile("sgd", "mse")
    model.optimizer = NoStep()
    x = Several(inputs) if len(inputs) > 1 else inputs[0]
    shape = model.infer(x).shape
    y = np.random.default_rng(4).standard_normal(shape)
    weight = np.linspace(0.5, 2, int(np.prod(shape[:-1]))).reshape(shape[:-1])

    def loss_at():
        model.weights_changed()
        return Step(model).train(x, y, weight, None, mask)

    assert_differences_close(*gradients(model, loss_at), np.float64)


@pytest.mark.parametrize("name", GRAPHS)
def test_gradients_of_a_graph(name):
    check(*GRAPHS[name]())


def masked_attention(kind, low):
    a, b = Input((4, 2)), Input((5, 2))
    found = kind(use_scale=True, **F8)([low(a), low(b)])
    pool = AttentionPooling(2, **F8)
    return Model([a, b], dense()(pool(Concatenate()([found, dense(2)(a)])))), [X, Z]


LOW = {"dense": lambda: dense(3, activation="tanh"), "gru": gru, "lstm": lstm}


@pytest.mark.parametrize("low", LOW)
@pytest.mark.parametrize("kind", [Attention, AdditiveAttention])
def test_gradients_of_masked_attention(kind, low):
    """Gaps, and a row of value with no step that counts."""
    model, inputs = masked_attention(kind, LOW[low]())
    check(model, inputs, Several([MASK, NONE_VALID]))


@pytest.mark.parametrize("low", LOW)
@pytest.mark.parametrize("kind", [Attention, AdditiveAttention])
def test_masked_steps_of_attention_change_nothing(kind, low):
    """Neither the output nor a gradient depends on what stands at steps that do not count."""
    model, inputs = masked_attention(kind, LOW[low]())
    model.compile("sgd", "mse")
    model.optimizer = NoStep()
    results = []
    for noise in (0, 7):
        x = [
            np.where(m[..., None], part, noise)
            for part, m in zip(inputs, (MASK, NONE_VALID), strict=True)
        ]
        mask = Several([MASK, NONE_VALID])
        loss = Step(model).train(Several(x), np.ones((3, 1)), None, None, mask)
        results.append([loss, *(parameter.grad.copy() for parameter in model.parameters.values())])
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", ["residual", "pooled", "encoder decoder", "shared states"])
def test_gradients_of_a_graph_with_masks(name):
    """Gaps; of two inputs, the second has a row with no step that counts."""
    model, inputs = GRAPHS[name]()
    masks = [MASK, NONE_VALID]
    check(model, inputs, MASK if len(inputs) == 1 else Several(masks))


def test_attention_to_nothing_is_zero():
    pool = AttentionPooling(2, **F8)
    y, weights = pool(Z, mask=NONE_VALID, return_attention_scores=True)
    assert (y[1] == 0).all()
    assert (weights[~NONE_VALID] == 0).all()
    np.testing.assert_allclose(weights.sum(axis=1), [1, 0, 1])
    found = Attention(**F8)([X, Z], mask=[None, NONE_VALID])
    assert (found[1] == 0).all()
    assert (found[0] != 0).all()


@pytest.mark.parametrize("steps", [None, NONE_VALID[:, :0]], ids=["no mask", "mask"])
def test_attention_to_no_steps_is_zero(steps):
    """As to masked steps; of the parameters only the bias above it has a gradient."""
    empty = Z[:, :0]
    np.testing.assert_array_equal(AttentionPooling(2, **F8)(empty, mask=steps), np.zeros((3, 2)))
    for kind in (Attention, AdditiveAttention):
        found = kind(**F8)([X, empty], mask=[None, steps])
        np.testing.assert_array_equal(found, np.zeros(X.shape))
        a, b = Input((4, 2)), Input((None, 2))
        attended = kind(use_scale=True, **F8)([dense(2)(a), dense(2)(b)])
        model = Model([a, b], dense()(attended), seed=0)
        model.compile("sgd", "mse")
        model.optimizer = NoStep()
        mask = None if steps is None else Several([None, steps])
        Step(model).train(Several([X, empty]), np.ones((3, 4, 1)), None, None, mask)
        *below, bias = (parameter.grad for parameter in model.parameters.values())
        assert all((gradient == 0).all() for gradient in below)
        assert (bias != 0).all()
