"""Fetch the deployed program from the local S3 and unpack it, once per asset."""

from __future__ import annotations

import compileall
import fcntl
import http.client
import io
import shutil
import tempfile
import zipfile
from pathlib import Path
from urllib.parse import quote, urlsplit

TIMEOUT_SECONDS = 30


class ProgramError(Exception):
    """The program cannot be fetched or unpacked; says why."""


def unpack_program(*, endpoint: str, bucket: str, key: str, cache: Path) -> Path:
    """The folder with the unpacked asset; the asset's key holds its hash, so it names the folder.

    Instances that boot together wait for the first: unpacking and compiling is done once.
    """
    folder = cache / Path(key).stem
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.is_dir():
            _unpack(_fetch(endpoint, bucket, key), folder)
    return folder


def _unpack(content: bytes, folder: Path) -> None:
    staging = Path(tempfile.mkdtemp(dir=folder.parent, prefix="unpacking-"))
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            archive.extractall(staging)
        compileall.compile_dir(staging, quiet=2, maxlevels=20)
        staging.rename(folder)
    except zipfile.BadZipFile as error:
        raise ProgramError(f"the asset is not a zip file: {error}") from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _fetch(endpoint: str, bucket: str, key: str) -> bytes:
    parts = urlsplit(endpoint)
    connection = http.client.HTTPConnection(
        parts.hostname or "127.0.0.1", parts.port, timeout=TIMEOUT_SECONDS
    )
    try:
        connection.request("GET", f"/{bucket}/{quote(key)}")
        response = connection.getresponse()
        content = response.read()
    except OSError as error:
        raise ProgramError(f"the local S3 does not answer at {endpoint}: {error}") from error
    finally:
        connection.close()
    if response.status != 200:
        raise ProgramError(f"s3://{bucket}/{key}: HTTP status {response.status}")
    return content
