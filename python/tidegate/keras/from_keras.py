"""Whole models of Keras as models of tidegate."""

from typing import Any

from tidegate._extras import require
from tidegate.keras import folded
from tidegate.keras.layer_from_keras import Values, holder_of, kind_of, native_layer, place_of
from tidegate.keras.masks import require_forward_masks, require_last_outputs
from tidegate.layers import Input, activations
from tidegate.layers.base import Layer
from tidegate.layers.tensor import Tensor
from tidegate.models import Model, Sequential
from tidegate.models.base import BaseModel

_RECURRENT = ("LSTM", "GRU", "SimpleRNN", "Bidirectional")


def from_keras(model: Any, *, seed: int | None = None) -> BaseModel:
    """Return a model of tidegate with the layers and the weights of a model of Keras.

    Parameters
    ----------
    model : keras.Sequential or keras.Model
        Built. Of the functional API, with one output. Layers: LSTM, GRU and SimpleRNN (those of
        Keras and of `tidegate.keras`), Bidirectional, Dense, Embedding, Masking, Dropout,
        SpatialDropout1D, TimeDistributed of Dense, Concatenate, Add, Average, Multiply,
        Attention, AdditiveAttention, and models of these inside; and right above a Dense layer
        without an activation, whose it becomes, Activation, ReLU, LeakyReLU, ELU or Softmax.
    seed : int, optional
        Of the new model.

    Returns
    -------
    Sequential or Model
        Predictions agree to rounding. It is not compiled: losses, metrics and optimizers are
        yours to choose again. unroll, use_cudnn, initializers and seeds are not taken over.

    Raises
    ------
    ValueError
        A layer or an option that tidegate does not have; the message names the layer, the option
        and the nearest supported form. Or the model is not built.
    TypeError
        It is no model of Keras.
    ImportError
        Keras is not installed.

    Examples
    --------
    >>> import keras
    >>> theirs = keras.Sequential([keras.Input((10, 1)), keras.layers.LSTM(8),
    ...                            keras.layers.Dense(1)])
    >>> ours = from_keras(theirs)
    >>> ours.predict(np.zeros((2, 10, 1))).shape
    (2, 1)
    """
    where = "from_keras"
    keras = require("keras", extra="keras", purpose=where)
    if not isinstance(model, keras.Model):
        raise TypeError(
            f"{where}: model is a {type(model).__name__}; expected a keras.Sequential or a "
            "keras.Model (of one layer: keras.Sequential([keras.Input(shape), layer]))."
        )
    if not model.built or not getattr(model, "inputs", None):
        raise ValueError(
            f"{where}: model {model.name!r} is not built, or is a subclass of keras.Model; "
            "expected a Sequential or functional model (begin it with keras.Input, or call it on "
            "data first)."
        )
    conversion = _Conversion()
    native = conversion.chain(model, seed) or conversion.graph(model, seed)
    require_forward_masks(native, place_of)
    require_last_outputs(native, place_of)
    conversion.assign(native)
    return native


class _Conversion:
    """Layers that were converted, once each, with what they hold."""

    def __init__(self) -> None:
        self._made: dict[int, tuple[Layer, Values]] = {}  # by id of the layer of Keras
        self._taken_in: dict[int, Any] = {}

    def _layer(self, layer: Any, above: Any = None) -> Layer:
        """Return our layer; `above` is an activation layer that it takes in."""
        activation = None if above is None else folded.native_activation(above, layer)
        layer = holder_of(layer)
        if id(layer) not in self._made:
            self._made[id(layer)] = native_layer(layer)
            self._taken_in[id(layer)] = activation
            if activation is not None:
                made: Any = self._made[id(layer)][0]
                made.activation = activations.get("Dense", activation)
        if self._taken_in[id(layer)] != activation:
            raise ValueError(
                f"{place_of(layer)}: has other activations above it in other places; expected the "
                "same everywhere (they become the activation of the layer)."
            )
        return self._made[id(layer)][0]

    def chain(self, model: Any, seed: int | None) -> Sequential | None:
        """Return a Sequential, or None if the model is a graph."""
        layers = _flat(model)
        if layers is None:
            return None
        pairs = folded.pairs(layers)
        if len({id(holder_of(layer)) for layer, _ in pairs}) < len(pairs):
            return None
        native = Sequential(name=model.name, seed=seed)
        native.add(Input(model.inputs[0].shape[1:]))
        for layer, above in pairs:
            _placed(layer, native.add, self._layer(layer, above))
        return native

    def graph(self, model: Any, seed: int | None) -> Model:
        """Return a Model."""
        if len(model.outputs) != 1:
            raise ValueError(
                f"from_keras: model {model.name!r} has {len(model.outputs)} outputs; expected one "
                "(for several losses, one model each)."
            )
        inputs = [Input(x.shape[1:], name=x.name) for x in model.inputs]
        return Model(inputs, self._outputs(model, inputs)[0], model.name, seed=seed)

    def _outputs(self, model: Any, given: list[Any]) -> list[Any]:
        """Return our tensors of the outputs of a model that is applied to tensors of ours."""
        layers = _flat(model)
        if layers is not None:
            (tensor,) = given
            for layer, above in folded.pairs(layers):
                tensor = _placed(layer, self._layer(layer, above), tensor)
            return [tensor]
        known = {id(x): tensor for x, tensor in zip(model.inputs, given, strict=True)}
        nodes = _nodes(model)
        taken_in = folded.by_output([(node, _sources(node)) for node in nodes], model.outputs)
        for node in nodes:
            if taken_in.get(id(node.input_tensors[0])) is node.operation:
                outputs = [known[id(node.input_tensors[0])]]
            else:
                outputs = self._applied(node, known, taken_in.get(id(node.outputs[0])))
            known |= {id(x): tensor for x, tensor in zip(node.outputs, outputs, strict=False)}
        return [known[id(x)] for x in model.outputs]

    def _applied(self, node: Any, known: dict[int, Tensor], above: Any) -> list[Any]:
        """Return our tensors of what one call of a layer returned."""
        layer = node.operation
        import keras

        read = _read_by(node)
        first, states = read[0], read[1:]
        given = [known[id(x)] for x in first] if isinstance(first, list) else known[id(first)]
        if isinstance(layer, keras.Model):
            return self._outputs(layer, given if isinstance(given, list) else [given])
        options = {"initial_state": [known[id(x)] for x in states]} if states else {}
        made = _placed(layer, self._layer(layer, above), given, **options)
        return list(made) if isinstance(made, tuple) else [made]

    def assign(self, native: BaseModel) -> None:
        """Put the weights into the model."""
        values = {id(layer): arrays for layer, arrays in self._made.values()}
        native.set_weights(
            [values[id(layer)][p.name] for layer in native.layers for p in layer.parameters]
        )


def _flat(model: Any) -> list[Any] | None:
    """Return the layers of a Sequential, with those of a Sequential inside; None of a graph."""
    import keras

    if not isinstance(model, keras.Sequential):
        return None
    found: list[Any] = []
    for layer in model.layers:
        inside = _flat(layer) if isinstance(layer, keras.Model) else [layer]
        if inside is None:
            return None
        found += inside
    return found


def _nodes(model: Any) -> list[Any]:
    """Return the calls of layers between inputs and outputs, in an order that runs.

    Masks, which Keras computes in the graph, come by themselves here.
    """
    order: list[Any] = []
    seen: set[int] = {id(x) for x in model.inputs}
    waiting = [(x, False) for x in reversed(model.outputs)]
    while waiting:
        tensor, done = waiting.pop()
        if id(tensor) in seen and not done:
            continue
        history = tensor._keras_history
        node = history.operation._inbound_nodes[history.node_index]
        if done:
            order.append(node)
            continue
        seen |= {id(x) for x in node.outputs}
        waiting.append((tensor, True))
        waiting += [(x, False) for x in reversed(_sources(node))]
    return order


def _sources(node: Any) -> list[Any]:
    """Return the tensors that a call reads."""
    read = _read_by(node)
    return [*(read[0] if isinstance(read[0], list) else [read[0]]), *read[1:]]


def _read_by(node: Any) -> list[Any]:
    """Return what a call reads: its input, or the list of them, then the initial states."""
    import keras

    layer = node.operation
    if not isinstance(layer, keras.Layer):
        raise ValueError(
            f"from_keras: operation {layer.name!r} ({type(layer).__name__} of keras.ops); expected "
            "layers only (Add, Multiply, Concatenate and Average are layers too)."
        )
    args, kwargs = list(node.arguments.args), dict(node.arguments.kwargs)
    if not args:
        raise ValueError(f"{place_of(layer)}: called by keyword; expected layer(x).")
    first = args.pop(0)
    first = list(first) if isinstance(first, list | tuple) else first
    states = kwargs.pop("initial_state", None)
    recurrent = not isinstance(layer, keras.Model) and kind_of(layer) in _RECURRENT
    if recurrent and args:
        states = args.pop(0)
    if recurrent and isinstance(first, list):  # as Keras once took them
        first, states = first[0], first[1:]
    masks = kwargs.pop("mask", None)
    sources = first if isinstance(first, list) else [first]
    given = masks if isinstance(masks, list | tuple) else [masks]
    automatic = [getattr(x, "_keras_mask", None) for x in sources]
    if any(mask is not None and not any(mask is x for x in automatic) for mask in given):
        raise ValueError(
            f"{place_of(layer)}: mask is given in the call; expected one that comes with the input "
            "(Masking, or Embedding with mask_zero), or mask= of fit and predict."
        )
    if args or any(value is not None and value is not False for value in kwargs.values()):
        extra = next((k for k, v in kwargs.items() if v is not None and v is not False), args)
        raise ValueError(
            f"{place_of(layer)}: called with {extra} given; expected layer(x), of recurrent layers "
            "with initial_state."
        )
    if states is None:
        return [first]
    if automatic[0] is not None and masks is None:
        raise ValueError(
            f"{place_of(layer)}: initial_state is given and its input is masked; expected mask= "
            "beside it (without, Keras 3 ignores the mask in this call, and tidegate does not)."
        )
    return [first, *(states if isinstance(states, list | tuple) else [states])]


def _placed(layer: Any, add: Any, *arguments: Any, **options: Any) -> Any:
    """Return add(...); an error names the layer of Keras."""
    try:
        return add(*arguments, **options)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{place_of(layer)}: {error}") from None
