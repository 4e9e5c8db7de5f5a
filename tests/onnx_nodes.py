"""LSTM, GRU and RNN nodes of ONNX run by tidegate: W (D, G*H, I), R (D, G*H, H), B (D, 2*G*H) and
P (D, 3*H) of D directions, gates i o f c and z r h, peepholes i o f.
"""

import numpy as np

from tidegate import CellWeights, functional

CELLS = {"LSTM": "lstm", "GRU": "gru", "RNN": "rnn"}
# The places of our gates i f g o and r z n among ONNX's, and of our peepholes i f o.
GATE_PLACES = {"LSTM": (0, 2, 3, 1), "GRU": (1, 0, 2), "RNN": (0,)}
PEEPHOLE_PLACES = (0, 2, 1)
ACTIVATIONS = {
    "Tanh": "tanh",
    "Sigmoid": "sigmoid",
    "Relu": "relu",
    "HardSigmoid": "hard_sigmoid",
    "LeakyRelu": "leaky_relu",
    "ThresholdedRelu": "thresholded_relu",
    "ScaledTanh": "scaled_tanh",
    "Elu": "elu",
    "Softsign": "softsign",
    "Softplus": "softplus",
    "Affine": "affine",
}
TAKES_ALPHA = {"HardSigmoid", "LeakyRelu", "ThresholdedRelu", "ScaledTanh", "Elu", "Affine"}
TAKES_BETA = {"HardSigmoid", "ScaledTanh", "Affine"}
USUAL = {"LSTM": ("Sigmoid", "Tanh", "Tanh"), "GRU": ("Sigmoid", "Tanh"), "RNN": ("Tanh",)}
OUR_PLACES = {
    "LSTM": ("recurrent_activation", "activation", "output_activation"),
    "GRU": ("recurrent_activation", "activation"),
    "RNN": ("activation",),
}
INPUTS = ("X", "W", "R", "B", "sequence_lens", "initial_h", "initial_c", "P")


def run_node(kind, attributes, inputs):
    """Return Y (T, D, B, H), Y_h (D, B, H) and, of an LSTM, Y_c.

    Parameters
    ----------
    kind : "LSTM", "GRU" or "RNN"
    attributes : dict of the node's attributes
    inputs : dict of arrays by the names in INPUTS; what is missing is not there
    """
    x = inputs["X"]
    batch_first = bool(attributes.get("layout", 0))
    direction = attributes.get("direction", "forward")
    layers = [layer_weights(kind, attributes, inputs, d) for d in range(len(inputs["W"]))]
    options = {"lengths": inputs.get("sequence_lens"), "batch_first": batch_first}
    if direction == "bidirectional":
        states = [state_of(inputs, d, batch_first) for d in (0, 1)]
        both = None if states[0] is None else (*states[0], *states[1])
        out = functional.birnn_forward(*layers, x, both, **options)
        last = [out.state[: len(out.state) // 2], out.state[len(out.state) // 2 :]]
    else:
        reverse = direction == "reverse"
        state = state_of(inputs, 0, batch_first)
        out = functional.rnn_forward(layers[0], x, state, go_backwards=reverse, **options)
        last = [out.state]
    steps = np.stack(np.split(out.y, len(layers), axis=-1), axis=2 if batch_first else 1)
    axis = 1 if batch_first else 0
    return steps, *(np.stack(parts, axis=axis) for parts in zip(*last, strict=True))


def layer_weights(kind, attributes, inputs, direction):
    """The CellWeights of one direction."""
    gates = GATE_PLACES[kind]
    coupled = bool(attributes.get("input_forget", 0))
    if coupled:  # f = 1 - i: the rows of f are not used
        gates = tuple(place for place in gates if place != 2)

    def ordered(rows, places):
        blocks = np.split(rows, len(GATE_PLACES[kind]))
        return np.concatenate([blocks[place] for place in places])

    arrays = {
        "weight_ih": ordered(inputs["W"][direction], gates),
        "weight_hh": ordered(inputs["R"][direction], gates),
    }
    if "B" in inputs:
        for name, half in zip(
            ("bias_ih", "bias_hh"), np.split(inputs["B"][direction], 2), strict=True
        ):
            arrays[name] = ordered(half, gates)
    if "P" in inputs:
        blocks = np.split(inputs["P"][direction], 3)
        places = [place for place in PEEPHOLE_PLACES if not (coupled and place == 2)]
        arrays["peephole"] = np.stack([blocks[place] for place in places])
    options = activations_of(kind, attributes, direction)
    if kind == "GRU":
        options["reset_after"] = bool(attributes.get("linear_before_reset", 0))
    if coupled:
        options["coupled"] = "forget"
    if "clip" in attributes:
        options["clip"] = attributes["clip"]
    return CellWeights(CELLS[kind], **arrays, **options)


def activations_of(kind, attributes, direction):
    """Our options for the activations of one direction; alpha and beta are consumed in order."""
    count = len(USUAL[kind])
    names = attributes.get("activations", USUAL[kind] * (direction + 1))
    alphas = list(attributes.get("activation_alpha", ()))
    betas = list(attributes.get("activation_beta", ()))
    found = []
    for name in names:
        values = {}
        if name in TAKES_ALPHA and alphas:
            values["alpha"] = alphas.pop(0)
        if name in TAKES_BETA and betas:
            values["beta"] = betas.pop(0)
        found.append((ACTIVATIONS[name], values) if values else ACTIVATIONS[name])
    ours = found[direction * count : (direction + 1) * count]
    return dict(zip(OUR_PLACES[kind], ours, strict=True))


def state_of(inputs, direction, batch_first):
    """The initial state of one direction, or None."""
    if "initial_h" not in inputs:
        return None
    names = [name for name in ("initial_h", "initial_c") if name in inputs]
    return tuple(np.take(inputs[name], direction, axis=1 if batch_first else 0) for name in names)
