"""scikit-learn estimators: recurrent networks in pipelines, grid searches and cross validation.

inputs      X as sequences: 2-D, 3-D, ragged
network     the Sequential of an estimator's arguments
estimator   what classifier and regressor have in common
classifier, regressor
forecaster  windows of tidegate.forecast behind fit and predict
series      y, X and times as series
intervals   how wide prediction intervals have to be
forecaster_evaluation, backtest   rolling origins
pickles     state as safetensors bytes
threads     the thread setting for as long as a call runs
"""

from tidegate._extras import require

require("sklearn", extra="sklearn", purpose="tidegate.sklearn")

from tidegate.sklearn.backtest import Backtest  # noqa: E402
from tidegate.sklearn.classifier import RNNClassifier  # noqa: E402  not before the check
from tidegate.sklearn.forecaster import RNNForecaster  # noqa: E402
from tidegate.sklearn.regressor import RNNRegressor  # noqa: E402

__all__ = ["Backtest", "RNNClassifier", "RNNForecaster", "RNNRegressor"]
