"""What the suite *options* measured: lines, a file, and the tables of docs/performance.md."""

import json
from collections.abc import Sequence

from tidegate.bench.options import Measured
from tidegate.bench.probes import Silicon

Rows = Sequence[Measured]
CAPTION = (
    "Each cell: time relative to the plain layer, percent of the least time that the machine "
    "allows\nfor its matrix products. Products: multiply-adds relative to the plain layer's."
)


def header() -> str:
    """Return the first line of the table."""
    return f"{'case':<36} {'option':<28} {'µs':>10} {'x plain':>9} {'of limit':>10}"


def line(one: Measured, silicon: Silicon, threads: int) -> str:
    """Return one line of the table."""
    return (
        f"{one.case.label:<36} {one.option.name:<28} {1e6 * one.seconds:>10.1f} "
        f"{one.relative:>9.2f} {one.percent_of_limit(silicon, threads):>8.0f} %"
    )


def to_json(measured: Rows, silicon: Silicon, threads: int) -> str:
    """Return what was measured as JSON text."""
    rows = [
        {
            "case": one.case.label,
            "option": one.option.name,
            "seconds": one.seconds,
            "plain_seconds": one.plain,
            "relative": one.relative,
            "products": one.option.products(one.case),
            "percent_of_limit": one.percent_of_limit(silicon, threads),
        }
        for one in measured
    ]
    return json.dumps({"threads": threads, "rows": rows}, indent=1)


def markdown(measured: Rows, silicon: Silicon, threads: int) -> str:
    """Return one Markdown table per cell: options by cases."""
    kinds = dict.fromkeys(one.case.kind for one in measured)
    tables = (
        _table(kind, [one for one in measured if one.case.kind == kind], silicon, threads)
        for kind in kinds
    )
    return "\n\n".join([CAPTION, *tables])


def _table(kind: str, measured: Rows, silicon: Silicon, threads: int) -> str:
    by_size = sorted(measured, key=lambda one: -one.case.flops / (1 + 2 * one.case.training))
    cases = list(dict.fromkeys(one.case for one in by_size))
    found = {(one.option.name, one.case): one for one in measured}
    heads = [case.label.removeprefix(f"{kind} ") for case in cases]
    plain = ["plain"]
    for case in cases:
        quickest = min((one for one in measured if one.case == case), key=lambda one: one.plain)
        plain.append(f"{quickest.percent_of_limit_plain(silicon, threads):.0f} %")
    lines = [_row([kind, *heads, "products"]), "|---" * (len(heads) + 2) + "|", _row([*plain, "1"])]
    for name in dict.fromkeys(one.option.name for one in measured):
        cells, products = [name], []
        for case in cases:
            one = found.get((name, case))
            cells.append("-")
            if one is not None:
                percent = one.percent_of_limit(silicon, threads)
                cells[-1] = f"{one.relative:.2f}×, {percent:.0f} %"
                products.append(f"{one.option.products(case):.2g}")
        lines.append(_row([*cells, ", ".join(dict.fromkeys(products))]))
    return "\n".join(lines)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
