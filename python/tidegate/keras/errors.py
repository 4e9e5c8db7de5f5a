"""Errors that the backends share."""


def second_derivative() -> NotImplementedError:
    """Return the error about gradients of gradients."""
    return NotImplementedError(
        "tidegate.keras: second derivatives are asked for; expected first derivatives only (use "
        "the layer of keras.layers for gradient penalties and Hessians)."
    )


def saved_graph(where: str) -> NotImplementedError:
    """Return the error about a SavedModel of TensorFlow with a layer of ours."""
    return NotImplementedError(
        f"{where}: a SavedModel (model.export, tf.saved_model.save) cannot hold this layer, which "
        "calls back into this process; export a model with the layers of Keras and the same "
        "weights: tidegate.keras.to_keras(tidegate.keras.from_keras(model)), or the same model "
        "built with keras.layers and set_weights(model.get_weights())."
    )
