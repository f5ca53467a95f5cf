"""From a trained artifact to a quantised ONNX model, verified against its source."""
