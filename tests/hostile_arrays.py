"""Arrays as no caller should send them: the same values in odd layouts, and wrong ones."""

import numpy as np

from random_runs import Draw

SIZES = (0, 1, 1, 2, 3, 5, 8, 17)
WRONG = (1.5, "no such", b"\xff", [], object(), np.zeros(2))  # as no option is
LARGEST_COPY = 10**6  # elements; a broadcast array may claim any number of them


class Hostile(Draw):
    """Draws the arguments of one call, and remembers which of them are wrong."""

    def __init__(self, seed):
        super().__init__(seed)
        self.dtype = self.one(np.float32, np.float64)
        self.share = self.one(0.0, 0.0, 0.05, 0.3)  # of the arguments that are wrong
        self.wrong = []  # names that a message may hold
        self.exploded = False  # the values, so that nothing was compared
        self.given = []  # (name, array, copy of it)

    def size(self, least=0):
        """A size, 0 and odd ones included."""
        return max(int(self.one(*SIZES)), least)

    def take(self, name, array):
        """Return an argument with these values in some layout, or a wrong one."""
        spoilt = self.chance(self.share)
        value = spoil(self, array) if spoilt else in_some_layout(self, array)
        if spoilt:
            self.wrong.append(name)
            if name == "weight_ih":  # the others disagree with it
                self.wrong += ["input_size", "the dtype of the weights"]
            self.wrong += ["weight_hh"] if name == "weight_hr" else []  # whose sizes it gives
        if isinstance(value, np.ndarray) and value.size < LARGEST_COPY:
            self.given.append((name, value, value.copy()))
        return value

    def option(self, name, valid, invalid=WRONG):
        """Return one of the valid choices, or a wrong one."""
        if self.chance(self.share / 2):
            self.wrong.append(name)
            return invalid[self.rng.integers(len(invalid))]
        return valid[self.rng.integers(len(valid))]

    def assert_inputs_unchanged(self):
        for name, array, before in self.given:
            if before.dtype.hasobject:
                continue
            floats = before.dtype.kind == "f"
            same = np.array_equal(np.asarray(array), np.asarray(before), equal_nan=floats)
            assert same, f"the call changed its argument {name}"


def strided(array, axis, step):
    """The same values, `step` apart along an axis, in a larger array."""
    shape = list(array.shape)
    shape[axis] = shape[axis] * abs(step) + 1
    wide = np.full(shape, np.nan, array.dtype)
    part = [slice(None)] * array.ndim
    part[axis] = slice(0, array.shape[axis] * abs(step), abs(step))
    view = wide[tuple(part)]
    view = np.flip(view, axis) if step < 0 else view
    view[...] = array
    return view


def unaligned(array):
    """The same values, one byte off."""
    memory = np.zeros(array.nbytes + 1, np.uint8)
    view = memory[1:].view(array.dtype).reshape(array.shape)
    view[...] = array
    return view


def read_only(array):
    array = array.copy()
    array.flags.writeable = False
    return array


def in_a_record(array):
    """The same values as one field of records, so that strides are no multiple of the item."""
    records = np.zeros(array.shape, [("gap", "u1"), ("value", array.dtype)])
    records["value"] = array
    return records["value"]


def in_some_layout(draw, array):
    """Return the same values in some layout that must be accepted."""
    axis = int(draw.rng.integers(array.ndim)) if array.ndim else 0
    layouts = [lambda a: a, lambda a: a, np.asfortranarray, unaligned, read_only, in_a_record]
    if array.ndim:
        layouts.append(lambda a: strided(a, axis, draw.one(-3, -1, 2, 5)))
    if array.ndim == 2:
        layouts.append(lambda a: a.view(np.matrix))
    return draw.one(*layouts)(array)


def spoil(draw, array):
    """Return something in the place of an array that must be refused."""
    other = np.float64 if array.dtype == np.float32 else np.float32
    kinds = (np.float16, np.int64, np.uint8, np.bool_, np.complex128, object, np.longdouble, other)
    swapped = array.astype(array.dtype.newbyteorder())
    records = np.zeros(array.shape, [("a", array.dtype), ("b", "i4")])
    return draw.one(
        lambda: array.astype(draw.one(*kinds)),
        lambda: swapped,
        lambda: records,
        lambda: np.ma.masked_array(array, np.zeros(array.shape, bool)),
        lambda: array[np.newaxis],
        lambda: (
            np.concatenate([array, array[..., :1], array[..., :1]], axis=-1)
            if array.shape[-1]
            else array[..., np.newaxis]
        ),
        lambda: array.astype("S8"),
        lambda: array.astype("M8[s]") if array.size == 0 else array.astype("i8").view("M8[s]"),
        lambda: np.empty((), array.dtype),
        lambda: "an array",
        object,
        lambda: {"a": 1},
        lambda: [[1.0], [1.0, 2.0]],
        lambda: np.broadcast_to(array.dtype.type(0), (2**40, 2**10, 2**8)),
        lambda: np.lib.stride_tricks.as_strided(array[..., :1], (2**31, 1, 1), (0, 0, 0)),
    )()
