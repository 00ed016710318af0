"""Packages of functions: what is in them, and what is refused with a remedy."""

from __future__ import annotations

import importlib.util
import marshal
import os
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from stacks import function_bundling
from stacks.bundling import Bundle, BundleError
from stacks.function_bundling import FUNCTIONS, add_bytecode, bundle_function, handler_of

HANDLER = "def handler(event, context):\n    return event\n"


@pytest.fixture
def functions(tmp_path: Path) -> Path:
    """A `lambda_src` with one function, so that tests do not depend on the real ones."""
    folder = tmp_path / "lambda_src"
    for name, file, content in (
        ("edge", "__init__.py", ""),
        ("report", "__init__.py", ""),
        ("report", "handler.py", HANDLER),
        ("report", "requirements.txt", "# Nothing.\n"),
    ):
        (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / name / file).write_text(content)
    return folder


def build(functions: Path, tmp_path: Path) -> Bundle:
    return bundle_function("report", functions=functions, cache=tmp_path / "cache")


def names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_a_package_is_the_function_and_what_all_share(functions: Path, tmp_path: Path) -> None:
    package = build(functions, tmp_path)
    assert names(package.path) == {"edge/__init__.py", "report/__init__.py", "report/handler.py"}
    assert handler_of("report") == "report.handler.handler"


def test_two_places_give_one_package(functions: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "another place" / "lambda_src"
    shutil.copytree(functions, elsewhere)
    (elsewhere / "report" / "__pycache__").mkdir()
    (elsewhere / "report" / "__pycache__" / "handler.cpython-311.pyc").write_bytes(b"x")
    os.utime(elsewhere / "report" / "handler.py", (1, 1))
    assert build(functions, tmp_path).digest == build(elsewhere, tmp_path).digest


@pytest.mark.parametrize("changed", ["report/handler.py", "edge/__init__.py"])
def test_a_change_of_code_makes_another_package(
    functions: Path, tmp_path: Path, changed: str
) -> None:
    before = build(functions, tmp_path)
    with (functions / changed).open("a") as file:
        file.write("# changed\n")
    assert build(functions, tmp_path).digest != before.digest


def test_a_pure_requirement_comes_along(functions: Path, tmp_path: Path) -> None:
    (functions / "report" / "requirements.txt").write_text(f"six=={version('six')}\n")
    assert "six.py" in names(build(functions, tmp_path).path)


def refused(functions: Path, tmp_path: Path) -> str:
    with pytest.raises(BundleError) as caught:
        build(functions, tmp_path)
    return str(caught.value)


def test_a_missing_folder_is_refused(functions: Path, tmp_path: Path) -> None:
    shutil.rmtree(functions / "report")
    message = refused(functions, tmp_path)
    assert "lambda_src/report/handler.py is missing" in message
    assert "correct the function's name" in message


@pytest.mark.parametrize("content", ["", "def handle(event, context): ...\n", "x = y = 1\n"])
def test_a_module_without_the_handler_is_refused(
    functions: Path, tmp_path: Path, content: str
) -> None:
    (functions / "report" / "handler.py").write_text(content)
    assert "defines no handler. Add: handler = keep_warm(handle)" in refused(functions, tmp_path)


def test_missing_requirements_are_refused(functions: Path, tmp_path: Path) -> None:
    (functions / "report" / "requirements.txt").unlink()
    assert "a comment will do" in refused(functions, tmp_path)


def test_a_requirement_without_a_version_is_refused(functions: Path, tmp_path: Path) -> None:
    (functions / "report" / "requirements.txt").write_text("six\n")
    assert "write name==version" in refused(functions, tmp_path)


def test_a_native_requirement_is_refused(functions: Path, tmp_path: Path) -> None:
    (functions / "report" / "requirements.txt").write_text(
        f"pydantic-core=={version('pydantic-core')}\n"
        f"typing-extensions=={version('typing-extensions')}\n"
    )
    message = refused(functions, tmp_path)
    assert "is not a pure-Python wheel" in message
    assert "a layer for arm64" in message


def test_what_a_requirement_imports_has_to_be_listed(functions: Path, tmp_path: Path) -> None:
    (functions / "report" / "requirements.txt").write_text(
        f"python-dateutil=={version('python-dateutil')}\n"
    )
    assert "python-dateutil needs six" in refused(functions, tmp_path)


def test_bytecode_needs_the_interpreter_of_the_functions(
    functions: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(function_bundling, "RUNTIME", (3, 99))
    with pytest.raises(BundleError, match=r"needs Python 3\.99.*set functions\.bytecode to false"):
        bundle_function("report", functions=functions, bytecode=True, cache=tmp_path)


def test_bytecode_makes_another_package(
    functions: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(function_bundling, "RUNTIME", sys.version_info[:2])
    plain = build(functions, tmp_path)
    compiled = bundle_function(
        "report", functions=functions, bytecode=True, cache=tmp_path / "cache"
    )
    assert compiled.digest != plain.digest
    added = names(compiled.path) - names(plain.path)
    assert len(added) == 3
    assert all(name.endswith(".pyc") for name in added)


def test_bytecode_is_used_whatever_the_time_of_its_source(functions: Path) -> None:
    """Zips have one old date for all files; ordinary bytecode would be compiled again."""
    source = functions / "report" / "handler.py"
    add_bytecode(functions)
    compiled = Path(importlib.util.cache_from_source(str(source)))
    code = marshal.loads(compiled.read_bytes()[16:])
    assert code.co_filename == "/var/task/report/handler.py"
    source.write_text("raise RuntimeError('compiled again')\n")
    os.utime(source, (315_532_800, 315_532_800))
    outcome = subprocess.run(
        [sys.executable, "-B", "-c", "import report.handler as m; print(m.handler(7, None))"],
        env={"PATH": os.defpath, "PYTHONPATH": str(functions)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (outcome.returncode, outcome.stdout.strip()) == (0, "7"), outcome.stderr


def test_every_folder_of_ours_can_be_packed(tmp_path: Path) -> None:
    ours = [each.name for each in FUNCTIONS.iterdir() if (each / "handler.py").is_file()]
    assert "jobs" in ours
    for name in ours:
        package = bundle_function(name, cache=tmp_path)
        size = sum(path.stat().st_size for path in package.path.rglob("*") if path.is_file())
        assert size <= 5_000_000, name
