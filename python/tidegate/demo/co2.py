"""The weekly CO2 record of Mauna Loa, 1958-03-29 to 2001-12-29, as statsmodels bundles it.

2284 weeks, of which 59 are missing. Keeling & Whorf 2004, public domain; ppm of dry air.
"""

import numpy as np

from tidegate._extras import require
from tidegate.forecast.series import Series
from tidegate.forecast.timeaxis import infer_axis
from tidegate.forecast.timetext import ISO

WEEKS_PER_YEAR = 52
UNIT = "ppm"


def load_co2() -> Series:
    """Return the record with a season of 52 weeks; NaN where a week is missing.

    Raises
    ------
    ImportError
        statsmodels or its pandas is missing; the message says how to install them.
    """
    require("pandas", extra="demo", purpose="the demo")
    co2 = require("statsmodels.datasets.co2", extra="demo", purpose="the demo")
    frame = co2.load_pandas().data
    times = frame.index.to_numpy().astype("datetime64[s]")
    axis, steps = infer_axis(times, [f"CO2 record: row {row}" for row in range(len(times))], ISO)
    values = np.full(steps[-1] + 1, np.nan)
    values[steps] = frame["co2"].to_numpy(np.float64)
    return Series(values, WEEKS_PER_YEAR, axis, "CO2")
