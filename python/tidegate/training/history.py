"""History: what `fit` returns."""

from typing import Any

from tidegate._extras import require


class History:
    """Loss and metrics of each epoch of one `fit`.

    Attributes
    ----------
    history : dict of str to list of float
        One list per key of the logs: "loss", metrics, "val_loss", ...
    epoch : list of int
        Which epochs these are; the first is 0.
    params : dict
        "epochs" and "steps", as asked for.
    interrupted : bool
        Whether Ctrl-C ended the fit. The epoch that it ended is not in the lists.
    """

    def __init__(self, params: dict[str, int]) -> None:
        self.history: dict[str, list[float]] = {}
        self.epoch: list[int] = []
        self.params = params
        self.interrupted = False

    def append(self, epoch: int, logs: dict[str, float]) -> None:
        """Add the logs of an epoch."""
        self.epoch.append(epoch)
        for key, value in logs.items():
            self.history.setdefault(key, []).append(value)

    def plot(self, ax: Any = None) -> Any:
        """Draw the curves; those with `val_` get the colour of their partner, dashed.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure if omitted.

        Returns
        -------
        matplotlib Axes
            `history.plot().figure.savefig("loss.png")` saves the picture.

        Raises
        ------
        ImportError
            matplotlib is missing; the message says how to install it.
        """
        if ax is None:
            pyplot = require("matplotlib.pyplot", extra="plot", purpose="history.plot")
            _, ax = pyplot.subplots()
        colours: dict[str, Any] = {}
        for key, values in self.history.items():
            partner = key.removeprefix("val_")
            epochs = [epoch + 1 for epoch in self.epoch[len(self.epoch) - len(values) :]]
            style = "--" if key != partner else "-"
            (line,) = ax.plot(epochs, values, style, color=colours.get(partner), label=key)
            colours.setdefault(partner, line.get_color())
        ax.set_xlabel("epoch")
        ax.xaxis.get_major_locator().set_params(integer=True)
        if self.history:
            ax.legend()
        return ax

    def __repr__(self) -> str:
        """Return the number of epochs and the last values."""
        last = ", ".join(f"{key} {values[-1]:.4g}" for key, values in self.history.items())
        return f"<History of {len(self.epoch)} epochs{': ' if last else ''}{last}>"
