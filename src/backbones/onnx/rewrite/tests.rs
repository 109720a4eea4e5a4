//! Rewritten networks against ONNX Runtime as it is.
