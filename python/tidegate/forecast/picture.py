"""The picture of an evaluation: history, forecasts and truth, and how errors grow with the lead."""

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tidegate._extras import require
from tidegate.forecast.evaluate import HeldOut
from tidegate.forecast.outputs import write_picture
from tidegate.forecast.series import Series

Floats = npt.NDArray[np.float64]

HISTORY, TRUTH = "#9aa0a6", "#202124"
COLOURS = ("#d93025", "#1a73e8", "#188038", "#f29900")
BASELINES = ("#c5a3d6", "#7b5ea7")


@dataclass(frozen=True)
class Picture:
    """What is drawn.

    Attributes
    ----------
    series : Series
    held_out : HeldOut
    rolled : dict of str to (N, horizon)
        Forecasts of every method from every held-out origin.
    networks : tuple of str
        Which of them are networks.
    future : (horizon,) array, optional
        A forecast beyond the end of the series.
    title, unit : str
    """

    series: Series
    held_out: HeldOut
    rolled: dict[str, Floats]
    networks: tuple[str, ...]
    title: str
    unit: str = ""
    future: Floats | None = None

    def draw(self) -> Any:
        """Return a matplotlib Figure: the whole series above, the zoom and the errors below."""
        figure_class = require("matplotlib.figure", extra="plot", purpose="the picture").Figure
        figure = figure_class(figsize=(11, 8), layout="constrained")
        axes = figure.subplot_mosaic([["all", "all"], ["zoom", "lead"]])
        self._draw_history(axes["all"])
        self._draw_zoom(axes["zoom"])
        self._draw_errors(axes["lead"])
        figure.suptitle(self.title)
        return figure

    def save(self, path: Path) -> None:
        """Write the picture; the ending of the name says how (PNG, PDF, SVG)."""
        figure = self.draw()
        with warnings.catch_warnings():  # a name in a script that the font lacks is shown as boxes
            warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)
            write_picture(path, figure)

    def _x(self, steps: npt.NDArray[np.int64]) -> Any:
        """Return times, or the row numbers where there are none."""
        axis = self.series.axis
        return steps + axis.first + 1 if axis.kind == "index" else axis.times(steps)

    def _draw_history(self, ax: Any) -> None:
        """Show the whole series, and forecasts end to end through the held-out part."""
        n, start = len(self.series), self.held_out.start
        steps = np.arange(n)
        values = self.series.values
        ax.plot(self._x(steps[:start]), values[:start], color=HISTORY, lw=1, label="history")
        ax.plot(self._x(steps[start:]), values[start:], color=TRUTH, lw=1.2, label="truth")
        ax.axvspan(*self._x(np.array([start, n - 1])), color="#f1f3f4", zorder=0)
        self._draw_forecasts(ax)
        if self.future is not None:
            ahead = np.arange(n, n + len(self.future))
            ax.plot(self._x(ahead), self.future, color=COLOURS[2], lw=1.5, label="forecast")
        ax.set_title("history, and forecasts through the held-out part (shaded)", fontsize=10)
        ax.legend(fontsize=8, frameon=False, ncols=4, loc="best")
        ax.set_ylabel(self.unit)

    def _draw_forecasts(self, ax: Any) -> None:
        """Draw forecasts that follow each other, counted back from the last origin."""
        horizon = self.held_out.truth.shape[1]
        rows = self._consecutive(horizon)
        for name, colour in zip(self.networks, COLOURS, strict=False):
            for number, row in enumerate(rows):
                steps = self.held_out.origins[row] + np.arange(1, horizon + 1)
                label = name if number == 0 else None
                ax.plot(self._x(steps), self.rolled[name][row], color=colour, lw=1.3, label=label)

    def _consecutive(self, horizon: int) -> list[int]:
        """Return rows of origins at least a horizon apart, the last one included."""
        rows, bound = [], None
        for row in range(len(self.held_out.origins) - 1, -1, -1):
            origin = int(self.held_out.origins[row])
            if bound is None or origin <= bound:
                rows.append(row)
                bound = origin - horizon
        return rows[::-1]

    def _draw_zoom(self, ax: Any) -> None:
        """Show the last held-out forecast of every method, and what came true."""
        series, horizon = self.series, self.held_out.truth.shape[1]
        origin = int(self.held_out.origins[-1])
        past = np.arange(max(origin - max(series.season, horizon), 0), origin + 1)
        ahead = np.arange(origin + 1, origin + 1 + horizon)
        ax.plot(self._x(past), series.values[past], color=HISTORY, lw=1.2, label="history")
        ax.plot(self._x(ahead), series.values[ahead], color=TRUTH, lw=1.6, label="truth")
        for name, style in self._styles().items():
            ax.plot(self._x(ahead), self.rolled[name][-1], label=name, **style)
        if self.future is not None:
            steps = np.arange(len(series), len(series) + len(self.future))
            ax.plot(self._x(steps), self.future, color=COLOURS[2], lw=1.6, label="forecast")
        ax.set_title("the last held-out forecast", fontsize=10)
        ax.set_ylabel(self.unit)
        ax.legend(fontsize=8, frameon=False)
        ax.tick_params(axis="x", labelrotation=30)

    def _draw_errors(self, ax: Any) -> None:
        """Show the RMSE over all origins by how far ahead the forecast is."""
        lead = np.arange(1, self.held_out.truth.shape[1] + 1)
        for name, style in self._styles().items():
            square = (self.rolled[name] - self.held_out.truth) ** 2
            count = np.maximum(np.sum(~np.isnan(square), axis=0), 1)
            ax.plot(lead, np.sqrt(np.nansum(square, axis=0) / count), label=name, **style)
        ax.set_title(f"RMSE over {len(self.held_out.origins)} rolling origins", fontsize=10)
        ax.set_xlabel("steps ahead")
        ax.set_ylabel(self.unit)
        ax.set_ylim(bottom=0)
        ax.legend(fontsize=8, frameon=False)

    def _styles(self) -> dict[str, dict[str, Any]]:
        """Return how each method is drawn: networks solid and bright, baselines dashed."""
        networks = dict(zip(self.networks, COLOURS, strict=False))
        others = [name for name in self.rolled if name not in networks]
        styles: dict[str, dict[str, Any]] = {
            name: {"color": colour, "lw": 1.2, "ls": "--"}
            for name, colour in zip(others, BASELINES, strict=False)
        }
        return styles | {name: {"color": c, "lw": 1.6} for name, c in networks.items()}
