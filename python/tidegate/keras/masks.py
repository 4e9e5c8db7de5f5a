"""Where Keras and tidegate do different things at steps that a mask excludes.

A recurrent layer with go_backwards and return_sequences returns its steps in reversed order. Keras
hands the mask on as it came, so that it excludes other steps than those that were skipped; here the
mask is reversed with the outputs. Whatever reads mask and outputs together would differ.

With zero_output_for_mask and without return_sequences, Keras returns 0 for a sequence whose last
step is excluded; here the output after the last step that counts.
"""

from collections.abc import Callable, Iterator

from tidegate.layers.base import Layer
from tidegate.layers.call import Call
from tidegate.models.base import BaseModel


def require_forward_masks(model: BaseModel, place_of: Callable[[Layer], str]) -> None:
    """Raise if a masked sequence in reversed order is read by another layer."""
    reversed_by: dict[int, Layer] = {}
    for (layer, sources, targets), masked in _calls(model):
        for source in sources:
            if source in reversed_by:
                raise ValueError(
                    f"{place_of(reversed_by[source])}: go_backwards is True and return_sequences "
                    "too, on masked steps; expected no layer above it (Keras 3 does not reverse "
                    "the mask with the outputs; Bidirectional, which does, is nearest)."
                )
        parts = layer.recurrent_parts()
        alone = len(parts) == 1 and parts[0] is layer
        if masked and alone and parts[0].go_backwards and parts[0].return_sequences:
            reversed_by[targets[0]] = layer


def require_last_outputs(model: BaseModel, place_of: Callable[[Layer], str]) -> None:
    """Raise if Keras would return 0 in the place of the output after the last step that counts."""
    for call, masked in _calls(model):
        for part in call.layer.recurrent_parts() if masked else ():
            if part.zero_output_for_mask and not part.return_sequences:
                raise ValueError(
                    f"{place_of(call.layer)}: zero_output_for_mask is True on masked steps without "
                    "return_sequences; expected False (Keras returns 0 for sequences that end in "
                    "an excluded step, tidegate the output after the last step that counts)."
                )


def _calls(model: BaseModel) -> Iterator[tuple[Call, bool]]:
    """Yield the calls, and whether a mask comes with what they read."""
    masked: dict[int, bool] = {}
    for call in model.calls():
        into = any(masked.get(source, False) for source in call.sources)
        passed = into and all(part.return_sequences for part in call.layer.recurrent_parts())
        masked[call.targets[0]] = call.layer.makes_mask or passed
        yield call, into
