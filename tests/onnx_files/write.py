"""Writes the files of this folder: what the exporters of PyTorch and Keras make of small networks.

    python tests/onnx_files/write.py torch           needs torch, onnx, onnxscript
    python tests/onnx_files/write.py keras           needs tensorflow, keras, tf2onnx, onnx

Beside each file stand an input and the output of the framework itself (arrays.npz).
"""

import os
import sys
import warnings
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
RNG = np.random.default_rng(2026)


def torch_networks():
    import torch
    from torch import nn

    class Network(nn.Module):
        def __init__(self, kind, last, table=None, **options):
            super().__init__()
            self.table = None if table is None else nn.Embedding(*table)
            self.layer = kind(3, 4, batch_first=True, **options)
            self.head = nn.Linear(8 if options.get("bidirectional") else 4, 2)
            self.last = last

        def forward(self, x):
            y, _ = self.layer(x if self.table is None else self.table(x))
            y = self.head(y[:, -1] if self.last else y)
            return y if self.last else torch.softmax(y, -1).mean(1)

    torch.manual_seed(1)
    return {
        "lstm": Network(nn.LSTM, True),
        "lstm_stack": Network(nn.LSTM, False, num_layers=2, bidirectional=True, dropout=0.1),
        "gru": Network(nn.GRU, True, bidirectional=True),
        "rnn": Network(nn.RNN, False, nonlinearity="relu"),
        "tokens": Network(nn.GRU, True, table=(7, 3)),
    }


def input_for(name):
    shape = (3, 5) if name == "tokens" else (3, 5, 3)
    tokens = RNG.integers(0, 7, shape)
    return tokens if name == "tokens" else RNG.standard_normal(shape).astype(np.float32)


def write_torch(arrays):
    import torch

    axes = {0: "batch", 1: "time"}
    for name, network in torch_networks().items():
        network.eval()
        x = torch.from_numpy(input_for(name))
        path = HERE / f"torch_script_{name}.onnx"
        names = {"input_names": ["x"], "output_names": ["y"]}
        script = {"dynamo": False, "dynamic_axes": {"x": axes}}
        torch.onnx.export(network, (x,), path, **names, **script)
        arrays |= {f"{path.stem}.x": x.numpy(), f"{path.stem}.y": network(x).detach().numpy()}
        path = HERE / f"torch_dynamo_{name}.onnx"
        export = torch.onnx.export(
            network, (x,), dynamo=True, verbose=False, dynamic_shapes=({0: "batch"},), **names
        )
        for node in export.model.graph:  # where it came from in the source: most of the file
            node.metadata_props.clear()
        for value in export.model.graph.initializers.values():
            value.metadata_props.clear()
        export.save(path, external_data=False)
        arrays |= {f"{path.stem}.x": x.numpy(), f"{path.stem}.y": network(x).detach().numpy()}


def write_keras(arrays):
    os.environ |= {"KERAS_BACKEND": "tensorflow", "CUDA_VISIBLE_DEVICES": ""}
    import keras
    from keras import layers

    keras.utils.set_random_seed(1)
    bidirectional = layers.Bidirectional(layers.LSTM(3, return_sequences=True))
    networks = {
        "lstm": [layers.LSTM(4), layers.Dense(2)],
        "gru": [layers.GRU(4, return_sequences=True), layers.GlobalMaxPooling1D()],
        "lstm_stack": [bidirectional, layers.LSTM(3), layers.Dropout(0.1), layers.Dense(2)],
        "tokens": [layers.Embedding(7, 3), layers.LSTM(4), layers.Dense(2, "softmax")],
        "simple_rnn": [layers.SimpleRNN(4)],
    }
    for name, stack in networks.items():
        x = input_for(name)
        whole = keras.Input((None,), dtype="int64") if name == "tokens" else keras.Input((None, 3))
        model = keras.Sequential([whole, *stack])
        y = np.asarray(model(x))
        path = HERE / f"keras_{name}.onnx"
        model.export(path, format="onnx", opset_version=18, verbose=False)
        arrays |= {f"{path.stem}.x": x, f"{path.stem}.y": y}


def main():
    warnings.simplefilter("ignore")
    known = HERE / "arrays.npz"
    arrays = dict(np.load(known)) if known.exists() else {}
    {"torch": write_torch, "keras": write_keras}[sys.argv[1]](arrays)
    np.savez_compressed(known, **arrays)
    for path in sorted(HERE.glob(f"{sys.argv[1]}*.onnx")):
        print(path.name, path.stat().st_size)


if __name__ == "__main__":
    main()
