"""The network beside an answer that needs no training."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tidegate.forecast import evaluate
from tidegate.tabular.plan import Plan
from tidegate.tabular.rows import Rows
from tidegate.tabular.samples import Samples, last_known

Floats = npt.NDArray[np.float64]
ADVICE = "look at the features, or try another --window, --cell or --epochs"


@dataclass(frozen=True)
class Comparison:
    """Predictions, and what a naive method would have said, of samples whose targets are known."""

    plan: Plan
    truth: Floats
    predicted: Floats
    naive: Floats
    network: str

    @classmethod
    def of(
        cls, rows: Rows, samples: Samples, predicted: Floats, naive: list[float], network: str
    ) -> "Comparison":
        """Compare `predicted` (N, K), or probabilities (N, C), with the targets of samples."""
        truth = rows.targets[samples.truth]
        simple = np.broadcast_to(np.asarray(naive), truth.shape)
        if rows.plan.task == "forecast":
            simple = last_known(rows, samples)
        if rows.plan.classifies:
            predicted = predicted.argmax(axis=1)[:, None].astype(np.float64)
        return cls(rows.plan, truth, predicted, simple, network)

    def text(self) -> str:
        """Return the table, or one for each target, and a plain verdict."""
        if self.plan.classifies:
            return self._accuracies()
        parts = []
        for column, name in enumerate(self.plan.targets):
            pairs = ((self._naive_name(), self.naive), (self.network, self.predicted))
            truth = self.truth[:, column]
            scores = [_score(method, values[:, column] - truth) for method, values in pairs]
            compared = f"{evaluate.table(scores)}\n{evaluate.verdict(scores, ADVICE)}"
            parts.append(f"{name}, {len(truth)} samples\n{compared}")
        return "\n\n".join(parts)

    def _naive_name(self) -> str:
        if self.plan.classifies:
            return "most frequent class"
        return "last value" if self.plan.task == "forecast" else "mean of the training part"

    def _accuracies(self) -> str:
        count = len(self.truth)
        right = [int((v == self.truth).sum()) for v in (self.naive, self.predicted)]
        names = [self._naive_name(), self.network]
        width = max(map(len, names))
        lines = [f"{self.plan.targets[0]}, {count} samples", f"{'method'.ljust(width)}  accuracy"]
        lines.append(f"{'-' * width}  --------")
        for name, hits in zip(names, right, strict=True):
            lines.append(f"{name.ljust(width)}  {hits / count:8.1%}")
        beats = right[1] > right[0]
        verdict = "beats" if beats else "is no better than"
        advice = "" if beats else f" on the held-out part: {ADVICE}"
        return "\n".join([*lines, f"{self.network} {verdict} {names[0]}{advice}."])


def _score(method: str, errors: Floats) -> evaluate.Score:
    rmse, mae = float(np.sqrt(np.mean(errors**2))), float(np.abs(errors).mean())
    return evaluate.Score(method, rmse, mae)
