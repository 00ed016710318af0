"""One tree gives one cloud assembly: wherever it lies, whoever synthesizes it, with no account."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.stacks.synthesis import REPOSITORY

pytestmark = pytest.mark.xdist_group("two working copies")

SYNTHESIS_SECONDS = 240
PARTS = (
    "app.py",
    "cdk.json",
    "requirements.lock",
    "stacks",
    "worker_src",
    "lambda_src",
    "appsync_src",
    "prompts",
)
# A port on which nobody listens: whatever asks the network gets an error at once.
NOWHERE = "http://127.0.0.1:9"


def elsewhere(folder: Path) -> Path:
    """A working copy with other times and other names above it."""
    folder.mkdir(parents=True)
    for part in PARTS:
        source = REPOSITORY / part
        if source.is_dir():
            shutil.copytree(source, folder / part, copy_function=shutil.copyfile)
        else:
            shutil.copyfile(source, folder / part)
    os.utime(folder / "worker_src" / "worker" / "__init__.py", (1_000_000_000, 1_000_000_000))
    return folder


def cloud_assembly(working_copy: Path, scratch: Path) -> Mapping[str, Any]:
    """File -> content of templates and asset manifests, synthesized by a stranger.

    The stranger has an empty home and an empty cache, no AWS variable, no way to the network, and
    another time zone and language. Only the packages that jsii unpacks are shared, to save time.
    """
    home = scratch / "home"
    home.mkdir(parents=True)
    context = json.loads((working_copy / "cdk.json").read_text())["context"]
    jsii = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "aws" / "jsii"
    outcome = subprocess.run(
        [sys.executable, "app.py"],
        cwd=working_copy,
        env={
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.defpath]),
            "HOME": str(home),
            "TZ": "Pacific/Auckland",
            "LANG": "C",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONHASHSEED": str(len(str(scratch))),
            "GROUNDWORK_CACHE": str(scratch / "cache"),
            "JSII_RUNTIME_PACKAGE_CACHE_ROOT": str(jsii / "package-cache"),
            "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "1",
            "CDK_VALIDATION": "false",
            "CDK_OUTDIR": str(scratch / "out"),
            "CDK_CONTEXT_JSON": json.dumps({**context, "stage": "prod"}),
            "HTTP_PROXY": NOWHERE,
            "HTTPS_PROXY": NOWHERE,
            "http_proxy": NOWHERE,
            "https_proxy": NOWHERE,
        },
        capture_output=True,
        text=True,
        timeout=SYNTHESIS_SECONDS,
        check=False,
    )
    assert outcome.returncode == 0, outcome.stderr[-4000:]
    return {
        path.name: json.loads(path.read_text())
        for path in sorted((scratch / "out").iterdir())
        if path.name.endswith((".template.json", ".assets.json"))
    }


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    folder = tmp_path_factory.mktemp("first")
    return cloud_assembly(elsewhere(folder / "one"), folder / "scratch")


def test_two_working_copies_give_identical_templates_and_asset_hashes(
    first: Mapping[str, Any], tmp_path: Path
) -> None:
    copy = elsewhere(tmp_path / "another" / "place with spaces")
    second = cloud_assembly(copy, tmp_path / "second scratch")
    assert {name for name in first if name.endswith(".template.json")}
    assert any(manifest.get("files") for manifest in first.values())
    for name in first.keys() | second.keys():
        assert first[name] == second[name], name


def test_no_path_of_this_machine_is_in_the_templates(
    first: Mapping[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    text = json.dumps({name: body for name, body in first.items() if "template" in name})
    assert str(tmp_path_factory.getbasetemp()) not in text
    assert str(REPOSITORY) not in text


def test_nothing_was_looked_up(first: Mapping[str, Any]) -> None:
    """What the CDK cannot look up without an account, it fills with a value that says dummy."""
    assert "dummy" not in json.dumps(dict(first)).lower()
