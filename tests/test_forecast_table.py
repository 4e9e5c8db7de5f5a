"""Reading CSV files: what is accepted, and a readable error for each thing that is not."""

import numpy as np
import pytest

from tidegate.forecast.errors import InputError
from tidegate.forecast.table import read_table


@pytest.fixture
def write(tmp_path):
    def write(content, name="data.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.mark.parametrize(
    "content",
    [
        "t,y\n1,2.5\n2,\n3,-1e3\n",
        "t;y\n1;2.5\n2;\n3;-1e3\n",
        "t\ty\n1\t2.5\n2\t\n3\t-1e3\n",
        "\ufefft,y\r\n1,2.5\r\n2,NA\r\n3,-1e3\r\n",
        ' t , y \n1, 2.5 \n\n2, NaN\n3,"-1e3"',
        '"t","y"\n"1","2.5"\n"2","null"\n"3","-1e3"\n',
    ],
    ids=["comma", "semicolon", "tab", "bom-crlf", "spaces-blank-line", "quotes"],
)
def test_layouts(write, content):
    table = read_table(write(content))
    assert table.header == ["t", "y"]
    assert table.texts("t") == ["1", "2", "3"]
    np.testing.assert_array_equal(table.numbers("y"), [2.5, np.nan, -1000.0])


def test_other_encodings(write):
    path = write("größe\n1\n".encode("latin-1"))
    assert read_table(path, "latin-1").numbers("größe").tolist() == [1.0]
    with pytest.raises(InputError, match=r"line 1: byte 0xf6 is not utf-8; .* latin-1"):
        read_table(path)


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ("", "data.csv: the file is empty"),
        ("  \n\n", "data.csv: the file is empty"),
        ("t,y\n", "has a header but no rows"),
        ("t,y\n1,2\n3\n", "line 3 has 1 cell; expected 2"),
        ("t,y\n1,2\n\n3,4,5\n", "line 4 has 3 cells; expected 2"),
        ("y,y\n1,2\n", 'two columns are called "y"; rename one'),
        ('y\n"1\n', "line 2: unexpected end of data"),
        (b"y\n1\x002\n", "holds zero bytes"),
        ("y\n1\nß\n".encode("utf-16"), "byte 0xff is not utf-8"),
    ],
)
def test_files_that_cannot_be_read(write, content, match):
    with pytest.raises(InputError, match=match):
        read_table(write(content))


def test_paths_that_cannot_be_read(tmp_path):
    with pytest.raises(InputError, match=r"absent\.csv: no such file"):
        read_table(tmp_path / "absent.csv")
    with pytest.raises(InputError, match="is a directory; expected a CSV file"):
        read_table(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"cannot be read \(Not a directory\)"):
        read_table(tmp_path / "file" / "data.csv")


def test_unknown_encoding(write):
    with pytest.raises(InputError, match='--encoding "utf-99" is unknown'):
        read_table(write("y\n1\n"), "utf-99")


@pytest.mark.parametrize(
    ("asked", "match"),
    [
        ("co", r'no column "co"; the columns are "week", "co2"\. Did you mean "co2"\?$'),
        ("CO2", 'Did you mean "co2"'),
        ("temperature", r'the columns are "week", "co2"\.$'),
    ],
)
def test_a_missing_column_lists_those_that_exist(write, asked, match):
    with pytest.raises(InputError, match=match):
        read_table(write("week,co2\n1,2\n")).texts(asked)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("high", 'line 3, column "y": "high" is not a finite number .*leave the cell empty'),
        ("1_000", '"1_000" is not a finite number'),
        ("inf", '"inf" is not a finite number'),
        ("1e999", '"1e999" is not a finite number'),
        ('"1,5"', '"1,5" is not a finite number .*decimal point'),
        ("7%", '"7%" is not a finite number'),
    ],
)
def test_text_among_numbers_is_named_with_its_line(write, text, match):
    with pytest.raises(InputError, match=match):
        read_table(write(f"y\n1\n{text}\n")).numbers("y")


@pytest.mark.parametrize("cells", ["2024-01-01\n2024-01-02", "left\nright", "\nleft"])
def test_a_column_without_any_number_is_not_taken_for_one_bad_cell(write, cells):
    with pytest.raises(InputError, match=r"no cell of the column is; times, groups and classes"):
        read_table(write(f"y,z\n{cells.replace(chr(10), ',1' + chr(10))},1\n")).numbers("y")
