"""What each function may import and weigh: counts and bytes, which no other load can change.

A module that is imported at the top is paid for at every cold start. The seconds are measured by
bench/cold_start.py; this keeps what it measured.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

LAMBDA_SRC = Path(__file__).parents[2] / "lambda_src"
SHARED = "edge"
COUNT = """
import json, logging, sys  # what Lambda's runtime client has imported before the handler
before = set(sys.modules)
sys.path.insert(0, sys.argv[1])
__import__(sys.argv[2])
print(json.dumps(sorted(set(sys.modules) - before)))
"""
HEAVY = frozenset(
    {"asyncio", "boto3", "botocore", "dataclasses", "inspect", "logging.config", "pathlib",
     "pydantic", "requests", "typing", "unittest", "urllib.request", "xml"}
)  # fmt: skip


@dataclass(frozen=True)
class Budget:
    """`modules` beyond Lambda's own, with a little room for other versions of Python."""

    modules: int
    kilobytes: int


BUDGETS = {
    "chat": Budget(modules=90, kilobytes=265),
    "ingestion": Budget(modules=70, kilobytes=100),
    "vector_store": Budget(modules=60, kilobytes=105),
    "conflict_resolver": Budget(modules=10, kilobytes=85),
    "jobs": Budget(modules=66, kilobytes=100),
}


def functions() -> list[str]:
    return sorted(
        folder.name for folder in LAMBDA_SRC.iterdir() if (folder / "handler.py").is_file()
    )


def imported_by(name: str) -> list[str]:
    result = subprocess.run(
        [sys.executable, "-c", COUNT, str(LAMBDA_SRC), f"{name}.handler"],
        capture_output=True, text=True, check=True, timeout=60,
        env={"PATH": os.environ["PATH"], "AWS_REGION": "eu-west-1"},
    )  # fmt: skip
    modules: list[str] = json.loads(result.stdout)
    return modules


def test_every_function_has_a_budget() -> None:
    assert functions() == sorted(BUDGETS)


@pytest.mark.parametrize("name", functions())
def test_a_function_imports_no_more_than_its_budget(name: str) -> None:
    """Pitfall 15 as well: the import works, so that a deployment is not stopped by it."""
    modules = imported_by(name)
    assert len(modules) <= BUDGETS[name].modules, modules
    assert not HEAVY.intersection(modules), sorted(HEAVY.intersection(modules))


@pytest.mark.parametrize("name", functions())
def test_a_function_weighs_no_more_than_its_budget(name: str) -> None:
    files = [
        path
        for folder in (LAMBDA_SRC / name, LAMBDA_SRC / SHARED)
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    ]
    assert sum(path.stat().st_size for path in files) <= BUDGETS[name].kilobytes * 1000


@pytest.mark.parametrize("name", functions())
def test_a_function_pins_what_it_is_packaged_with(name: str) -> None:
    lines = (LAMBDA_SRC / name / "requirements.txt").read_text().splitlines()
    wanted = [line for line in lines if line.strip() and not line.startswith("#")]
    assert all("==" in line for line in wanted)


def test_the_shared_package_stands_on_the_standard_library_alone() -> None:
    script = COUNT.replace("__import__(sys.argv[2])", "exec(sys.argv[2])")
    names = sorted(path.stem for path in (LAMBDA_SRC / SHARED).glob("*.py"))
    code = "import " + ", ".join(f"{SHARED}.{name}" for name in names if name != "__init__")
    result = subprocess.run(
        [sys.executable, "-c", script, str(LAMBDA_SRC), code],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    roots = {name.partition(".")[0] for name in json.loads(result.stdout)}
    assert roots - sys.stdlib_module_names - {SHARED} == set()
