"""Which arrays layer normalisation takes, and what it cannot be combined with."""

from typing import Any

NORM_ARRAYS = ("gamma_ih", "gamma_hh", "gamma_c", "beta_c")


def norm_arrays_of(cell: str) -> tuple[str, ...]:
    """Return the names of the arrays of a cell: c is the LSTM's."""
    return NORM_ARRAYS if cell == "lstm" else NORM_ARRAYS[:2]


def check_norm_arrays(where: str, cell: str, given: dict[str, Any]) -> bool:
    """Return whether the arrays of layer normalisation are given; raise if some of them are."""
    names = norm_arrays_of(cell)
    present = [name for name in names if given[name] is not None]
    if present and len(present) < len(names):
        missing = next(name for name in names if given[name] is None)
        raise ValueError(
            f"{where}: {missing} is None and {present[0]} is given; expected all of "
            f'{", ".join(names)}, or none (layer normalisation of cell "{cell}").'
        )
    return bool(present)


def check_combination(
    where: str,
    resets_before: bool = False,
    peephole: str | None = None,
    projects: bool = False,
    decays_memory: bool = False,
) -> None:
    """Raise if layer normalisation is combined with what it has no form for.

    `peephole` is the form of the peepholes.
    """
    other = reason = None
    if resets_before:
        other = "reset_after=False"
        reason = "R_n (r∘h_prev) comes after the gates, so there is no R h_prev of all gates"
    elif peephole == "full":
        other, reason = "a full peephole", "its products P c have no gain; diagonal ones combine"
    elif projects:
        other = "a projection"
        reason = "no system defines which of o∘tanh(c) and W_hr (o∘tanh(c)) is normalised"
    elif decays_memory:
        other, reason = "weight_cc", "a T-LSTM has one more product, of c_prev, without a gain"
    if other is not None:
        raise ValueError(
            f"{where}: layer normalisation is combined with {other}; expected one of the two "
            f"({reason})."
        )
