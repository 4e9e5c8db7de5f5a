"""The graph of a Model: from its inputs and its output to calls in an order in which they run."""

from collections.abc import Sequence
from typing import Any

from tidegate.layers import Embedding, Input
from tidegate.layers.base import Layer
from tidegate.layers.call import Call
from tidegate.layers.tensor import Tensor, Use
from tidegate.models.base import decides_input


def as_inputs(where: str, inputs: Any) -> list[Input]:
    """Return the inputs as a list of different ones."""
    listed = list(inputs) if isinstance(inputs, list | tuple) else [inputs]
    if not listed:
        raise ValueError(f"{where}: inputs is empty; expected at least one Input.")
    for entry in listed:
        if not isinstance(entry, Input):
            raise TypeError(f"{where}: inputs has {entry!r}; expected Input objects.")
    if len({id(entry) for entry in listed}) < len(listed):
        raise ValueError(f"{where}: inputs has the same Input twice; expected each once.")
    return listed


def as_output(where: str, outputs: Any) -> Tensor:
    """Return the one output."""
    listed = list(outputs) if isinstance(outputs, list | tuple) else [outputs]
    if len(listed) != 1:
        raise ValueError(
            f"{where}: outputs has {len(listed)} tensors; expected one (Concatenate joins several; "
            "for several losses, one model each)."
        )
    if not isinstance(listed[0], Tensor):
        raise TypeError(
            f"{where}: outputs is {listed[0]!r}; expected what a layer returned for a tensor."
        )
    if listed[0].use is None:
        raise ValueError(f"{where}: the output is an Input; expected at least one layer.")
    tensor: Tensor = listed[0]
    return tensor


def input_names(where: str, inputs: Sequence[Input]) -> list[str]:
    """Return a name for each input; default ones are made unique."""
    names: list[str] = []
    given = [entry.name for entry in inputs if entry.has_given_name]
    for entry in inputs:
        name = entry.name
        if entry.has_given_name:
            if given.count(name) > 1:
                raise ValueError(f"{where}: two inputs have the name {name!r}; expected another.")
        else:
            count = 0
            while name in names or name in given:
                count += 1
                name = f"{entry.name}_{count}"
        names.append(name)
    return names


def trace(where: str, inputs: Sequence[Input], output: Tensor) -> list[Use]:
    """Return what stands between inputs and output, each use after those that it needs.

    Raises
    ------
    ValueError
        The output needs another Input, or does not need one of these.
    """
    order: list[Use] = []
    seen: set[int] = set()
    reached: set[int] = set()
    known = {id(entry) for entry in inputs}
    # Depth first, without recursion: a model may be deeper than Python's stack.
    waiting: list[tuple[Tensor, bool]] = [(output, False)]
    while waiting:
        tensor, sources_done = waiting.pop()
        use = tensor.use
        if use is None:
            if id(tensor) not in known:
                raise ValueError(
                    f"{where}: the output needs {tensor!r}, which is not among inputs; expected "
                    "every Input that it depends on."
                )
            reached.add(id(tensor))
        elif sources_done:
            order.append(use)
        elif id(use) not in seen:
            seen.add(id(use))
            waiting.append((tensor, True))
            waiting += [(source, False) for source in reversed(use.sources)]
    for entry in inputs:
        if id(entry) not in reached:
            raise ValueError(
                f"{where}: {entry!r} is not connected to the output; expected inputs that it "
                "depends on."
            )
    return order


def calls_of(inputs: Sequence[Input], uses: Sequence[Use]) -> tuple[list[Call], dict[int, int]]:
    """Return the calls, and the place of each tensor by its id."""
    places = {id(entry): k for k, entry in enumerate(inputs)}
    calls = []
    for use in uses:
        for tensor in use.outputs:
            places[id(tensor)] = len(places)
        sources = tuple(places[id(source)] for source in use.sources)
        calls.append(Call(use.layer, sources, tuple(places[id(out)] for out in use.outputs)))
    return calls, places


def require_runnable(where: str, calls: Sequence[Call], inputs: int) -> None:
    """Raise if integers would meet a layer that computes, or a state would be carried twice."""
    for place in range(inputs):
        fed = feeding(calls, place)
        takers = [layer for layer in fed if layer.takes_missing]
        if takers and len(takers) < len(fed):
            raise ValueError(
                f"{where}: layer {takers[0].name!r} takes NaN as missing; expected an Input that "
                "no layer of another kind reads."
            )
    for call in calls:
        readers = [other.layer for other in calls if set(other.sources) & set(call.sources)]
        if isinstance(call.layer, Embedding) and (
            call.sources[0] >= inputs or not all(isinstance(other, Embedding) for other in readers)
        ):
            raise ValueError(
                f"{where}: Embedding {call.layer.name!r} takes integers; expected it right after "
                "an Input that no other kind of layer reads."
            )
        uses = sum(other.layer is call.layer for other in calls)
        if uses > 1 and any(part.stateful for part in call.layer.recurrent_parts()):
            raise ValueError(
                f"{where}: layer {call.layer.name!r} is stateful and used {uses} times; expected "
                "one use, since it carries one state."
            )


def feeding(calls: Sequence[Call], place: int) -> list[Layer]:
    """Return layers whose `prepare` an input at a place passes, those that do the same once.

    On each way up, the first layer that decides what the input may be. It is the first of all
    where none decides, or where a layer in between would spread a missing value to other steps.
    """
    readers: dict[int, list[Call]] = {}
    for call in calls:
        for source in set(call.sources):
            readers.setdefault(source, []).append(call)
    found: dict[Any, Layer] = {}
    # Places on the ways up, the first layer on the way there, and whether it keeps steps apart.
    ways: list[tuple[int, Layer | None, bool]] = [(place, None, True)]
    seen = set(ways)
    while ways:
        here, below, apart = ways.pop()
        for layer, _, targets in readers.get(here, ()):
            first = layer if below is None else below
            if not decides_input(layer):
                way = (targets[0], first, apart and layer.stepwise)
                ways += [] if way in seen else [way]
                seen.add(way)
            else:
                _note(found, layer if apart or not layer.takes_missing else first)
        if here not in readers and below is not None:
            _note(found, below)
    return list(found.values())


def _note(found: dict[Any, Layer], layer: Layer) -> None:
    plain = type(layer).prepare is Layer.prepare
    found.setdefault(layer.dtype if plain else id(layer), layer)
