"""Stores on loopback that check signatures: moto for S3, in this process, and Azurite for Azure."""

import json
import logging
import os
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import boto3
import moto.settings
from moto.server import ThreadedMotoServer
from pyarrow.fs import AzureFileSystem

BUCKET = "pictures"
REGION = "us-east-1"
# The account that every Azurite has.
ACCOUNT = "devstoreaccount1"
ACCOUNT_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


def upload(folder: Path, put) -> None:
    """Pass each file of a folder to `put`, by its relative path and with its content."""
    files = [file for file in folder.rglob("*") if file.is_file()]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda file: put(str(file.relative_to(folder)), file.read_bytes()), files))


def s3(folder: Path) -> str:
    """Start a store with the files of a folder, and return its address, without a scheme.

    The environment gets the credentials of a user; from then on, all requests must be signed.
    """
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    address = "{}:{}".format(*server.get_host_and_port())
    known = {"region_name": REGION, "aws_access_key_id": "any", "aws_secret_access_key": "any"}
    store, users = (boto3.client(name, endpoint_url=f"http://{address}", **known) for name in ("s3", "iam"))
    store.create_bucket(Bucket=BUCKET)
    upload(folder, lambda name, content: store.put_object(Bucket=BUCKET, Key=name, Body=content))
    users.create_user(UserName="reader")
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
    users.put_user_policy(UserName="reader", PolicyName="all", PolicyDocument=json.dumps(policy))
    key = users.create_access_key(UserName="reader")["AccessKey"]
    # Without this, moto accepts any signature.
    moto.settings.INITIAL_NO_AUTH_ACTION_COUNT = 0
    os.environ |= {
        "AWS_ENDPOINT": f"http://{address}",
        "AWS_ALLOW_HTTP": "true",
        "AWS_REGION": REGION,
        "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
    }
    return address


@contextmanager
def azure(program: Path, folder: Path) -> Iterator[None]:
    """Run Azurite with the files of a folder; the environment gets its credentials."""
    command = [program, "--silent", "--blobPort", "0", "--inMemoryPersistence", "--disableTelemetry", "--skipApiVersionCheck"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        address = next(line for line in server.stdout if "listens on http://" in line).strip().rpartition("/")[2]
        keys = {"account_name": ACCOUNT, "account_key": ACCOUNT_KEY}
        blobs = {"blob_storage_authority": address, "blob_storage_scheme": "http"}
        store = AzureFileSystem(**keys, **blobs, dfs_storage_authority=address, dfs_storage_scheme="http")
        store.create_dir(BUCKET)

        def put(name: str, content: bytes) -> None:
            with store.open_output_stream(f"{BUCKET}/{name}") as stream:
                stream.write(content)

        upload(folder, put)
        os.environ |= {
            "AZURE_STORAGE_ACCOUNT_NAME": ACCOUNT,
            "AZURE_STORAGE_ACCOUNT_KEY": ACCOUNT_KEY,
            "AZURE_ENDPOINT": f"http://{address}/{ACCOUNT}",
            "AZURE_ALLOW_HTTP": "true",
        }
        yield
    finally:
        server.kill()
        server.wait()
