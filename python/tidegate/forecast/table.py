"""Read a CSV or Parquet file into text columns; every row keeps its number for the messages."""

import csv
import difflib
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tidegate.forecast.errors import InputError
from tidegate.forecast.parquet import PARQUET, read_parquet

MISSING = frozenset({"", "na", "n/a", "#n/a", "nan", "null", "none", "-", "?"})


@dataclass(frozen=True)
class Table:
    """The text of a file: `rows[i]` stands in line `lines[i]` of it.

    Attributes
    ----------
    unit : str
        What `lines` counts: "line" of a CSV file, "row" of a Parquet file.
    """

    path: Path
    header: list[str]
    rows: list[list[str]]
    lines: list[int]
    unit: str = "line"

    def places(self, column: str) -> list[str]:
        """Return where each cell of a column stands, to start an error message."""
        start, end = f"{self.path}: {self.unit} ", f', column "{column}"'
        return [f"{start}{line}{end}" for line in self.lines]

    def texts(self, column: str) -> list[str]:
        """Return the stripped cells of one column."""
        index = self._index(column)
        return [row[index].strip() for row in self.rows]

    def numbers(self, column: str) -> npt.NDArray[np.float64]:
        """Return one column as float64 (n,), NaN where the cell is empty or says so."""
        texts = self.texts(column)
        return np.array(
            [
                self._number(text, line, column)
                for text, line in zip(texts, self.lines, strict=True)
            ],
            dtype=np.float64,
        )

    def require(self, column: str) -> None:
        """Raise an InputError unless there is a column of that name."""
        self._index(column)

    def _index(self, column: str) -> int:
        """Find a column, or list those that exist and the closest one."""
        if column in self.header:
            return self.header.index(column)
        known = ", ".join(f'"{name}"' for name in self.header)
        by_lower = {name.lower(): name for name in self.header}
        close = difflib.get_close_matches(column.lower(), by_lower, n=1, cutoff=0.5)
        hint = f' Did you mean "{by_lower[close[0]]}"?' if close else ""
        if any(name[:1].isdigit() for name in self.header):
            hint += " The first row must name the columns."
        raise InputError(f'{self.path}: no column "{column}"; the columns are {known}.{hint}')

    def _number(self, text: str, line: int, column: str) -> float:
        """Parse one cell, or name the line, the column and the text."""
        if text.lower() in MISSING:
            return math.nan
        number = _parsed(text)
        if math.isfinite(number):
            return number
        hint = "leave the cell empty if the value is missing"
        if not any(math.isfinite(_parsed(other)) for other in self.texts(column)):
            hint = "no cell of the column is; times, groups and classes have options of their own"
        if "," in text:
            hint = "write 1234.5, without thousands separators and with a decimal point"
        where = f'{self.path}: {self.unit} {line}, column "{column}"'
        raise InputError(f'{where}: "{text}" is not a finite number ({hint}).')


def _parsed(text: str) -> float:
    """Return the number that a text is, else inf."""
    try:
        return math.inf if "_" in text else float(text)
    except ValueError:
        return math.inf


def read_table(path: Path, encoding: str = "utf-8") -> Table:
    """Read a CSV file whose first row names the columns, or a Parquet file (.parquet, .pq).

    Parameters
    ----------
    path : Path
        The file. In CSV comma, semicolon or tab separates the cells, whichever the first row has
        most.
    encoding : str
        How its bytes spell text; a byte-order mark is skipped.

    Raises
    ------
    InputError
        The file is missing, a directory, unreadable, empty or not text, has two columns of one
        name, or a row has another number of cells than the header.
    ImportError
        A Parquet file needs pyarrow; the message says how to install it.
    """
    if path.suffix.lower() in PARQUET:
        header, rows = read_parquet(path)
        _check_shape(path, header, list(enumerate(rows, 1)))
        return Table(path, header, rows, list(range(1, len(rows) + 1)), "row")
    text = _read_text(path, encoding)
    if not text.strip():
        raise InputError(f"{path}: the file is empty; expected a header row and rows of values.")
    first = text.lstrip("\r\n").partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    records: list[tuple[int, list[str]]] = []
    try:
        records.extend((reader.line_num, row) for row in reader if any(map(str.strip, row)))
    except csv.Error as error:
        raise InputError(f"{path}: line {reader.line_num}: {error}.") from None
    header = [name.strip() for name in records[0][1]]
    _check_shape(path, header, records[1:])
    return Table(path, header, [row for _, row in records[1:]], [line for line, _ in records[1:]])


def _read_text(path: Path, encoding: str) -> str:
    """Return the decoded file, or say what stands in the way."""
    if path.is_dir():
        raise InputError(f"{path}: is a directory; expected a CSV file.")
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"{path}: no such file.") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}).") from None
    try:
        text = raw.decode("utf-8-sig" if encoding.lower() in {"utf-8", "utf8"} else encoding)
    except LookupError:
        raise InputError(f'--encoding "{encoding}" is unknown; try utf-8 or latin-1.') from None
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"{path}: line {line}: byte 0x{raw[error.start]:02x} is not {encoding}; "
            "give the file's encoding, such as --encoding latin-1 or utf-16."
        ) from None
    if "\0" in text:
        raise InputError(f"{path}: holds zero bytes; expected a CSV file in {encoding}.")
    return text


def _check_shape(path: Path, header: Sequence[str], records: list[tuple[int, list[str]]]) -> None:
    """Refuse doubled names and rows of another width than the header."""
    doubled = sorted({name for name in header if header.count(name) > 1})
    if doubled:
        raise InputError(f'{path}: two columns are called "{doubled[0]}"; rename one.')
    for line, row in records:
        if len(row) != len(header):
            cells = "1 cell" if len(row) == 1 else f"{len(row)} cells"
            raise InputError(
                f"{path}: line {line} has {cells}; expected {len(header)}, as many as the header."
            )
    if not records:
        raise InputError(f"{path}: has a header but no rows.")
