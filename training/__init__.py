"""The half of stylecam that makes styles: losses, the training loop, export to ONNX."""
