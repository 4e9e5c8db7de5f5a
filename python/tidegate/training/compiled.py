"""Compiled: the loss, optimizer and metrics of a model, and which parameters are trained."""

from typing import Any

from tidegate.layers.parameters import FlatParameters
from tidegate.training import losses, metrics, optimizers
from tidegate.training.losses import Loss
from tidegate.training.metrics import Metric
from tidegate.training.optimizers import Optimizer


class Compiled:
    """Base of Trainer.

    Attributes
    ----------
    optimizer : Optimizer, once compiled
    loss : Loss or None
    plain_metrics, weighted_metrics : list of Metric
        The weighted ones heed sample_weight.
    """

    buffers: list[FlatParameters]
    optimizer: Optimizer

    def __init__(self) -> None:
        self.loss: Loss | None = None
        self.plain_metrics: list[Metric] = []
        self.weighted_metrics: list[Metric] = []

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
    ) -> None:
        """Choose how to train.

        Parameters
        ----------
        optimizer : {"sgd", "rmsprop", "adam", "adamw"} or Optimizer
        loss : str or Loss
            "mse", "mae", "huber", "binary_crossentropy", "categorical_crossentropy",
            "sparse_categorical_crossentropy", or an object, for example with from_logits.
        metrics, weighted_metrics : list of str or Metric, optional
            Logged beside the loss; the weighted ones heed sample_weight.

        Raises
        ------
        ValueError
            A name is unknown; the message lists the known ones.
        TypeError
            Something is neither a name nor an object of the right kind.
        """
        chosen = optimizers.get("compile", optimizer)
        chosen_loss = None if loss is None else losses.get("compile", loss)
        plain, weighted = _metrics(metrics, weighted_metrics)
        self.optimizer, self.loss = chosen, chosen_loss
        self.plain_metrics, self.weighted_metrics = plain, weighted

    @property
    def compiled(self) -> bool:
        """Whether an optimizer was chosen."""
        return hasattr(self, "optimizer")

    @property
    def metrics(self) -> list[Metric]:
        """The metrics that are logged beside the loss."""
        return [*self.plain_metrics, *self.weighted_metrics]

    def require_compiled(self, where: str) -> Loss:
        """Return the loss; raise if there is none."""
        if self.loss is None:
            raise RuntimeError(
                f"{where}: the model has no loss; expected compile(optimizer=..., loss=...) first."
            )
        return self.loss

    def bind_optimizer(self, where: str) -> None:
        """Give the optimizer the parameters, once."""
        optimizer = self.optimizer
        if not self.buffers:
            raise ValueError(f"{where}: the model has no parameters to train.")
        if not optimizer.bound:
            optimizer.bind(self.buffers)
        elif not optimizer.bound_to(self.buffers):
            raise RuntimeError(
                f"{where}: the optimizer has trained other layers than the model has now; "
                "expected a new one (call compile again)."
            )


def _metrics(plain: Any, weighted: Any) -> tuple[list[Metric], list[Metric]]:
    chosen = metrics.get("compile", "metrics", plain, ["loss"])
    taken = ["loss", *(metric.name for metric in chosen)]
    return chosen, metrics.get("compile", "weighted_metrics", weighted, taken)
