"""all-MiniLM-L6-v2 in 8-bit ONNX: better than the default for English, and for English alone (extra `english`)."""
