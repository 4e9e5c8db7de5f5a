"""Times: read in one format, put on an even grid, continued beyond the end."""

import numpy as np
import pytest

import tolerances
from tidegate.forecast.errors import InputError
from tidegate.forecast.timeaxis import TimeAxis, infer_axis
from tidegate.forecast.timetext import format_time, parse_times


def places(texts):
    return [f"line {number}" for number in range(2, len(texts) + 2)]


def axis_of(*texts, time_format=None):
    times, found = parse_times(texts, places(texts), time_format)
    return infer_axis(times, places(texts), found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1958-03-29", "1958-03-29T00:00:00"),
        ("1958-03-29 13:45", "1958-03-29T13:45:00"),
        ("1958-03-29T13:45:07", "1958-03-29T13:45:07"),
        ("1958-03-29T13:45:00Z", "1958-03-29T13:45:00"),
        ("1958-03-29T13:45:00+02:00", "1958-03-29T11:45:00"),
        ("29.03.1958", "1958-03-29T00:00:00"),
        ("29.03.1958 13:45", "1958-03-29T13:45:00"),
        ("29/03/1958", "1958-03-29T00:00:00"),
        ("03/29/1958", "1958-03-29T00:00:00"),
        ("19580329", "1958-03-29T00:00:00"),
        ("1958-03", "1958-03-01T00:00:00"),
        ("195803", "1958-03-01T00:00:00"),
        ("Mar 1958", "1958-03-01T00:00:00"),
        ("1958", "1958-01-01T00:00:00"),
        ("1958.0", "1958-01-01T00:00:00"),
    ],
)
def test_formats_are_found_and_written_back(text, expected):
    times, found = parse_times([text], ["line 2"])
    assert str(times[0]) == expected
    if "T" not in text:
        assert format_time(times[0], found).removesuffix(":00") == text.removesuffix(":00")


def test_all_rows_decide_between_day_and_month_first():
    times, _ = parse_times(["01/02/2001", "13/02/2001"], places("ab"))
    assert str(times[0]) == "2001-02-01T00:00:00"
    with pytest.raises(InputError, match=r'"01/02/2001" can be read day first or month first'):
        parse_times(["01/02/2001", "02/02/2001"], places("ab"))
    times, _ = parse_times(["01/02/2001", "02/02/2001"], places("ab"), "%m/%d/%Y")
    assert str(times[0]) == "2001-01-02T00:00:00"


@pytest.mark.parametrize(
    ("texts", "time_format", "match"),
    [
        (["soon"], None, 'line 2: "soon" is not a time; give --time-format'),
        ([""], None, 'line 2: "" is not a time'),
        (["2001-01-01", "2001-02-30"], None, 'line 3: "2001-02-30" is not a time; the rows above'),
        (["2001-01-01"], "%d.%m.%Y", 'line 2: "2001-01-01" is not a time'),
        (["3.5", "4.5"], None, "or leave out --time to count the rows"),
    ],
)
def test_what_is_not_a_time(texts, time_format, match):
    with pytest.raises(InputError, match=match):
        parse_times(texts, places(texts), time_format)


@pytest.mark.parametrize(
    ("texts", "steps", "following"),
    [
        (["2001-01-06", "2001-01-13", "2001-01-27"], [0, 1, 3], "2001-02-03"),
        (["2024-02-28", "2024-02-29", "2024-03-01"], [0, 1, 2], "2024-03-02"),
        (["2001-01", "2001-02", "2001-04"], [0, 1, 3], "2001-05"),
        (["2001-01-31", "2001-02-28", "2001-03-31"], [0, 1, 2], "2001-04-30"),
        (["2001-01-15", "2001-02-15", "2001-03-15"], [0, 1, 2], "2001-04-15"),
        (["2000-01-01", "2000-04-01", "2000-07-01"], [0, 1, 2], "2000-10-01"),
        (["1999", "2000", "2001", "2003"], [0, 1, 2, 4], "2004"),
        (["01.01.2001 22:00", "01.01.2001 23:00", "02.01.2001 01:00"], [0, 1, 3],
         "02.01.2001 02:00"),
        # Tuesday to Tuesday, without Saturday and Sunday; Monday the 8th is a holiday
        (["2024-01-02", "2024-01-03", "2024-01-04", "2024-01-05", "2024-01-09", "2024-01-10"],
         [0, 1, 2, 3, 5, 6], "2024-01-11"),
    ],
    ids=["weeks", "days", "months", "month-ends", "mid-months", "quarters", "years", "hours",
         "business-days"],
)  # fmt: skip
def test_grids(texts, steps, following):
    axis, found = axis_of(*texts)
    assert found.tolist() == steps
    assert [axis.label(step) for step in steps] == texts
    assert axis.label(steps[-1] + 1) == following


@pytest.mark.parametrize("clock", ["", " 16:30:00"])
def test_business_days_skip_the_weekend(clock):
    axis, _ = axis_of(*(f"2024-01-{day:02d}{clock}" for day in (2, 3, 4, 5, 8, 9, 10, 11, 12)))
    assert axis.kind == "business"
    assert axis.label(9) == f"2024-01-15{clock}"


@pytest.mark.parametrize(
    ("texts", "match"),
    [
        (["2001-01-01", "2001-01-02", "2001-01-02"],
         "line 4: time 2001-01-02 repeats the time above it; keep one row"),
        (["2001-01-02", "2001-01-01"],
         "line 3: time 2001-01-01 is before the time above it; sort the rows, oldest first"),
        (["2001-01-01", "2001-01-08", "2001-01-15", "2001-01-21"],
         "line 5: time 2001-01-21 comes 6 days after .*, but most come 1 week apart"),
        (["2001-01-01 00:00:00", "2001-01-01 00:00:01", "2031-01-01 00:00:00"],
         "3 rows span [0-9]+ steps of 1 second, nearly all missing"),
    ],
    ids=["duplicate", "unsorted", "uneven", "mostly-gaps"],
)  # fmt: skip
def test_times_without_an_even_grid(texts, match):
    with pytest.raises(InputError, match=match):
        axis_of(*texts)


def test_phase_of_weeks_follows_the_calendar_year():
    axis = TimeAxis("fixed", np.datetime64("1958-01-01", "s"), 7 * 86400)
    forty_years = axis.phase(np.array([0, 52, 40 * 52]), 52)
    # Counting would say 0 each time. 40·52 weeks end on day 315 of 1997, after 39 years, 10 of them
    # leap years: 14560 - 39·365 - 10.
    np.testing.assert_allclose(forty_years, [0, 364 / 365, 315 / 365], rtol=tolerances.BY_HAND)


def test_phase_of_hours_is_the_time_of_day_and_of_other_seasons_is_counted():
    axis = TimeAxis("fixed", np.datetime64("2024-01-01T06:00", "s"), 3600)
    assert axis.phase(np.array([0, 6, 24]), 24).tolist() == [0.25, 0.5, 0.25]
    assert axis.phase(np.array([0, 5, 10]), 10).tolist() == [0, 0.5, 0]
    assert TimeAxis().phase(np.array([0, 3, 4]), 4).tolist() == [0, 0.75, 0]
