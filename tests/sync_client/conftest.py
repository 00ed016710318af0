"""The deployed offline stack and the built client, once per run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sync_backend import backend, built_client, shared_folder


@pytest.fixture(scope="session")
def described(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the tests in Node are told of the backend."""
    built_client("device")
    return backend(shared_folder(tmp_path_factory))
