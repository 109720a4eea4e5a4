"""Errors of frostline with ONNX Runtime 1.31.1: the real programs printed them, or they are in their source."""

PARSE = 'the driver reports: provider_options_utils.h:187 Parse Failed to parse provider option "device_id": '
COUNT = (
    "file=/onnxruntime_src/onnxruntime/core/providers/cuda/cuda_execution_provider_info.cc ; line=70 ; "
    "expr=cudaGetDeviceCount(&num_devices);"
)
NO_CARD = f"{PARSE}CUDA failure 100: no CUDA-capable device is detected ; GPU=-1 ; hostname=box ; {COUNT}"
NO_CUDNN = (
    "`vgg19.onnx`: running it failed: Non-zero status code returned while running Conv node. Name:'conv' Status "
    "Message: cuda_kernel.h:272 static cudnnContext* onnxruntime::cuda::CudaKernel::RequireCudnnHandle(cudnnHandle_t) "
    "[ONNXRuntimeError] : 9 : NOT_IMPLEMENTED : cuDNN is unavailable or disabled for CUDA Execution Provider: dlopen "
    "failed for libcudnn.so: libcudnn.so: cannot open shared object file: No such file or directory"
)
TOO_LARGE = (
    "a batch of {} does not fit into memory: Non-zero status code returned while running Conv node. Status "
    "Message: bfc_arena.cc:376 Failed to allocate memory for requested buffer of size 3211264000"
)
