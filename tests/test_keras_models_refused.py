"""What from_keras and to_keras refuse, and the words they refuse it with."""

import pytest

from keras_peer import keras
from tidegate.keras import from_keras, to_keras
from tidegate.layers import (
    GRU,
    LSTM,
    AttentionPooling,
    Bidirectional,
    Dense,
    Dropout,
    Input,
    Masking,
)
from tidegate.models import Sequential

L = keras.layers


def stack_of(*layers, shape=(5, 2)):
    return keras.Sequential([keras.Input(shape), *layers])


def frozen():
    layer = L.LSTM(3)
    layer.trainable = False
    return stack_of(layer)


def with_operation():
    x = keras.Input((5, 2))
    return keras.Model(x, L.LSTM(3)(x) + 1.0)


def with_two_outputs():
    x = keras.Input((5, 2))
    return keras.Model(x, [L.LSTM(3)(x), L.GRU(3)(x)])


def with_states_and_mask():
    x = keras.Input((5, 2))
    masked = L.Masking()(x)
    return keras.Model(x, L.GRU(3)(masked, initial_state=L.GRU(3)(x)))


FROM = [
    (lambda: stack_of(L.Conv1D(3, 2), L.LSTM(2)), r"layer 'conv1d.*' \(Conv1D\): no such layer"),
    (
        lambda: stack_of(L.GRU(2), L.Flatten()),
        r"\(Flatten\): no .*nearest: a rec.*accelerate keeps",
    ),
    (
        lambda: stack_of(L.LSTM(2, activation="gelu")),
        r"\(LSTM\): activation is \"gelu\"; expected .*; \"softplus\" is nearest",
    ),
    (
        lambda: stack_of(L.GRU(2, recurrent_activation=lambda x: x)),
        r"\(GRU\): recurrent_activation is <function .*; expected one of .* functions of keras.act",
    ),
    (frozen, r"\(LSTM\): trainable is False; expected True"),
    (lambda: stack_of(L.LSTM(2, dtype="mixed_float16")), r"dtype is 'mixed_float16'; expected"),
    (
        lambda: stack_of(L.LSTM(2, activity_regularizer="l2")),
        r"activity_regularizer is .*; expected None \(kernel_regularizer is nearest",
    ),
    (
        lambda: stack_of(L.LSTM(2, kernel_regularizer=keras.regularizers.OrthogonalRegularizer())),
        r"kernel_regularizer is OrthogonalRegularizer; expected one of L1, L2, L1L2",
    ),
    (
        lambda: stack_of(L.TimeDistributed(L.Dropout(0.1))),
        r"\(TimeDistributed\): layer is 'Dropout'; expected Dense",
    ),
    (
        lambda: stack_of(L.RNN(L.LSTMCell(2))),
        r"\(RNN\): no such layer exists in tidegate; .*nearest: LSTM, GRU or SimpleRNN",
    ),
    (
        lambda: stack_of(L.Masking(), L.GRU(3, return_sequences=True, go_backwards=True), L.GRU(2)),
        r"\(GRU\): go_backwards is True .*Bidirectional, which does, is nearest",
    ),
    (
        lambda: stack_of(L.Masking(), L.GRU(3, zero_output_for_mask=True)),
        r"\(GRU\): zero_output_for_mask is True on masked steps without return_sequences; exp",
    ),
    (with_operation, r"operation 'add.*' \(Add of keras.ops\); expected layers only"),
    (with_two_outputs, "has 2 outputs; expected one"),
    (
        with_states_and_mask,
        r"\(GRU\): initial_state is given and its input is masked; expected mas",
    ),
    (lambda: keras.Sequential([L.LSTM(2)]), "is not built, or is a subclass .*keras.Input"),
]


@pytest.mark.parametrize(("make", "message"), FROM)
def test_from_keras_refuses(make, message):
    with pytest.raises(ValueError, match=f"^from_keras: .*{message}"):
        from_keras(make())


def test_from_keras_takes_models_only():
    with pytest.raises(TypeError, match=r"^from_keras: model is a LSTM; expected a keras.Sequenti"):
        from_keras(L.LSTM(3))


def native(*layers):
    return Sequential([Input((5, 2)), *layers])


TO = [
    (lambda: native(LSTM(3, peephole="diagonal")), r"\(LSTM\): w has diagonal peepholes, which"),
    (lambda: native(LSTM(3, projection=2)), "a projection, which keras.layers.LSTM cannot hold"),
    (lambda: native(GRU(3, layer_norm=True)), "layer normalisation, which keras.layers.GRU"),
    (lambda: native(GRU(3, zoneout=0.1)), "zoneout is 0.1; expected 0.0 .recurrent_dropout"),
    (lambda: native(LSTM(3, weight_drop=0.1)), "weight_drop is 0.1; expected 0.0"),
    (
        lambda: native(Bidirectional(LSTM(3, output_activation="relu"))),
        r"layer 'forward_lstm' \(LSTM\): w has output_activation='relu'; expected 'tanh'",
    ),
    (
        lambda: native(LSTM(3), Dense(2, ("leaky_relu", {"alpha": 0.7}))),
        r"\(Dense\): activation is Activation\(name='leaky_relu', alpha=0.7.*; expected one of",
    ),
    (
        lambda: native(AttentionPooling(4)),
        r"\(AttentionPooling\): no such layer exists in Keras; .*nearest",
    ),
    (
        lambda: native(Masking(), GRU(3, return_sequences=True, go_backwards=True), GRU(2)),
        r"\(GRU\): go_backwards is True .*expected no layer above it",
    ),
]


@pytest.mark.parametrize(("make", "message"), TO)
def test_to_keras_refuses(make, message):
    with pytest.raises(ValueError, match=f"^to_keras: .*{message}"):
        to_keras(make())


def test_to_keras_takes_built_models_only():
    with pytest.raises(
        TypeError, match=r"^to_keras: model is a LSTM; expected a Sequential or a M"
    ):
        to_keras(LSTM(3))
    with pytest.raises((RuntimeError, ValueError), match=r"to_keras: .*built"):
        to_keras(Sequential([LSTM(3), Dropout(0.1)]))
