"""Turn the recurrent layers of a Keras model into tidegate's, in place."""

from typing import Any

from tidegate._accelerated import Report
from tidegate.keras.layers import GRU, LSTM, EngineLoop, SimpleRNN, engine_activations, keras

REPLACEMENTS = {
    keras.layers.LSTM: LSTM,
    keras.layers.GRU: GRU,
    keras.layers.SimpleRNN: SimpleRNN,
}


def accelerate(model: Any) -> Report:
    """Let every LSTM, GRU and SimpleRNN of a Keras model run on tidegate, in place.

    The layers stay the same objects with the same weights, states and random numbers, also inside
    Bidirectional and other models; only their class changes. What `compile` was told stays, and the
    optimizer goes on. Models inside forget their compiled functions too; of a model around `model`
    nothing is known: accelerate the outermost.

    Parameters
    ----------
    model : keras.Model or keras.layers.Layer
        Any model, such as one from `keras.saving.load_model`; of a layer, the layer itself.

    Returns
    -------
    Report
        What was accelerated, what was left and why; print it.

    Raises
    ------
    TypeError
        `model` is no model or layer of Keras.

    Examples
    --------
    >>> import keras, tidegate.keras
    >>> model = keras.Sequential([keras.Input((9, 3)), keras.layers.GRU(4, name="memory")])
    >>> print(tidegate.keras.accelerate(model))
    accelerate: 1 accelerated, 0 left
      memory: GRU
    """
    if not isinstance(model, keras.layers.Layer):
        raise TypeError(
            f"accelerate: model is {type(model).__name__}; expected a model or a layer of Keras 3."
        )
    report = Report()
    for layer in model._flatten_layers():
        if isinstance(layer, EngineLoop) or not isinstance(layer, keras.layers.RNN):
            continue
        why, name = _reason_to_leave(layer), _new_name(layer.name, report)
        if why:
            report.left[name] = why
        else:
            layer.__class__ = REPLACEMENTS[type(layer)]
            layer.use_engine()
            report.accelerated[name] = type(layer).__name__
    if report.accelerated:
        for part in model._flatten_layers():
            if isinstance(part, keras.Model):
                _forget_graphs(part)
    return report


def _forget_graphs(model: Any) -> None:
    """Drop the compiled functions, in which the layers are as they were."""
    model.train_function = model.test_function = model.predict_function = None
    model.jit_compile = model.jit_compile  # its setter sees whether XLA is still possible


def _new_name(name: str, report: Report) -> str:
    """Return a name that is not in the report yet: models inside may have layers of one name."""
    candidate, count = name, 1
    while candidate in report.accelerated or candidate in report.left:
        candidate, count = f"{name} ({count + 1})", count + 1
    return candidate


def _reason_to_leave(layer: Any) -> str:
    """Return why a recurrent layer cannot be accelerated; "" if it can."""
    kind = type(layer)
    if kind is keras.layers.RNN:
        return f"an RNN of the cell {type(layer.cell).__name__}, which the engine does not have"
    if kind not in REPLACEMENTS:
        return f"{kind.__module__}.{kind.__name__} is a class of its own, not keras.layers'"
    if getattr(layer, "use_cudnn", False) is True:
        return "use_cudnn is True; the engine runs on the CPU"
    try:
        engine_activations(kind.__name__, REPLACEMENTS[kind].cell_kind, layer.cell)
    except ValueError as error:
        return str(error).partition(": ")[2]
    return ""
