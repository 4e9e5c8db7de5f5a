"""Reading ONNX: files.py finds and parses, tensors.py and graph.py check and decode."""
