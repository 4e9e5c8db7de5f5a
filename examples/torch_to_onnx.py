"""A network trained in PyTorch: converted, exported to ONNX, run in ONNX Runtime, and loaded again.

Data: yearly sunspot numbers 1700 to 2008, bundled with statsmodels; an LSTM and a Linear layer
learn the next year from 33 years, up to 1920. Then the same network computes the test years four
times more, and each is compared with the one before: in tidegate with PyTorch's weights, in ONNX
Runtime from the file that tidegate wrote, in tidegate from that file, and from the file that
PyTorch's own exporter wrote. Expect differences of 1e-7 to 1e-6, some roundings of float32; none at
all between a model and what its own file is loaded as.

    python examples/torch_to_onnx.py --output torch_to_onnx.png
"""

import tempfile
import warnings
from itertools import pairwise
from pathlib import Path

import numpy as np
from gallery import arguments, axes, package, save, show_scores

from tidegate import onnx

TRAIN, PAST, UNITS = 1920 - 1700 + 1, 33, 16


def train(torch, x, y, epochs):
    """Return an LSTM with a Linear layer on its last step, in PyTorch."""

    class Network(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm = torch.nn.LSTM(1, UNITS, batch_first=True)
            self.head = torch.nn.Linear(UNITS, 1)

        def forward(self, x):
            return self.head(self.lstm(x)[0][:, -1])

    torch.manual_seed(0)
    network = Network()
    optimizer = torch.optim.Adam(network.parameters(), 0.01)
    for _ in range(epochs):
        for rows in torch.randperm(len(x)).split(16):
            optimizer.zero_grad()
            torch.nn.functional.mse_loss(network(x[rows])[:, 0], y[rows]).backward()
            optimizer.step()
    return network.eval()


def converted(torch, network):
    """Return the same network in tidegate; its LSTM has one bias, the sum of PyTorch's two."""
    layers = torch.nn.Sequential(network.lstm, network.head)
    return package("tidegate.torch", extra="torch").from_torch(layers, return_sequences=False)


def in_onnx_runtime(path, x):
    session = package("onnxruntime").InferenceSession(str(path))
    return session.run(None, {session.get_inputs()[0].name: x})[0]


def written_by_torch(torch, network, x, path):
    """Export with PyTorch's own exporter, dynamic in batch and steps."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # this exporter is the older one of two
        axes = {"dynamic_axes": {"x": {0: "batch", 1: "time"}}, "input_names": ["x"]}
        torch.onnx.export(network, (torch.from_numpy(x),), path, dynamo=False, **axes)
    return path


def main():
    args = arguments(__doc__, epochs=60)
    torch = package("torch", extra="torch")
    series = package("statsmodels.datasets.sunspots").load_pandas().data["SUNACTIVITY"].to_numpy()
    scaled = (np.sqrt(series) / 10).astype(np.float32)
    x, y = (
        np.lib.stride_tricks.sliding_window_view(scaled[:-1], PAST)[..., None].copy(),
        scaled[PAST:],
    )
    known = TRAIN - PAST
    network = train(torch, torch.from_numpy(x[:known]), torch.from_numpy(y[:known]), args.epochs)
    x = x[known:]
    model = converted(torch, network)
    with tempfile.TemporaryDirectory() as folder, torch.no_grad():
        path = Path(folder, "network.onnx")
        onnx.export(model, path)
        other = written_by_torch(torch, network, x, Path(folder, "torch.onnx"))
        outputs = {
            "PyTorch": network(torch.from_numpy(x)).numpy(),
            "tidegate with its weights": model(x),
            "ONNX Runtime from the file": in_onnx_runtime(path, x),
            "tidegate from the file": onnx.load(path).predict(x),
            "tidegate from PyTorch's file": onnx.load(other).predict(x),
        }
    names = list(outputs)
    steps = {f"{a} -> {b}": np.abs(outputs[a] - outputs[b]).max() for a, b in pairwise(names)}
    steps[f"{names[1]} -> {names[3]}"] = np.abs(outputs[names[1]] - outputs[names[3]]).max()
    show_scores("largest difference", steps)
    years, truth = 1700 + np.arange(TRAIN, len(series)), series[TRAIN:]
    forecasts = {name: (10 * np.maximum(y[:, 0], 0)) ** 2 for name, y in outputs.items()}
    compared = {"the year before": series[TRAIN - 1 : -1], **forecasts}
    show_scores("RMSE", {n: np.sqrt(np.mean((f - truth) ** 2)) for n, f in compared.items()})

    if (ax := axes(args.output, size=(8, 3.5))) is not None:
        ax.plot(years, truth, "k.-", lw=0.8, label="truth")
        for width, (name, forecast) in zip((7, 5.5, 4, 2.5, 1), forecasts.items(), strict=True):
            ax.plot(years, forecast, lw=width, label=name)
        ax.set(ylabel="sunspots, one year ahead")
        ax.legend(loc="upper left", fontsize="small")
        save(ax.figure, args.output)


if __name__ == "__main__":
    main()
