"""The built client, before anything of it runs."""

from __future__ import annotations

import pytest

from tests.sync_backend import built_client


@pytest.fixture(scope="session", autouse=True)
def client() -> None:
    """`web_src/dist/device`, of the sources as they are."""
    built_client("device")
