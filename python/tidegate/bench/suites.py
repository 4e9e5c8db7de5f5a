"""The suites: which cases are measured.

Sizes are (T, B, I, H).
"""

from collections.abc import Collection, Iterator

from tidegate.bench import scaling
from tidegate.bench.case import KINDS, Case

Sizes = tuple[int, int, int, int]

QUICK: tuple[Sizes, ...] = (
    (10, 32, 1, 10),
    (100, 1, 256, 256),
    (100, 16, 256, 256),
    (25, 64, 512, 512),
)

STANDARD: tuple[Sizes, ...] = (
    (10, 32, 1, 10),
    (100, 1, 32, 32),
    (100, 1, 64, 128),
    (100, 1, 256, 256),
    (50, 1, 1024, 1024),
    (50, 1, 1536, 1536),
    (100, 4, 128, 128),
    (100, 32, 64, 128),
    (100, 16, 256, 256),
    (25, 64, 512, 512),
    (25, 64, 1024, 1024),
    (25, 128, 1024, 1024),
    (20, 32, 1760, 1760),
    (1000, 8, 16, 64),
)
# Where the other cells are measured, too.
STARRED: tuple[Sizes, ...] = (
    (10, 32, 1, 10),
    (100, 1, 32, 32),
    (100, 32, 64, 128),
    (100, 16, 256, 256),
)
MAIN_KINDS = ("lstm", "gru")
OTHER_KINDS = ("gru_reset_before", "lstm_peephole", "rnn")
RELU_KINDS = ("lstm_relu", "rnn_relu")
RELU: Sizes = (100, 16, 256, 256)
ONE_STEP_HIDDEN = (32, 64, 128, 256, 512, 1024)
BIDIRECTIONAL: tuple[Sizes, ...] = ((100, 16, 128, 256), (100, 1, 128, 256))
STACKED: tuple[Sizes, ...] = ((100, 16, 256, 256), (100, 1, 256, 256))
STACKS = (2, 4)
FLOAT64: Sizes = (100, 16, 256, 256)
RAGGED: Sizes = (200, 32, 64, 128)


def _quick(training: bool) -> Iterator[Case]:
    for kind in MAIN_KINDS:
        for sizes in QUICK:
            yield Case(kind, training, *sizes)


def _standard(training: bool) -> Iterator[Case]:
    for kind in MAIN_KINDS:
        for sizes in STANDARD:
            yield Case(kind, training, *sizes)
        for hidden in ONE_STEP_HIDDEN:
            yield Case(kind, training, 1, 1, hidden, hidden)
        for sizes in BIDIRECTIONAL:
            yield Case(kind, training, *sizes, bidirectional=True)
        for sizes in STACKED:
            for layers in STACKS:
                yield Case(kind, training, *sizes, layers=layers)
        yield Case(kind, training, *FLOAT64, dtype="float64")
        for ragged in (False, True):  # padded, that the same run has what lengths save
            yield Case(kind, training, *RAGGED, ragged=ragged)
    for kind in OTHER_KINDS:
        for sizes in STARRED:
            yield Case(kind, training, *sizes)
    for kind in RELU_KINDS:
        yield Case(kind, training, *RELU)


# The recurrent layers of DeepBench (github.com/baidu-research/DeepBench), I = H, at T <= 187:
# (T, H) of each cell, and its batches in training and inference.
_DEEPBENCH = {
    "lstm": (
        ((25, 512), (25, 1024), (25, 2048), (50, 1536), (150, 256)),
        (16, 32, 64, 128),
        (1, 2, 4),
    ),
    "gru": (
        ((187, 2816), (187, 2048), (187, 1536), (187, 2560), (1, 512)),
        (32,),
        (1, 2, 4),
    ),
    "rnn": (((50, 1760), (50, 2048), (50, 2560)), (16, 32, 64, 128), (16, 32, 64, 128)),
}


def _deepbench(training: bool) -> Iterator[Case]:
    """Yield each shape with its input product, and with I = 1.

    DeepBench leaves the input product out. No engine offers that, but with I = 1 the product is
    less than a thousandth of the rest.
    """
    for kind, (shapes, training_batches, inference_batches) in _DEEPBENCH.items():
        for steps, hidden in shapes:
            for batch in training_batches if training else inference_batches:
                for inputs in (hidden, 1):
                    yield Case(kind, training, steps, batch, inputs, hidden)


SUITES = {
    "quick": _quick,
    "standard": _standard,
    "deepbench": _deepbench,
    "scaling": scaling.cases,
}


def select(
    suite: str,
    passes: Collection[str],
    kinds: Collection[str] = tuple(KINDS),
    only: str = "",
) -> list[Case]:
    """Return the cases of a suite, pass by pass.

    Parameters
    ----------
    suite : str
        A name of SUITES.
    passes : collection of str
        Of "inference" and "training".
    kinds : collection of str
        Names of KINDS; cases of other cells are left out.
    only : str
        Keep the cases whose label contains this text.

    Examples
    --------
    >>> [case.label for case in select("quick", ["training"], ["gru"], "(25,")]
    ['gru training (25, 64, 512, 512)']
    """
    return [
        case
        for name in passes
        for case in SUITES[suite](name == "training")
        if case.kind in kinds and only in case.label
    ]
