"""What a Model refuses: graphs that are none, inputs that do not fit; one error for each."""

import numpy as np
import pytest

import tidegate as tg
from test_models_graph import FACTS, SERIES, WORDS, X, Y, two_branches
from tidegate.layers import (
    GRU,
    GRUD,
    LSTM,
    Add,
    Attention,
    Bidirectional,
    Concatenate,
    Dense,
    Embedding,
    Input,
)
from tidegate.layers.attention.base import QueryAttention
from tidegate.models import Model, Sequential

other = Sequential([Dense(2, input_shape=(3,))], name="first")
A, B = Input((3,), name="a"), Input((3,), name="b")
LONG = Input((5, 2))
BAD_GRAPHS = [
    (lambda: Model([], Dense(1)(A)), ValueError, "inputs is empty"),
    (lambda: Model([3], Dense(1)(A)), TypeError, "inputs has 3; expected Input objects"),
    (lambda: Model(Dense(1)(A), Dense(1)(A)), TypeError, "inputs has <Tensor .*expected Input"),
    (lambda: Model([A, A], Dense(1)(A)), ValueError, "the same Input twice"),
    (lambda: Model(A, A), ValueError, "the output is an Input; expected at least one layer"),
    (lambda: Model(A, 3), TypeError, "outputs is 3; expected what a layer returned"),
    (lambda: Model(A, [Dense(1)(A)] * 2), ValueError, "outputs has 2 tensors; expected one"),
    (
        lambda: Model(A, Add()([Dense(1)(A), Dense(1)(B)])),
        ValueError,
        "needs <Input 'b'.*not among",
    ),
    (lambda: Model([A, B], Dense(1)(A)), ValueError, "<Input 'b'.* is not connected to the output"),
    (lambda: Model(A, other.layers[0](A)), ValueError, "is in the model 'first' already"),
    (
        lambda: Model([A, Input((3,), name="a")], Add()([A, B])),
        ValueError,
        "two inputs have the na",
    ),
    (lambda: Model(A, Dense(1)(A), seed=-1), ValueError, "Model: seed is -1"),
    (lambda: Model(A, Dense(1)(A), name=1), TypeError, "Model: name is 1"),
    (lambda: Input((3,), name="a b"), ValueError, "Input: name is 'a b'; expected letters"),
    (lambda: Dense(1)([A, B]), TypeError, "Dense: x is a list of 2; expected one tensor"),
    (lambda: Add()(A), TypeError, "Add: x is one tensor; expected a list"),
    (lambda: Add()([A]), ValueError, "x has 1 inputs; expected 2 or more"),
    (lambda: Attention()([LONG] * 4), ValueError, "x has 4 inputs; expected 2 to 3"),
    (lambda: Add()([A, FACTS]), TypeError, "Add: x holds a ndarray beside tensors"),
    (lambda: Add()([A, LONG]), ValueError, r"shapes \(N, 3\), \(N, 5, 2\); expected one shape"),
    (lambda: Concatenate()([A, LONG]), ValueError, "expected shapes that differ in axis -1 only"),
    (lambda: Concatenate(axis=0)([A, B]), ValueError, "axis is 0 .*not that of the batch"),
    (lambda: Concatenate(axis=2)([A, B]), ValueError, "axis is 2"),
    (lambda: Concatenate(axis="x"), TypeError, "Concatenate: axis is 'x'; expected an integer"),
    (lambda: LSTM(2)(A), ValueError, r"expected \(N, steps, features\)"),
    (lambda: Dense(1)(A, mask=1), ValueError, "Dense: mask is given with a tensor"),
    (lambda: Sequential([Add()]), ValueError, "Add takes several inputs; expected layers with one"),
    (lambda: two_branches()(A), TypeError, "x is a tensor; expected arrays .a model is no layer"),
    (lambda: tg.Stream(two_branches()), TypeError, "is a Model, a graph; expected a chain"),
    (lambda: Bidirectional(LSTM(2, return_state=True))(LONG), ValueError, "has several outputs"),
    (
        lambda: LSTM(2)(LONG, initial_state=[A]),
        ValueError,
        "has the shapes .N, 3.; expected .N, 2.",
    ),
    (lambda: GRU(2)(LONG, initial_state=FACTS), TypeError, "GRU: x holds a ndarray beside tensors"),
    (
        lambda: GRU(2, stateful=True, return_state=True)(LONG),
        ValueError,
        r"'gru' carries a state of its own \(stateful=True\); expected a plain layer",
    ),
    (lambda: GRU(2, dropout=0.1)(LONG, A), ValueError, r"'gru' has noise in training \(dropout\);"),
    (lambda: GRUD(3)(LONG, A), ValueError, "'grud' is a GRUD, which needs more than x and a state"),
    (lambda: GRU(2, return_state=True)(LONG, lengths=[1]), ValueError, "lengths is given with a t"),
    (lambda: Add()(FACTS), TypeError, "Add: x is a ndarray; expected a list of arrays"),
    (lambda: Add()([FACTS, FACTS[1:]]), ValueError, "expected batches of one size"),
    (lambda: Add()([FACTS, FACTS], lengths=[3]), ValueError, "lengths is given; expected mask="),
    (
        lambda: Attention()([SERIES] * 2, lengths=[3], return_attention_scores=True),
        ValueError,
        "Attention: lengths is given; expected mask=",
    ),
    (
        lambda: Attention()([LONG, LONG], return_attention_scores=True),
        ValueError,
        "Attention: return_attention_scores is given with a tensor; expected arrays",
    ),
    (
        lambda: QueryAttention()([LONG, LONG]),
        NotImplementedError,
        "QueryAttention: attention of your own writes _score_parameters, _scores and _sc",
    ),
]


@pytest.mark.parametrize(("call", "kind", "message"), BAD_GRAPHS)
def test_bad_graphs(call, kind, message):
    with pytest.raises(kind, match=message):
        call()


def test_an_embedding_has_integers_for_itself():
    words = Input((4,))
    with pytest.raises(ValueError, match="expected it right after an Input that no other kind"):
        Model(words, Concatenate()([LSTM(2)(Embedding(7, 3)(words)), Dense(2)(words)]))
    with pytest.raises(ValueError, match="Embedding 'embedding' takes integers"):
        Model(words, Embedding(7, 3)(Dense(4)(words)))
    both = Concatenate()([Embedding(7, 3)(words), Embedding(9, 2)(words)])
    model = Model(words, LSTM(2)(both))
    assert model.predict(WORDS).shape == (30, 2)
    with pytest.raises(ValueError, match=r"expected 0..6, as embedding has input_dim=7"):
        model.predict(WORDS + 2)


def test_a_stateful_layer_is_used_once():
    lstm, entry = LSTM(2, stateful=True, return_sequences=True), Input((5, 2))
    with pytest.raises(ValueError, match="is stateful and used 2 times; expected one use"):
        Model(entry, lstm(lstm(entry)))


BAD_INPUTS = [
    (
        {"series": SERIES},
        ValueError,
        "x lacks the input 'facts'; expected all of 'series', 'facts'",
    ),
    (X | {"more": FACTS}, ValueError, "x has the key 'more'; expected the inputs 'series'"),
    ([SERIES, FACTS], ValueError, "x has 2 entries; expected 3, for the inputs 'series'"),
    (SERIES, TypeError, "x is a ndarray; expected a list or dict with one entry for each"),
    (X | {"facts": FACTS[:4]}, ValueError, r"x\['facts'\] has 4 samples; expected 30, as x\['ser"),
    (X | {"facts": SERIES}, ValueError, r"x\['facts'\] has shape .30, 6, 2.; expected .N, 3."),
    (X | {"facts": FACTS * np.nan}, ValueError, r"x\['facts'\] has the value nan"),
    (X | {"words": WORDS + 5}, ValueError, r"x\['words'\] has the value 8 at"),
    (X | {"words": None}, TypeError, r"x\['words'\] is of type NoneType"),
]


@pytest.mark.parametrize(("x", "kind", "message"), BAD_INPUTS)
def test_bad_inputs(x, kind, message):
    model = two_branches()
    model.compile("sgd", "mse")
    for call in (model.predict, lambda x: model.fit(x, Y, verbose=0)):
        with pytest.raises(kind, match=message):
            call(x)


def test_what_several_inputs_cannot_do():
    model = two_branches()
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match="bucket_by_length=True and the model has 3 inputs"):
        model.fit(X, Y, bucket_by_length=True, verbose=0)
    with pytest.raises(ValueError, match="tbptt is given and the model has several inputs"):
        model.fit(X, Y, tbptt=2, verbose=0)
    with pytest.raises(TypeError, match="lengths is a ndarray; expected a list or dict"):
        model.predict(X, lengths=np.full(30, 4))
