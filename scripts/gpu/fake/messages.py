"""Errors of frostline with ONNX Runtime 1.31.1."""

NO_CARD = "no CUDA-capable device is detected"
ABSENT = "this process sees 1 GPU, numbered from 0"
NO_CUDNN = "the device cuda:0 does not work: `libcudnn.so` is missing"
TOO_LARGE = (
    "a batch of {} does not fit into memory: Non-zero status code returned while running Conv node. Status "
    "Message: bfc_arena.cc:376 Failed to allocate memory for requested buffer of size 3211264000"
)
