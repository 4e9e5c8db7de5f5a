"""Drop-ins for the recurrent layers of torch.nn: the same interface, tidegate's engine.

    LSTM, GRU, RNN                      whole sequences, with autograd
    LSTMCell, GRUCell, RNNCell          one step
    from_torch(module), to_torch(layers)  whole models to tidegate, and layers back
    accelerate(module)                  turns the layers of a model into these, in place

Arguments, parameters, state_dict keys, outputs and errors are those of torch.nn; float32 and
float64 on the CPU. docs/pytorch.md tells what differs.
"""

from tidegate._extras import require

require("torch", extra="torch", purpose="tidegate.torch")

from tidegate._accelerated import Report  # noqa: E402
from tidegate.torch.accelerate import accelerate  # noqa: E402
from tidegate.torch.cells import GRUCell, LSTMCell, RNNCell  # noqa: E402
from tidegate.torch.from_torch import from_torch  # noqa: E402
from tidegate.torch.layers import GRU, LSTM, RNN  # noqa: E402
from tidegate.torch.to_torch import to_torch  # noqa: E402

__all__ = [
    "GRU",
    "LSTM",
    "RNN",
    "GRUCell",
    "LSTMCell",
    "RNNCell",
    "Report",
    "accelerate",
    "from_torch",
    "to_torch",
]
