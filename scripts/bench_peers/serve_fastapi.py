"""A service with FastAPI, Pillow and onnxruntime: each request runs by itself in a thread.

usage: serve_fastapi.py PORT MODEL HEAD THREADS RESIZE FILTER MEAN STD
"""

import sys

import fastapi
import PIL
import uvicorn
from protocol import say, take_standard_output
from serving import Classifier

answers = take_standard_output()
port, *words = sys.argv[1:]
classifier = Classifier(*words)
app = fastapi.FastAPI()


@app.post("/v1/classify")
def classify(request: dict):
    return {"results": classifier.classify(classifier.decode(request))}


say(answers, f"ready FastAPI {fastapi.__version__}, Pillow {PIL.__version__} and {classifier.what}")
uvicorn.run(app, port=int(port), log_level="warning")
