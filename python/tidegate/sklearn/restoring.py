"""A fit that fails leaves the estimator as it was."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

Given = ParamSpec("Given")
Returned = TypeVar("Returned")


def unchanged_on_failure(
    learn: Callable[Concatenate[Any, Given], Returned],
) -> Callable[Concatenate[Any, Given], Returned]:
    """Return the method, which now puts the attributes back if it raises, also for Ctrl-C.

    Otherwise what was learnt of new data would stand beside the network of old data. A network
    that a warm start trains further is the same object, with the weights of its last step.

    Examples
    --------
    >>> class Estimator:
    ...     @unchanged_on_failure
    ...     def fit(self, X):
    ...         self.n_features_in_ = len(X[0])
    >>> estimator = Estimator()
    >>> estimator.fit([[1, 2]])
    >>> estimator.fit([3])
    Traceback (most recent call last):
    TypeError: object of type 'int' has no len()
    >>> estimator.n_features_in_
    2
    """

    @wraps(learn)
    def restoring(self: Any, /, *args: Given.args, **kwargs: Given.kwargs) -> Returned:
        before = dict(vars(self))
        try:
            return learn(self, *args, **kwargs)
        except BaseException:
            vars(self).clear()
            vars(self).update(before)
            raise

    return restoring
