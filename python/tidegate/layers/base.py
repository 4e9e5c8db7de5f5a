"""Layer: declared, built, run forward and backward; its parameters and its configuration."""

import weakref
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from tidegate.layers import checks, initializers
from tidegate.layers.building import building
from tidegate.layers.configured import Configured, snake_case
from tidegate.layers.masked_input import masked_input, require_steps
from tidegate.layers.parameters import Parameter, assign_all, flatten
from tidegate.layers.tensor import is_symbolic, use
from tidegate.layers.types import Array, Shape
from tidegate.layers.weight_rules import WeightRule

if TYPE_CHECKING:
    from tidegate.layers.recurrent import RecurrentLayer


class Layer(Configured):
    """Base of all layers.

    A layer is declared (the shapes of its parameters become known), then built (the parameters get
    memory and first values), then used. `Sequential` does all of it; alone, `layer(x)` does.

    Parameters
    ----------
    name : str, optional
        By default the class in snake_case; a model makes it unique.
    dtype : "float32" or "float64"
        Of parameters, computation and output.
    input_shape : tuple of int or None, optional
        Shape of one sample, without the batch; None where any size is right.

    Attributes
    ----------
    parameters : tuple of Parameter
        Empty until declared.
    built : bool
    output_shape : tuple of int or None
        Shape of one output, once declared.

    Notes
    -----
    Subclasses write `_declare`, `forward`, `backward` and `_config`. `forward` and `backward` trust
    their arguments: whoever calls them has checked. Gradients are written, not added. A mask is
    (B, T), False at the steps that do not count; `forward` gets it as a keyword, and only where
    there is one, so a layer that has no use for masks need not take it.
    """

    # What a sample must look like; part of an error message.
    expects: ClassVar[str] = "any shape"
    # Whether NaN is a missing value to it: then it prepares the input of a model that it begins.
    takes_missing: bool = False
    # Whether training draws random numbers.
    random: bool = False
    # Whether a step of the output needs no later step of the input.
    stepwise: bool = False
    # Axes of the input after that of the steps.
    feature_axes: ClassVar[int] = 1
    # Whether `output_mask` makes a mask where none came in.
    makes_mask: bool = False
    # Whether x is a list of arrays; see SeveralInputs.
    takes_list: ClassVar[bool] = False
    # What gives it more than one output, such as "return_state=True"; empty where nothing does.
    extra_outputs: str = ""
    # The layers that it wraps: they count as layers of a model too, and belong to one only.
    inner_layers: "tuple[Layer, ...]" = ()

    def __init__(
        self, *, name: str | None = None, dtype: Any = "float32", input_shape: Any = None
    ) -> None:
        kind = type(self).__name__
        if name is not None:
            checks.name(kind, name)
        # A copy made from the configuration bears the default name, and may get another.
        self.has_given_name = name not in (None, snake_case(kind))
        self.name: str = name or snake_case(kind)
        self.dtype = checks.float_dtype(kind, dtype)
        self.declared_input_shape: Shape | None = (
            None if input_shape is None else checks.input_shape(kind, input_shape)
        )
        self.input_shape: Shape | None = None
        self.output_shape: Shape = ()
        self.parameters: tuple[Parameter, ...] = ()
        self.owner: weakref.ref[Any] | None = None  # the model that it is in

    # -- life --------------------------------------------------------------------------------------

    @property
    def declared(self) -> bool:
        """Whether shapes are known."""
        return self.input_shape is not None

    @property
    def built(self) -> bool:
        """Whether the parameters have values."""
        return self.declared and all(parameter.holds_value() for parameter in self.parameters)

    def declare(self, input_shape: Shape) -> Shape:
        """Fix the shapes of the parameters for samples of `input_shape`; return the output's."""
        if self.declared:
            self.require_sample_shape(self.name, input_shape)
            self.output_shape = self._output_shape(input_shape)
        else:
            self.parameters, self.output_shape = self._declare(input_shape)
        self.input_shape = input_shape
        return self.output_shape

    def build(self, input_shape: Shape, rng: np.random.Generator | None = None) -> None:
        """Declare if needed, then give the parameters memory of their own and first values."""
        where = f"{type(self).__name__}.build"
        self.declare(self.checked_shape(where, input_shape))
        if not self.built:
            flatten(self.parameters)
            self.draw(np.random.default_rng() if rng is None else rng)
            self.bind()

    def checked_shape(self, where: str, shape: Any) -> Shape:
        """Return the shape of a sample, which somebody gave."""
        return checks.input_shape(where, shape)

    def draw(self, rng: np.random.Generator) -> None:
        """Draw first values of all parameters, in their order."""
        for parameter in self.parameters:
            parameter.draw(rng)

    def bind(self) -> None:
        """Take note that the arrays of the parameters are other arrays now."""

    def weights_changed(self) -> None:
        """Take note that values were changed in place."""

    def recurrent_parts(self) -> "tuple[RecurrentLayer, ...]":
        """Return the recurrent layers that this layer is or has inside."""
        return ()

    def reset_states(self) -> None:
        """Forget what stateful layers carry: the next batch starts from zeros."""
        for layer in self.recurrent_parts():
            layer.reset_states()

    def weight_rules(self) -> list[WeightRule]:
        """Return the regularizers and constraints of a declared layer, with their parameters."""
        return []

    def _unwritten(self) -> NotImplementedError:
        """Return the error of a subclass that lacks a method."""
        return NotImplementedError(
            f"{type(self).__name__}: a layer of your own writes _declare, "
            "forward, backward and _config."
        )

    def _declare(self, input_shape: Shape) -> tuple[tuple[Parameter, ...], Shape]:
        """Return the parameters and the output shape; raise where the input does not fit."""
        raise self._unwritten()

    def _output_shape(self, input_shape: Shape) -> Shape:
        """Return the output shape for another input shape that fits the parameters."""
        return self._declare(input_shape)[1]

    def output_shape_for(self, input_shape: Shape) -> Shape:
        """Return the output shape for samples of one size; nothing is declared."""
        return self._output_shape(input_shape)

    # -- use ---------------------------------------------------------------------------------------

    def forward(
        self,
        x: Array,
        *,
        training: bool = False,
        rng: np.random.Generator | None = None,
        mask: Array | None = None,
    ) -> tuple[Array, Any]:
        """Return the output and, when training, what `backward` needs."""
        raise self._unwritten()

    def backward(self, saved: Any, dy: Array, *, need_dx: bool = True) -> Array | None:
        """Write the gradients of the parameters; return the gradient by x unless not needed."""
        raise self._unwritten()

    def output_mask(self, x: Any, mask: Any) -> Array | None:
        """Return which steps of the output are valid, (B, T) of bool, or None if all are.

        Asked where a mask came in, or of a layer that makes masks; others look at x.shape only.
        """
        if mask is None or isinstance(mask, list) or self.input_shape is None:
            return None
        steps_survive = len(self.output_shape) > 1 and self.output_shape[0] == self.input_shape[0]
        return np.asarray(mask) if steps_survive else None

    def prepare(self, where: str, x: Any, name: str = "x") -> Array:
        """Return x as an array that `forward` takes; refuse what it cannot use."""
        remedy = (
            " (drop those samples, or fill the gaps, for example by interpolation; where they are "
            "padding, pass lengths= or mask=; where they mean missing, the layers MissingIndicator "
            "and GRUD take them)"
        )
        return checks.finite(where, name, x, self.dtype, remedy)

    def general_shape(self, sample: Shape) -> Shape:
        """Return what a sample of this shape stands for: the sizes that parameters depend on."""
        return (*(None for _ in sample[:-1]), *sample[-1:])

    def require_sample_shape(self, where: str, shape: Shape) -> None:
        """Raise if samples of `shape` do not fit what the layer was declared for."""
        assert self.input_shape is not None
        checks.fits(where, shape, self.input_shape, type(self).__name__)

    def __call__(self, x: Any, *, lengths: Any = None, mask: Any = None) -> Any:
        """Run the layer on a batch, without training; built on first use.

        Parameters
        ----------
        x : array, or a list of sequences of different lengths; or a tensor (see Model)
        lengths : (B,) integers, optional
            Valid steps of each sequence.
        mask : (B, T) bool, optional
            True at the steps that count. Not both.

        Raises
        ------
        ValueError
            The shape does not fit, or a value at a step that counts is not finite.
        TypeError
            x is not an array of numbers.
        """
        if is_symbolic(x):
            return use(self, x, lengths=lengths, mask=mask)
        array, steps = self._prepare_call(x, lengths, mask)
        return (self.forward(array) if steps is None else self.forward(array, mask=steps))[0]

    def _prepare_call(self, x: Any, lengths: Any = None, mask: Any = None) -> tuple[Any, Any]:
        """Check the arguments of `__call__`, and build on first use; return x and the mask."""
        kind = type(self).__name__
        given, steps = masked_input(kind, x, lengths, mask)
        array = self.prepare(kind, given)
        if array.ndim == 0:
            raise ValueError(f"{kind}: x is a single number; expected a batch of samples.")
        sample = array.shape[1:]
        with building():
            if not self.built:
                self.build(self.declared_input_shape or self.general_shape(sample))
        self.require_sample_shape(kind, sample)
        if steps is not None:
            require_steps(kind, array, self.feature_axes)
        return array, steps

    # -- weights -----------------------------------------------------------------------------------

    def require_built(self, where: str) -> None:
        """Raise if the parameters have no values yet."""
        if not self.built:
            raise RuntimeError(
                f"{where}: the layer {self.name!r} is not built; "
                "call it on data, or build(input_shape), first."
            )

    def get_weights(self) -> list[Array]:
        """Return copies of the parameters' values, in the order of `parameters`."""
        self.require_built(f"{type(self).__name__}.get_weights")
        return [parameter.value.copy() for parameter in self.parameters]

    def set_weights(self, weights: list[Any]) -> None:
        """Copy new values into the parameters; all are checked before the first is changed."""
        where = f"{type(self).__name__}.set_weights"
        self.require_built(where)
        assign_all(where, list(self.parameters), weights)
        self.weights_changed()

    def count_params(self) -> int:
        """Return how many numbers are trained; the layer must be declared."""
        return sum(parameter.size for parameter in self.parameters)

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy and pickle by configuration and weights, since views would lose their buffer."""
        config = self.get_config()
        if self.built:
            return _copy_of, (type(self), config, self.input_shape, self.get_weights())
        own = {key for key, value in config.items() if value is None and "initializer" in key}
        return _copy_of, (type(self), config | {key: getattr(self, key) for key in own})

    def __repr__(self) -> str:
        """Name, class and output shape."""
        shape = f", output {checks.shape_text(self.output_shape)}" if self.declared else ""
        return f"<{type(self).__name__} {self.name!r}{shape}>"


def _copy_of(kind: type[Layer], config: Any, shape: Any = None, weights: Any = None) -> Layer:
    layer = kind.from_config(config)
    if weights is not None:
        layer.build(shape)
        layer.set_weights(weights)
    return layer


initializer_config = initializers.describe  # part of a configuration
