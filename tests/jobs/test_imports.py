"""A process pays for the formats that it has met, and needs no more than the bundle carries."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from stacks.bundling import bundle_worker
from tests.jobs.pdf_files import pdf

PARSERS = {"bs4", "pypdf", "markdown_it", "soupsieve"}
REPOSITORY = Path(__file__).parents[2]

SCRIPT = """
import json, sys
from pathlib import Path
from worker.jobs import prepare_document
from worker.jobs.documents import formats
for name in sys.argv[1:]:
    path = Path(name)
    assert formats.read(path.read_bytes(), key=path.name, content_type="").text
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


def imported(program: Path, *files: Path) -> set[str]:
    """The top-level packages that are loaded after these files were read."""
    environ = {**os.environ, "PYTHONPATH": str(program), "PYTHONNOUSERSITE": "1"}
    # -S leaves this environment's site-packages out when the bundle is what is tested.
    flags = ["-S"] if (program / "pypdf").exists() else []
    done = subprocess.run(
        [sys.executable, *flags, "-c", SCRIPT, *map(str, files)],
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout))


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("documents")
    contents = {
        "a.json": b'{"service": {"name": "A"}, "operations": [], "documentation": "<p>b</p>"}',
        "a.txt": b"text",
        "a.html": b"<p>text",
        "a.md": b"# text <b>b</b>",
        "a.pdf": pdf("text"),
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return {name: folder / name for name in contents}


@pytest.mark.parametrize(
    ("names", "parsers"),
    [
        ([], set()),
        (["a.json", "a.txt"], set()),
        (["a.json", "a.md"], {"markdown_it"}),
        (["a.html"], {"bs4", "soupsieve"}),
        (["a.pdf"], {"pypdf"}),
    ],
)
def test_a_parser_is_imported_with_its_first_document(
    files: dict[str, Path], names: list[str], parsers: set[str]
) -> None:
    loaded = imported(REPOSITORY / "worker_src", *(files[name] for name in names))
    assert loaded & PARSERS == parsers
    assert not loaded & {"botocore", "boto3", "fpdf"}


def test_the_bundle_reads_every_format_by_itself(files: dict[str, Path], tmp_path: Path) -> None:
    bundle = bundle_worker(cache=tmp_path)
    loaded = imported(bundle.path, *files.values())
    assert loaded >= PARSERS
    assert "fpdf" not in loaded
