"""The built web app in headless Chromium; the scenarios are in *.test.mjs.

Needs Debian's package `chromium`, or a Chromium or Chrome named by GROUNDWORK_CHROMIUM.
"""

from __future__ import annotations

import os
import shutil
import warnings
from pathlib import Path

import pytest

from tests.sync_backend import built_client, run_node_tests

pytestmark = pytest.mark.xdist_group("appsync")

VARIABLE = "GROUNDWORK_CHROMIUM"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
REMEDY = (
    "THE BROWSER TESTS DID NOT RUN: there is no Chromium. Install it with "
    f"`apt-get install chromium` (Debian) or name one: {VARIABLE}=/path/to/chrome"
)


@pytest.fixture(scope="session")
def chromium() -> str:
    found = os.environ.get(VARIABLE) or next(filter(None, map(shutil.which, NAMES)), None)
    if not found:
        warnings.warn(REMEDY, stacklevel=1)
        pytest.skip(REMEDY)
    return found


def test_scenarios(chromium: str, described: Path) -> None:
    built_client("device")
    built_client("app")
    scenarios = sorted(Path(__file__).parent.glob("*.test.mjs"))
    run_node_tests(described, *scenarios, **{VARIABLE: chromium})
