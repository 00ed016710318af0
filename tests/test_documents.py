"""What documents refer to is there: pages, headings, files, targets of make, programs, settings."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
DOCUMENTS = sorted(REPOSITORY.glob("*.md")) + sorted(REPOSITORY.glob("docs/**/*.md"))
LINK = re.compile(r"\]\(([^)\s]+)\)")
CODE = re.compile(r"```.*?```|`[^`]+`", re.DOTALL)
FILE = re.compile(r"`([a-z_]+/[\w./-]+\.(?:graphql|json|md|mjs|py|toml))`")
TARGET = re.compile(r"(?:^|`|\n)\s*make ([a-z][a-z-]*)")
PROGRAM = re.compile(r"python -m ([a-z_]+(?:\.[a-z_]+)*)")
SETTING = re.compile(r"`([a-z_]+\.[a-z_]+)(?:=[^`]*)?`|-c ([a-z_]+\.[a-z_]+)=")


def headings(page: Path) -> set[str]:
    """Anchors as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    plain = (re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title).lower() for title in titles)
    return {re.sub(r"[^\w\- ]", "", title).strip().replace(" ", "-") for title in plain}


@pytest.fixture(params=DOCUMENTS, ids=lambda page: str(page.relative_to(REPOSITORY)))
def page(request: pytest.FixtureRequest) -> Path:
    found: Path = request.param
    return found


def test_links_lead_somewhere(page: Path) -> None:
    for link in LINK.findall(page.read_text()):
        place, _, heading = link.partition("#")
        if re.match(r"[a-z]+:", link):
            continue
        target = (page.parent / place).resolve() if place else page
        assert target.exists(), link
        assert not heading or heading in headings(target), link


def test_files_that_are_named_exist(page: Path) -> None:
    for name in FILE.findall(page.read_text()):
        assert any((base / name).exists() for base in (REPOSITORY, page.parent)), name


def test_commands_exist(page: Path) -> None:
    makefile = (REPOSITORY / "Makefile").read_text()
    for code in CODE.findall(page.read_text()):
        for target in TARGET.findall(code):
            assert f"\n{target}:" in makefile, target
        for program in PROGRAM.findall(code):
            found = importlib.util.find_spec(program)
            assert found, program
            assert not found.submodule_search_locations or importlib.util.find_spec(
                f"{program}.__main__"
            ), program


def test_settings_that_are_named_exist(page: Path) -> None:
    document = (REPOSITORY / "docs" / "settings.md").read_text()
    known = set(re.findall(r"^\| `([\w.]+)` \|", document, re.MULTILINE))
    capabilities = {name.partition(".")[0] for name in known}
    named = {name for pair in SETTING.findall(page.read_text()) for name in pair if name}
    ours = {each for each in named if each.partition(".")[0] in capabilities}
    assert {each for each in ours if not each.endswith(".py")} - known == set()
