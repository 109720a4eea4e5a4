"""The engines, each a function from a float32 batch (B, 3, 224, 224) to its features (B, D).

Each uses float32 and the given number of threads, and default settings otherwise. All weights come from the
same ONNX file; MNN's own converter makes its file from it.
"""

import os


def onnxruntime(model, batch, threads):
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return f"onnxruntime {ort.__version__}", lambda images: session.run(None, {name: images})[0]


def openvino(model, batch, threads):
    import openvino as ov

    core = ov.Core()
    network = core.read_model(model)
    network.reshape([batch, 3, 224, 224])
    # Without this hint, the CPU's bfloat16 would be used.
    hints = {
        "INFERENCE_PRECISION_HINT": "f32",
        "INFERENCE_NUM_THREADS": threads,
        "PERFORMANCE_HINT": "LATENCY",
    }
    compiled = core.compile_model(network, "CPU", hints)
    request = compiled.create_infer_request()
    version = ov.__version__.split("-")[0]
    return f"openvino {version}", lambda images: request.infer([images], share_inputs=True)[0]


def torch(model, batch, threads):
    import numpy as np
    import torch
    from network import Network

    torch.set_num_threads(threads)
    network = Network(model).eval().to(memory_format=torch.channels_last)

    def run(images):
        with torch.inference_mode():
            images = torch.from_numpy(images).contiguous(memory_format=torch.channels_last)
            return np.asarray(network(images))

    return f"torch {torch.__version__.split('+')[0]}, channels last", run


def mnn(model, batch, threads):
    import MNN
    import numpy as np

    interpreter = MNN.Interpreter(os.path.splitext(model)[0] + ".mnn")
    # "normal" is float32 on these CPUs (the bench compares the features with the others'); "low" is not.
    session = interpreter.createSession({"backend": "CPU", "numThread": threads, "precision": "normal"})
    shape = (batch, 3, 224, 224)
    given = interpreter.getSessionInput(session)
    interpreter.resizeTensor(given, shape)
    interpreter.resizeSession(session)
    out = interpreter.getSessionOutput(session)
    size = out.getShape()
    taken = MNN.Tensor(size, MNN.Halide_Type_Float, np.zeros(size, np.float32), MNN.Tensor_DimensionType_Caffe)

    def run(images):
        host = MNN.Tensor(shape, MNN.Halide_Type_Float, images, MNN.Tensor_DimensionType_Caffe)
        given.copyFrom(host)
        interpreter.runSession(session)
        out.copyToHostTensor(taken)
        return taken.getNumpyData().reshape(size)

    return f"MNN {MNN.version()}", run


ENGINES = {"onnxruntime": onnxruntime, "openvino": openvino, "torch": torch, "MNN": mnn}
