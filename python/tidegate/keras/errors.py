"""Errors that the backends share."""


def second_derivative() -> NotImplementedError:
    """Return the error about gradients of gradients."""
    return NotImplementedError(
        "tidegate.keras: second derivatives are asked for; expected first derivatives only (use "
        "the layer of keras.layers for gradient penalties and Hessians)."
    )
