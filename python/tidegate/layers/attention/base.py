"""What Attention and AdditiveAttention share: [query, value] or [query, value, key], and masks.

s = score(query, key)      (B, Tq, Tv)
a = softmax(s)             over the steps of value that count
y = a · value              (B, Tq, E); 0 at the steps of query that do not count
da = dy valueᵀ             dvalue = aᵀ dy
"""

from typing import Any

import numpy as np

from tidegate.layers.attention.scores import ReturnsScores
from tidegate.layers.attention.weights import softmax, softmax_backward
from tidegate.layers.parameters import Parameter
from tidegate.layers.several_inputs import SeveralInputs
from tidegate.layers.types import Array, Shape


class QueryAttention(ReturnsScores, SeveralInputs):
    """Base of the two; a subclass writes `_scores` and `_scores_backward`.

    x is a list of (B, Tq, D), (B, Tv, E) and perhaps (B, Tv, D) arrays, mask is
    [query_mask, value_mask], (B, Tq) and (B, Tv); the weights are (B, Tq, Tv).
    """

    expects = "[query, value] or [query, value, key]"
    counts = (2, 3)

    def _declare(self, input_shape: Any) -> tuple[tuple[Parameter, ...], Shape]:
        query, value, key = (*input_shape, input_shape[1])[:3]
        if not (len(query) == len(value) == len(key) == 2) or None in (
            query[1],
            value[1],
            key[1],
        ):
            raise self.misfit(input_shape, "(N, steps, features) each")
        if query[1] != key[1]:
            raise self.misfit(input_shape, "as many features in query and key (use a Dense layer)")
        if None not in (value[0], key[0]) and value[0] != key[0]:
            raise self.misfit(input_shape, "as many steps in value and key")
        return self._score_parameters(query[1]), (query[0], value[1])

    def _unwritten(self) -> NotImplementedError:
        return NotImplementedError(
            f"{type(self).__name__}: attention of your own writes _score_parameters, _scores and "
            "_scores_backward."
        )

    def _score_parameters(self, features: int) -> tuple[Parameter, ...]:
        raise self._unwritten()

    def _weigh(self, query: Array, key: Array, mask: Array | None) -> tuple[Array, Any]:
        """Return the weights (B, Tq, Tv) of steps that count, and what `_scores` saved."""
        scores, saved = self._scores(query, key)
        return softmax(scores, mask), saved

    def _scores(self, query: Array, key: Array) -> tuple[Array, Any]:
        """Return the scores (B, Tq, Tv), a new array, and what the backward pass needs."""
        raise self._unwritten()

    def _scores_backward(
        self, query: Array, key: Array, saved: Any, dscores: Array
    ) -> tuple[Array, Array]:
        """Write the gradients of the parameters; return those by query and key."""
        raise self._unwritten()

    def forward(
        self,
        x: Any,
        *,
        training: bool = False,
        rng: np.random.Generator | None = None,
        mask: Any = None,
    ) -> tuple[Array, Any]:
        """Return y (B, Tq, E) and, when training, what `backward` needs."""
        y, weights, scores_saved = self._attend(x, mask)
        return y, ((x, mask, weights, scores_saved) if training else None)

    def _attend(self, x: Any, mask: Any) -> tuple[Array, Array, Any]:
        query, value, key = (*x, x[1])[:3]
        query_mask, value_mask = (None, None) if mask is None else mask[:2]
        counts = None if value_mask is None else value_mask[:, None]
        with np.errstate(over="ignore", invalid="ignore"):
            weights, saved = self._weigh(query, key, counts)
        return _where(query_mask, np.matmul(weights, value)), weights, saved

    def backward(self, saved: Any, dy: Array, *, need_dx: bool = True) -> Any:
        """See Layer."""
        x, mask, weights, scores_saved = saved
        query, value, key = (*x, x[1])[:3]
        dy = _where(None if mask is None else mask[0], dy)
        dscores = softmax_backward(weights, np.matmul(dy, value.swapaxes(1, 2)))
        dquery, dkey = self._scores_backward(query, key, scores_saved, dscores)
        if not need_dx:
            return None
        dvalue = np.matmul(weights.swapaxes(1, 2), dy)
        return [dquery, dvalue, dkey] if len(x) == 3 else [dquery, dvalue + dkey]

    def output_mask(self, x: Any, mask: Any) -> Array | None:
        """Return the mask of the query."""
        steps: Array | None = None if mask is None else mask[0]
        return steps

    def hidden_by(self, masks: list[Any]) -> list[Any]:
        """See SeveralInputs; the steps of the key are those of the value."""
        return [masks[0], *masks[1:2] * (len(masks) - 1)]


def _where(mask: Array | None, array: Array) -> Array:
    """Return the array with 0 at the steps that do not count."""
    return array if mask is None else np.where(mask[..., None], array, array.dtype.type(0))
