"""A Node process that evaluates resolvers, one per test worker."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.offline.resolvers import Host


@pytest.fixture(scope="session")
def resolvers() -> Iterator[Host]:
    host = Host()
    yield host
    host.close()
