"""docs/pitfalls.md names files and tests that exist, and leaves no pitfall out."""

from __future__ import annotations

import re

from tests.stacks.synthesis import REPOSITORY

DOCUMENT = (REPOSITORY / "docs" / "pitfalls.md").read_text()
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in DOCUMENT.splitlines()
    if line.startswith("| ") and not line.startswith(("| ---", "| no.", "| pitfall"))
]
NUMBERS = [*range(1, 40), 41, 42]


def functions() -> set[str]:
    return {
        name
        for path in (REPOSITORY / "tests").rglob("*.py")
        for name in re.findall(r"^def ((?:test|check)_\w+)\(", path.read_text(), re.MULTILINE)
    }


def test_every_pitfall_has_its_row() -> None:
    assert [int(row[0]) for row in ROWS if row[0].isdigit()] == NUMBERS


def test_the_tests_that_are_named_exist() -> None:
    known = functions()
    for row in ROWS:
        named = re.findall(r"`((?:test|check)_\w+)`", row[-1])
        assert named, row[0]
        assert set(named) <= known, set(named) - known


def test_every_numbered_row_names_a_test_after_it() -> None:
    for row in ROWS:
        if row[0].isdigit():
            assert f"`test_pitfall_{int(row[0]):02d}_" in row[-1], row[0]


def test_every_test_of_a_pitfall_is_in_the_table() -> None:
    for name in functions():
        if name.startswith("test_pitfall_"):
            assert f"`{name}`" in DOCUMENT, name


def test_the_files_that_are_named_exist() -> None:
    for path in re.findall(
        r"`((?:stacks|tests|worker_src|lambda_src|appsync_src)/[\w/]+\.(?:py|js)|cdk\.json)`",
        DOCUMENT,
    ):
        assert (REPOSITORY / path).is_file(), path
