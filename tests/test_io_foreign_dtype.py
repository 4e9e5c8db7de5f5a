"""A file whose arrays have a dtype that NumPy lacks is a ModelFileError like any other."""

import json
import struct

import pytest

import tidegate as tg
from tidegate.io import ModelFileError
from tidegate.layers import Dense
from tidegate.models import Sequential


@pytest.mark.parametrize("dtype", ["F8_E4M3", "F8_E5M2", "BF16"])
def test_a_dtype_that_numpy_lacks_is_refused(tmp_path, dtype):
    pytest.importorskip("safetensors", reason="safetensors is not installed: no model files")
    path = tmp_path / "m.safetensors"
    Sequential([Dense(1, use_bias=False, input_shape=(4,))]).save(path)
    content = path.read_bytes()
    (size,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + size])
    (name,) = set(header) - {"__metadata__"}
    length = 4 * (2 if dtype == "BF16" else 1)
    header[name] |= {"dtype": dtype, "data_offsets": [0, length]}
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + bytes(length))
    # onnx brings ml_dtypes, with which NumPy has bfloat16: then the checksum refuses the file.
    with pytest.raises(ModelFileError, match=r"not a whole safetensors file|has another content"):
        tg.load(path)
