"""Parquet files as the text that a CSV file would hold, and back; by pyarrow, an extra.

Text is what the checks of the tables read, and it loses nothing: numbers are written so that they
read back as the same float64, times as ISO 8601. A null is an empty cell; true and false are 1 and
0.
"""

import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tidegate._extras import require
from tidegate.forecast.errors import InputError

PARQUET = (".parquet", ".pq")


def read_parquet(path: Path) -> tuple[list[str], list[list[str]]]:
    """Return the names of the columns and the rows as text.

    Raises
    ------
    InputError
        There is no such file, it is no Parquet file, or a column holds lists or tables.
    ImportError
        pyarrow is missing; the message says how to install it.
    """
    arrow = require("pyarrow", extra="table", purpose=f"reading {path}")
    parquet = require("pyarrow.parquet", extra="table", purpose=f"reading {path}")
    if path.is_dir():
        raise InputError(f"{path}: is a directory; expected one Parquet file.")
    try:
        table = parquet.read_table(io.BytesIO(path.read_bytes()))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file.") from None
    except (OSError, arrow.ArrowException) as error:
        reason = str(error).partition("\n")[0]
        raise InputError(f"{path}: is not a whole Parquet file ({reason}).") from None
    columns = [
        _texts(arrow, path, name, table.column(index))
        for index, name in enumerate(table.column_names)
    ]
    return [name.strip() for name in table.column_names], [
        list(row) for row in zip(*columns, strict=True)
    ]


def parquet_bytes(header: Sequence[str], columns: Iterable[Sequence[Any]]) -> bytes:
    """Return the content of a Parquet file; each column has one type, None where a cell is empty.

    Raises
    ------
    ImportError
        pyarrow is missing; the message says how to install it.
    """
    arrow = require("pyarrow", extra="table", purpose="writing a Parquet file")
    parquet = require("pyarrow.parquet", extra="table", purpose="writing a Parquet file")
    table = arrow.table([arrow.array(list(column)) for column in columns], names=list(header))
    sink = io.BytesIO()
    parquet.write_table(table, sink)
    return sink.getvalue()


def _texts(arrow: Any, path: Path, name: str, column: Any) -> list[str]:
    """Return one column as text."""
    kind = column.type
    if arrow.types.is_nested(kind):
        raise InputError(
            f'{path}: column "{name}" holds {kind} values; expected one number, text or time in '
            "each row."
        )
    if arrow.types.is_boolean(kind):
        column = column.cast(arrow.int8())
    if arrow.types.is_timestamp(kind):  # Python's datetime knows no nanoseconds
        column = column.cast(arrow.timestamp("us", tz=kind.tz), safe=False)
    return ["" if cell is None else str(cell) for cell in column.to_pylist()]
