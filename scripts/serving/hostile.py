"""Requests that no good client sends. Each returns what came: a status, or `closed`."""

import gzip
import json
import socket
import struct
import time
import zlib

from .http import CLASSIFY, INFER, MODEL, Closed, Connection, Cut, element, post_binary, post_json, request

OCTETS = ["Content-Type: application/octet-stream"]
# The server waits this long for a header, and for a whole request.
HEADER_TIMEOUT, REQUEST_TIMEOUT = 3, 10


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, rows):
    """Returns a PNG of grey pixels whose data may be for another size."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    data = zlib.compress(b"\0" * rows, 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


BOMBS = [png(100_000, 100_000, 1 << 20), png(20_000, 20_000, 64 << 20), png(16, 16, 64 << 20)]


def upload(data, path=CLASSIFY, headers=OCTETS):
    return request("POST", path, headers, data)


def tensor(name, datatype, shape, **more):
    return post_json(INFER, {"inputs": [{"name": name, "datatype": datatype, "shape": shape, **more}]})


def truncated(chance, images):
    image = chance.choice(images[:-4]).bytes
    return upload(image[: chance.randrange(len(image) * 3 // 4)])


def damaged_tensor(chance, _):
    return chance.choice([
        tensor("image", "FP32", [1], data=[1]),
        tensor("image", "BYTES", [1, 2], data=["AA==", "AA=="]),
        tensor("values", "FP32", [1, 3, 7, 7], data=[0] * 147),
        tensor("values", "FP64", [1, 3, 224, 224], data=[0]),
        tensor("pixels", "UINT8", [1, 2, 2, 3], data=[256] * 12),
        tensor("pixels", "UINT8", [2**63, 2**63, 2, 3], data=[]),
        tensor("none", "BYTES", [1], data=["AA=="]),
        tensor("image", "BYTES", [-1], data=["AA=="]),
        post_json(INFER, {"inputs": []}),
        post_binary(INFER, {"name": "image", "datatype": "BYTES", "shape": [1]}, b"\xff\xff\xff\xffabc"),
        post_binary(INFER, {"name": "image", "datatype": "BYTES", "shape": [1]}, element(b"abc") + b"x"),
        request("POST", INFER, ["Inference-Header-Content-Length: 99999999999"], b"{}"),
    ])


def not_a_number(chance, _):
    values = {"name": "values", "datatype": "FP32", "shape": [1, 3, 224, 224]}
    number = chance.choice([float("nan"), float("inf"), -float("inf")])
    return post_binary(INFER, values, struct.pack("<f", number) * (3 * 224 * 224))


def bad_json(chance, _):
    text = chance.choice([
        b"{", b"\xff", b"[" * 100_000, b'{"images": ' + b"[" * 50_000, b'{"images": [1]}', b"null",
        b'{"images": [], "url": "http://127.0.0.1/"}', b'{"images": [' + b'"",' * 200_000 + b'""]}',
    ])
    return upload(text, chance.choice([CLASSIFY, INFER]), ["Content-Type: application/json"])


def bad_form(chance, images):
    body = chance.choice([b"", b"--b0und", b"--b0und\r\n\r\n", images[0].bytes, b"--b0und\r\n" * 10_000])
    return upload(body, CLASSIFY, ["Content-Type: multipart/form-data; boundary=b0und"])


def unknown_model(chance, images):
    path = chance.choice(["/v1/classify?model=none", f"/v1/classify?model={MODEL}&version=9",
                          "/v2/models/none/infer", f"/v2/models/{MODEL}/versions/9/infer", "/nowhere"])
    return upload(images[0].bytes, path)


# A name, how to make the request, and the statuses that fit.
REQUESTS = [
    ("truncated picture", truncated, {422}),
    ("wrong type", lambda *_: upload(b"<html>", CLASSIFY, ["Content-Type: text/html"]), {415}),
    ("zip bomb", lambda *_: upload(gzip.compress(b"\0" * (16 << 20)), CLASSIFY,
                                   [*OCTETS, "Content-Encoding: gzip"]), {415}),
    ("bomb of a picture", lambda chance, _: upload(chance.choice(BOMBS)), {200, 422}),
    ("no picture", lambda chance, _: upload(chance.randbytes(chance.randrange(5000))), {422}),
    ("damaged tensor", damaged_tensor, {400, 413}),
    ("not a number", not_a_number, {400}),
    ("bad JSON", bad_json, {400}),
    ("bad form", bad_form, {400}),
    ("unknown model", unknown_model, {404}),
    ("two hosts", lambda *_: request("GET", "/v1/models", ["Host: localhost"]), {400}),
    ("bad path", lambda *_: request("GET", "/v2/models/%FF"), {400}),
    ("another site", lambda *_: request("GET", "/v1/models", ["Sec-Fetch-Site: cross-site"]), {403}),
    ("declared length of a terabyte",
     lambda *_: b"POST /v1/classify HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1099511627776\r\n"
                b"Content-Type: image/png\r\n\r\nabc", {413}),
    ("two lengths", lambda *_: b"POST /v1/classify HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n"
                               b"Content-Length: 4\r\n\r\nabc", {400}),
    ("bad chunks", lambda *_: b"POST /v1/classify HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n"
                              b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", {400}),
    ("no HTTP", lambda chance, _: b"\x16\x03\x01" + chance.randbytes(200) + b"\r\n\r\n", {400}),
    ("header of 1 MB", lambda *_: b"GET / HTTP/1.1\r\nX: " + b"x" * (1 << 20) + b"\r\n\r\n", {431}),
]


def slow_header(connection, *_):
    for byte in b"GET /v1/models HTTP/1.1\r\n":
        connection.send(bytes([byte]))
        time.sleep(0.3)


def slow_body(connection, _, images):
    data = upload(images[0].bytes)
    connection.send(data[:200])
    try:
        for place in range(200, 300):
            connection.send(data[place : place + 1])
            time.sleep(0.2)
    except ConnectionError:
        # The reply has come before.
        pass


def half_closed(connection, _, images):
    connection.send(upload(images[0].bytes))
    connection.socket.shutdown(socket.SHUT_WR)


def reset(connection, chance, images):
    """Resets the connection inside a body, or just after it."""
    data = upload(images[0].bytes)
    connection.send(data[: chance.choice([100, len(data) // 2, len(data)])])
    connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.socket.close()
    raise Closed("by the client")


def idle(connection, *_):
    time.sleep(0.5)


# What is done with a connection instead of one request.
MANNERS = [
    ("slow header", slow_header, {408}),
    ("slow body", slow_body, {408}),
    ("half-closed", half_closed, {200}),
    ("reset", reset, set()),
    ("idle", idle, {408}),
]


def attack(address, chance, images):
    """Does something hostile; returns its name, what came, and whether that fits."""
    name, make, fits = chance.choice(REQUESTS * 2 + MANNERS)
    try:
        with Connection(address) as connection:
            if (name, make, fits) in MANNERS:
                make(connection, chance, images)
            else:
                connection.send(make(chance, images))
            status, _, body = connection.reply()
            explained = status in (200, 422) or not body or "error" in json.loads(body)
            return name, str(status), status in fits and explained
    except (Closed, BrokenPipeError, ConnectionResetError):
        closed = (name, make, fits) in MANNERS or name in ("no HTTP", "header of 1 MB", "two lengths")
        return name, "closed", closed
    except (Cut, ValueError, TimeoutError) as error:
        return name, repr(error), False
