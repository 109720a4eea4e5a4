"""HTTP byte by byte: connections, and the requests that are understood."""

import base64
import json
import socket

TIMEOUT = 60
MODEL = "pets"


class Cut(Exception):
    """The connection ended inside a reply."""


class Closed(Exception):
    """The connection ended before the first byte of a reply."""


class Connection:
    """A connection that reads replies one by one."""

    def __init__(self, address):
        self.socket = socket.create_connection(address, timeout=TIMEOUT)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.unread = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def more(self, begun):
        try:
            piece = self.socket.recv(1 << 16)
        except (ConnectionError, TimeoutError) as error:
            raise (Cut if begun else Closed)(repr(error)) from None
        if not piece:
            raise (Cut if begun else Closed)("the end")
        self.unread += piece

    def reply(self):
        """Returns the status, the headers and the body of the next reply."""
        while b"\r\n\r\n" not in self.unread:
            self.more(self.unread != b"")
        head, self.unread = self.unread.split(b"\r\n\r\n", 1)
        first, *rows = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, value in (row.split(":", 1) for row in rows)}
        length = int(headers.get("content-length", 0))
        while len(self.unread) < length:
            self.more(True)
        body, self.unread = self.unread[:length], self.unread[length:]
        return int(first.split()[1]), headers, body


def request(method, path, headers=(), body=b""):
    head = [f"{method} {path} HTTP/1.1", "Host: localhost", *headers, f"Content-Length: {len(body)}"]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def post_json(path, value):
    return request("POST", path, ["Content-Type: application/json"], json.dumps(value).encode())


def post_binary(path, tensor, data, outputs=()):
    """Returns an inference request with binary data."""
    tensor = {**tensor, "parameters": {"binary_data_size": len(data)}}
    text = json.dumps({"inputs": [tensor], "outputs": list(outputs)}).encode()
    headers = [f"Inference-Header-Content-Length: {len(text)}"]
    return request("POST", path, headers, text + data)


def element(data):
    return len(data).to_bytes(4, "little") + data


CLASSIFY = f"/v1/classify?model={MODEL}&top_k=1000"
INFER = f"/v2/models/{MODEL}/infer"


def raw(images):
    return request("POST", CLASSIFY, ["Content-Type: application/octet-stream"], images[0].bytes)


def form(images):
    body = b""
    for image in images:
        name = image.path.name.encode("ascii", "replace")
        body += b'--b0und\r\nContent-Disposition: form-data; name="i"; filename="%s"\r\n\r\n' % name
        body += image.bytes + b"\r\n"
    kind = "Content-Type: multipart/form-data; boundary=b0und"
    return request("POST", CLASSIFY, [kind], body + b"--b0und--\r\n")


def v1_json(images):
    texts = [base64.b64encode(image.bytes).decode() for image in images]
    return post_json(CLASSIFY, {"images": texts})


def v2_json(images):
    texts = [base64.b64encode(image.bytes).decode() for image in images]
    tensor = {"name": "image", "datatype": "BYTES", "shape": [len(images)], "data": texts}
    return post_json(INFER, {"inputs": [tensor], "outputs": [{"name": "probabilities"}]})


def v2_binary(images):
    tensor = {"name": "image", "datatype": "BYTES", "shape": [len(images)]}
    return post_binary(INFER, tensor, b"".join(element(image.bytes) for image in images))


def v2_pixels(images):
    """Images of one size, decoded."""
    tensor = {"name": "pixels", "datatype": "UINT8", "shape": [len(images), *images[0].shape]}
    return post_binary(INFER, tensor, b"".join(image.pixels for image in images))


def good(chance, images):
    """Returns a random request, and its images."""
    make = chance.choice([raw, raw, form, v1_json, v2_json, v2_binary, v2_pixels])
    if make is v2_pixels:
        drawn = chance.choice([image for image in images if image.pixels])
        return make([drawn] * 2), [drawn] * 2
    chosen = chance.sample(images, 1 if make is raw else chance.randint(1, 5))
    return make(chosen), chosen


def probabilities(body, classes):
    """Returns the probabilities of each image in a reply of either protocol."""
    reply = json.loads(body)
    if "results" in reply:
        return [{top["label"]: top["probability"] for top in row["top"]} for row in reply["results"]]
    output = next(output for output in reply["outputs"] if output["name"] == "probabilities")
    rows = range(0, len(output["data"]), len(classes))
    return [dict(zip(classes, output["data"][row : row + len(classes)])) for row in rows]


def judge(setting, images, reply):
    """Returns the heads with this answer for all images, and the largest difference; raises ValueError."""
    status, _, body = reply
    if status != 200:
        raise ValueError(f"status {status}: {body[:200]!r}")
    found = probabilities(body, setting.classes)
    if len(found) != len(images):
        raise ValueError(f"{len(found)} results for {len(images)} images")
    heads, most = set(setting.answers), 0
    for image, row in zip(images, found):
        fitting, off = setting.heads_that_say(image, row)
        heads, most = heads & fitting, max(most, off)
    if not heads:
        raise ValueError(f"no head has this answer for all images: {body[:300]!r}")
    return heads, most
