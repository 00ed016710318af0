"""The snippet of docs/langchain.md, run as it is printed against the local AWS."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from evaluation.deployment import KnowledgeBase, stacks
from evaluation.golden.documents import golden_documents
from local.session import LocalAws

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).resolve().parents[2]
LOCK = Path(__file__).with_name("requirements.lock")
PAGE = REPOSITORY / "docs" / "langchain.md"
INSTALL_SECONDS = 600
RUN_SECONDS = 300
MODEL_ID = "amazon.nova-lite-v1:0"
QUESTION = "In Polly, how do I list all lexicons in a region?"


@pytest.fixture(scope="module")
def interpreter() -> Path:
    """An environment with the locked packages, kept between runs."""
    folder = REPOSITORY / ".cache" / "langchain"
    python = folder / "bin" / "python"
    mark = folder / ".installed"
    if not mark.is_file() or mark.stat().st_mtime < LOCK.stat().st_mtime:
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True, timeout=120)
        install = [str(python), "-m", "pip", "install", "--quiet", "--require-hashes"]
        subprocess.run([*install, "-r", str(LOCK)], check=True, timeout=INSTALL_SECONDS)
        mark.touch()
    return python


def snippet() -> str:
    found = re.search(r"```python\n(.+?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert found
    return found.group(1)


def test_the_documented_snippet_finds_and_answers(interpreter: Path, tmp_path: Path) -> None:
    with LocalAws(state=tmp_path / "state") as aws:
        aws.cdk("bootstrap")
        aws.cdk("deploy", "Groundwork-dev-Knowledge", "-c", "stage=dev")
        deployed = stacks(prefix="Groundwork-dev", endpoint=aws.endpoint)
        documents = [each for each in golden_documents() if each.name.startswith("polly/")]
        KnowledgeBase(deployed).ingest(documents, wait_seconds=300)
        output = run(aws, interpreter, deployed.output("KnowledgeBaseId"))
    sources, _, answer = output.partition("answer:")
    assert "polly/ListLexicons.json" in sources
    assert len(answer.split()) > 2
    assert "mock" not in answer


def run(aws: LocalAws, interpreter: Path, knowledge_base_id: str) -> str:
    """What the snippet prints."""
    environment = {
        **aws.environment(),
        "PATH": os.environ["PATH"],
        "KNOWLEDGE_BASE_ID": knowledge_base_id,
        "MODEL_ID": MODEL_ID,
        "QUESTION": QUESTION,
    }
    outcome = subprocess.run(
        [str(interpreter), "-c", snippet()],
        env=environment,
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
        check=False,
    )
    assert outcome.returncode == 0, outcome.stderr[-3000:]
    return outcome.stdout
