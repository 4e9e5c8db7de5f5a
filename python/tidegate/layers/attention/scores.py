"""return_attention_scores: the weights beside the output, for all layers of attention."""

from typing import Any

from tidegate.layers.base import Layer
from tidegate.layers.tensor import is_symbolic
from tidegate.layers.types import Array


class ReturnsScores(Layer):
    """Base of layers whose `_attend(x, mask)` returns y, the weights, and what else it made."""

    def _attend(self, x: Any, mask: Any) -> tuple[Array, Array, Any]:
        raise self._unwritten()

    def __call__(
        self,
        x: Any,
        *,
        lengths: Any = None,
        mask: Any = None,
        return_attention_scores: bool = False,
    ) -> Any:
        """Run the layer, without training; see Layer.

        Parameters
        ----------
        return_attention_scores : bool
            For arrays: return the weights too.
        """
        if not return_attention_scores:
            return super().__call__(x, lengths=lengths, mask=mask)
        if is_symbolic(x):
            raise ValueError(
                f"{type(self).__name__}: return_attention_scores is given with a tensor; expected "
                "arrays (call the layer itself on what it gets, to see the weights)."
            )
        y, weights, _ = self._attend(*self._prepare_call(x, lengths, mask))
        return y, weights
