"""bandit over our Python, detect-secrets over everything that is tracked and over the templates."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from detect_secrets.settings import default_settings, get_plugins

from tests.built_once import REPOSITORY
from tests.judges.judged_synthesis import JUDGED
from tests.stacks.synthesis import STACKS

PYTHON = ("app.py", "stacks", "worker_src", "lambda_src", "local", "bench", "costs", "evaluation")
# Rules of bandit that are not asked, each with its reason.
NOT_ASKED = {
    "B101": "assert narrows types for mypy; nothing relies on it at run time",
    "B311": "random numbers spread retries and samples; keys and signatures have none",
    "B404": "that subprocess is imported says nothing; how it is called is judged",
    "B603": "calls without a shell are what we want to see",
    "B607": "programs are looked for on the PATH, which the Makefile sets",
    "B610": "looks for a method of Django's, and there is no Django here",
}
# Beginning of a path -> finding -> why it is accepted. These rooms never reach an account: they
# talk to servers on loopback, which want credentials and check none.
MADE_UP = "made-up credentials for a server on loopback"
QUOTED = "tables and columns are the deployed ones, which exist; values are parameters"
ACCEPTED = {
    "bench/": {"B105": MADE_UP, "B106": MADE_UP, "Secret Keyword": MADE_UP},
    "local/": {"B105": MADE_UP, "B106": MADE_UP, "Secret Keyword": MADE_UP},
    "tests/": {"Secret Keyword": MADE_UP},
    "lambda_src/vector_store/postgres_schema.py": {
        "B608": "names are held to a pattern, as statements that define things take no parameters"
    },
    "local/stores/aurora_filter.py": {"B608": QUOTED},
    "local/stores/aurora_store.py": {"B608": QUOTED},
    "evaluation/golden/make.py": {"Secret Keyword": "the name of a service"},
    "local/stores/processes.py": {
        "B108": "mkdtemp makes a folder of its own below it, where another user may reach it"
    },
    "local/fleet/autoscaling_api.py": {"B406": "escape writes XML; nothing is parsed"},
}
# Entropy says "secret" about every asset hash.
WITHOUT = ("Base64HighEntropyString", "HexHighEntropyString")


def accepted(path: str, finding: str) -> bool:
    return any(path.startswith(each) and finding in known for each, known in ACCEPTED.items())


def run(*arguments: str, cwd: Path = REPOSITORY) -> Any:
    outcome = subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert outcome.stdout.strip(), outcome.stderr
    return json.loads(outcome.stdout)


def bandit(*paths: str, cwd: Path = REPOSITORY) -> list[str]:
    """Findings as `file:line rule text`. An empty string is no password (B105 to B107)."""
    report = run("bandit", "-q", "-f", "json", "-s", ",".join(NOT_ASKED), "-r", *paths, cwd=cwd)
    assert report["errors"] == []
    assert report["metrics"]["_totals"]["loc"] > 0
    return [
        f"{each['filename']}:{each['line_number']} {each['test_id']} {each['issue_text']}"
        for each in report["results"]
        if not each["issue_text"].endswith("password: ''")
        and not accepted(each["filename"], each["test_id"])
    ]


def secrets(*paths: str, cwd: Path = REPOSITORY) -> list[str]:
    """Findings as `file:line type`.

    Most lines are in another file as well, and its detectors take a third of detect-secrets' time:
    each line is shown to them once, and to all of detect-secrets where one of them sees something.
    """
    places: dict[str, dict[str, str]] = {}
    with default_settings():
        detectors = [each for each in get_plugins() if type(each).__name__ not in WITHOUT]
    for path in paths:
        name = treated(path)
        seen = places.setdefault(name, {})
        try:
            text = (cwd / path).read_text()
        except UnicodeDecodeError:
            continue  # pictures, which are passed over by detect-secrets too
        for number, line in enumerate(text.split("\n"), start=1):
            if line not in seen:
                hit = any(each.analyze_line(filename=name, line=line) for each in detectors)
                seen[line] = f"{path}:{number}" if hit else ""
    suspects = {
        name: [(line, place) for line, place in seen.items() if place]
        for name, seen in places.items()
    }
    without = [word for plugin in WITHOUT for word in ("--disable-plugin", plugin)]
    with tempfile.TemporaryDirectory() as scratch:
        for name, found in suspects.items():
            (Path(scratch) / name).write_text("\n".join(line for line, _ in found))
        scan = ("detect_secrets", "scan", "--all-files", *without, *sorted(suspects))
        results = run(*scan, cwd=Path(scratch))["results"]
    return [
        f"{place} {hit['type']}"
        for name, hits in results.items()
        for hit in hits
        if not accepted(place := suspects[name][hit["line_number"] - 1][1], hit["type"])
    ]


def treated(path: str) -> str:
    """A file name for all files of one kind in which the same findings are accepted."""
    room = next((number for number, each in enumerate(ACCEPTED) if path.startswith(each)), "none")
    return f"room-{room}{Path(path).suffix or '.plain'}"


def tracked() -> list[str]:
    listing = subprocess.run(
        ["git", "ls-files"], cwd=REPOSITORY, capture_output=True, text=True, timeout=60, check=True
    ).stdout.split("\n")
    return [
        path
        for path in listing
        if path
        and not path.endswith(".lock")
        and (REPOSITORY / path).is_file()
        and "__snapshots__" not in path  # templates, which are looked at themselves
    ]


def test_bandit_finds_nothing() -> None:
    assert bandit(*PYTHON) == []


def test_bandit_can_find(tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_text(
        "import subprocess\nsubprocess.run('ls', shell=True)\nPASSWORD = 'hunter2'\n"
    )
    found = bandit(".", cwd=tmp_path)
    assert {line.split()[1] for line in found} == {"B602", "B105"}


def test_no_secret_is_tracked() -> None:
    assert secrets(*tracked()) == []


def test_no_secret_is_in_a_template(judged: Path) -> None:
    found = (path.relative_to(judged) for path in judged.glob("*/*.template.json"))
    paths = [str(path) for path in found if path.parts[0] in JUDGED]
    assert len(paths) == len(JUDGED) * len(STACKS)
    assert secrets(*paths, cwd=judged) == []


def test_secrets_can_be_found(tmp_path: Path) -> None:
    """In user data too, where other judges do not look."""
    # In pieces, so as not to be found here.
    key = "AKIA" + "IOSFODNN7" + "EXAMPLF"
    (tmp_path / "a.template.json").write_text(json.dumps({"UserData": f"export KEY={key}"}))
    (tmp_path / "b.py").write_text(f"db_{'pass' + 'word'} = '{'hunter2' + 'hunter2'}'\n")
    found = secrets("a.template.json", "b.py", cwd=tmp_path)
    assert {line.split(":")[0] for line in found} == {"a.template.json", "b.py"}


def test_what_is_accepted_is_still_there() -> None:
    for path in ACCEPTED:
        assert (REPOSITORY / path).exists(), path
