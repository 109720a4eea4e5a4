"""A service with Ray Serve, Pillow and onnxruntime: one replica, with Ray's dynamic batching.

usage: serve_ray.py PORT MODEL HEAD THREADS RESIZE FILTER MEAN STD
"""

import sys
import threading

import PIL
import ray
from protocol import say, take_standard_output
from ray import serve
from serving import Classifier
from starlette.requests import Request

answers = take_standard_output()
port, *words = sys.argv[1:]


@serve.deployment(max_ongoing_requests=1024)
class Service:
    def __init__(self, words):
        self.classifier = Classifier(*words)

    @serve.batch(max_batch_size=32, batch_wait_timeout_s=0.002)
    async def batched(self, requests):
        tensors = [self.classifier.decode(request)[0] for request in requests]
        return self.classifier.classify(tensors)

    async def __call__(self, request: Request):
        return {"results": [await self.batched(await request.json())]}


ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
serve.start(http_options={"host": "127.0.0.1", "port": int(port)})
serve.run(Service.bind(words), route_prefix="/v1/classify")
say(answers, f"ready Ray Serve {ray.__version__}, Pillow {PIL.__version__} and onnxruntime")
threading.Event().wait()
