"""Writing ONNX: files.py is the door, writer.py collects nodes, the others write layers."""
