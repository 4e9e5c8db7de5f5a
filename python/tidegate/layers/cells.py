"""The plain recurrent layers by the names that options call them."""

from tidegate.layers.gru import GRU
from tidegate.layers.lstm import LSTM
from tidegate.layers.simple_rnn import SimpleRNN

CELLS: dict[str, type[LSTM] | type[GRU] | type[SimpleRNN]] = {
    kind.cell: kind for kind in (LSTM, GRU, SimpleRNN)
}
