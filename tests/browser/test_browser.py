"""The built web app in headless Chromium; the scenarios are in app.test.mjs.

Needs Debian's package `chromium`, or a Chromium or Chrome named by GROUNDWORK_CHROMIUM.
"""

from __future__ import annotations

import os
import shutil
import warnings
from pathlib import Path

import pytest

from tests.sync_backend import backend, built_client, run_node_tests, shared_folder

pytestmark = pytest.mark.xdist_group("sync")

VARIABLE = "GROUNDWORK_CHROMIUM"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
REMEDY = (
    "THE BROWSER TESTS DID NOT RUN: there is no Chromium. Install it with `apt-get install chromium` "
    f"(Debian) or name one: {VARIABLE}=/path/to/chrome"
)


def _chromium() -> str:
    found = os.environ.get(VARIABLE) or next(filter(None, map(shutil.which, NAMES)), None)
    if not found:
        warnings.warn(REMEDY, stacklevel=1)
        pytest.skip(REMEDY)
    return found


def test_scenarios(tmp_path_factory: pytest.TempPathFactory) -> None:
    chromium = _chromium()
    built_client("device")
    built_client("app")
    described = backend(shared_folder(tmp_path_factory))
    run_node_tests(described, Path(__file__).parent / "app.test.mjs", **{VARIABLE: chromium})
