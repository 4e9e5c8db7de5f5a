"""Tensor: what a layer returns when it is called on an Input, a place in a model that is to be."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tidegate.layers import checks
from tidegate.layers.building import building
from tidegate.layers.inside import with_inner
from tidegate.layers.types import Shape

if TYPE_CHECKING:
    from tidegate.layers.base import Layer


class Tensor:
    """A place in a model: the shape of a sample there, and what writes it.

    Attributes
    ----------
    shape : tuple of int or None
        Without the batch.
    use : Use or None
        The call of a layer that writes it; None for an Input.
    """

    __slots__ = ("shape", "use")

    def __init__(self, shape: Shape, use: "Use | None") -> None:
        self.shape = shape
        self.use = use

    def __repr__(self) -> str:
        """Return the shape and the layer."""
        layer = "" if self.use is None else f" of {self.use.layer.name!r}"
        return f"<{type(self).__name__} {checks.shape_text(self.shape)}{layer}>"


class Use:
    """One call of a layer on tensors; `outputs` are its output and, if asked for, its states."""

    __slots__ = ("layer", "outputs", "sources")

    def __init__(self, layer: "Layer", sources: Sequence[Tensor], shapes: Sequence[Shape]) -> None:
        self.layer = layer
        self.sources = tuple(sources)
        self.outputs = tuple(Tensor(shape, self) for shape in shapes)


def is_symbolic(x: Any) -> bool:
    """Whether x is a tensor, or a list with one."""
    if isinstance(x, list | tuple):
        return any(isinstance(entry, Tensor) for entry in x)
    return isinstance(x, Tensor)


def use(layer: "Layer", x: Any, **arguments: Any) -> Tensor:
    """Return the tensor that a layer makes of a tensor or, if it takes several, of a list.

    Raises
    ------
    TypeError
        One is expected and there are several, or the other way; or a list holds an array too.
    ValueError
        The shape does not fit.
    """
    where = type(layer).__name__
    no_arguments(where, **arguments)
    if layer.extra_outputs:
        raise ValueError(
            f"{where}: layer {layer.name!r} has several outputs ({layer.extra_outputs}); expected "
            "one, on a tensor."
        )
    if layer.takes_list:
        sources = tensors(where, x)
        shape: Any = tuple(source.shape for source in sources)
    else:
        if not isinstance(x, Tensor):
            raise TypeError(
                f"{where}: x is a list of {len(x)}; expected one tensor (Concatenate and Add join "
                "several)."
            )
        sources, shape = (x,), x.shape
    return Use(layer, sources, [declared_shape(layer, shape)]).outputs[0]


def declared_shape(layer: "Layer", shape: Any) -> Shape:
    """Return the shape of an output; of a shared layer, only features must be as before."""
    with building():
        if not layer.declared:
            return layer.declare(shape)
        return _declare_again(layer, shape)


def _declare_again(layer: "Layer", shape: Any) -> Shape:
    parts = with_inner(layer)
    before: list[Any] = [part.input_shape for part in parts]
    try:
        for part, known in zip(parts, before, strict=True):
            part.input_shape = part.general_shape(known)
        output = layer.declare(shape)
    except ValueError:
        for part, known in zip(parts, before, strict=True):
            part.input_shape = known
        raise
    for part, known in zip(parts, before, strict=True):
        part.input_shape = _common(known, part.input_shape)
    layer.declare(layer.input_shape or ())  # the shape of the output of all calls
    return output


def _common(shape: Any, other: Any) -> Any:
    """Return the shape, or the list of shapes, that has None where the two differ."""
    if isinstance(shape, tuple):
        return tuple(map(_common, shape, other))
    return shape if shape == other else None


def tensors(where: str, x: Any) -> tuple[Tensor, ...]:
    """Return the tensors of a list."""
    if not isinstance(x, list | tuple):
        raise TypeError(f"{where}: x is one tensor; expected a list of them.")
    for entry in x:
        if not isinstance(entry, Tensor):
            raise TypeError(
                f"{where}: x holds a {type(entry).__name__} beside tensors; expected tensors only, "
                "or arrays only."
            )
    return tuple(x)


def no_arguments(where: str, **arguments: Any) -> None:
    """Raise if an argument is given that has no meaning for tensors."""
    for name, value in arguments.items():
        if value is not None and value is not False:
            raise ValueError(
                f"{where}: {name} is given with a tensor; expected it in fit or predict, with the "
                "data."
            )
