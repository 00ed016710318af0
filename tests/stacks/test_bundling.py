"""The worker's bundle is the same everywhere, complete, small, and refuses what cannot be right."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from stacks import bundling
from stacks.bundling import Bundle, BundleError, archive, bundle_worker


def tree(path: Path) -> dict[str, bytes]:
    return {
        file.relative_to(path).as_posix(): file.read_bytes()
        for file in sorted(path.rglob("*"))
        if file.is_file()
    }


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A small program, so that tests do not depend on the real one."""
    folder = tmp_path / "here" / "worker"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("")
    (folder / "__main__.py").write_text("print('works')\n")
    return folder


def test_two_directories_give_one_bundle(program: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "somewhere" / "else" / "worker"
    shutil.copytree(program, elsewhere)
    (elsewhere / "__pycache__").mkdir()
    (elsewhere / "__pycache__" / "__main__.cpython-311.pyc").write_bytes(b"anything")
    (elsewhere / ".hidden").write_text("anything")
    os.utime(elsewhere / "__main__.py", (1, 1))
    one = bundle_worker(program=program, cache=tmp_path / "a")
    other = bundle_worker(program=elsewhere, cache=tmp_path / "b")
    assert one.digest == other.digest
    assert tree(one.path) == tree(other.path)
    modes = {file.stat().st_mode & 0o777 for file in one.path.rglob("*") if file.is_file()}
    assert modes == {0o644}


@pytest.mark.parametrize("change", ["content", "name", "addition"])
def test_any_change_of_the_program_changes_the_digest(
    program: Path, tmp_path: Path, change: str
) -> None:
    before = bundle_worker(program=program, cache=tmp_path)
    if change == "content":
        (program / "__main__.py").write_text("print('works!')\n")
    elif change == "name":
        (program / "__main__.py").rename(program / "main.py")
    else:
        (program / "more.py").write_text("")
    assert bundle_worker(program=program, cache=tmp_path).digest != before.digest


def test_the_cache_comes_from_the_environment(
    program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GROUNDWORK_CACHE", str(tmp_path / "cache"))
    assert bundle_worker(program=program).path.is_relative_to(tmp_path / "cache")


def test_a_damaged_cache_is_built_again(program: Path, tmp_path: Path) -> None:
    bundle = bundle_worker(program=program, cache=tmp_path)
    (bundle.path / "worker" / "__main__.py").unlink()
    again = bundle_worker(program=program, cache=tmp_path)
    assert (again.path / "worker" / "__main__.py").exists()


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return bundle_worker(cache=tmp_path_factory.mktemp("cache"))


def test_the_bundle_runs_without_anything_else(real: Bundle) -> None:
    """Isolated from this environment's site-packages, every dependency is found in the bundle."""
    code = (
        "import botocore.session, pypdf, bs4, markdown_it, sys;"
        "s = botocore.session.get_session();"
        "[s.create_client(n, region_name='eu-west-1', aws_access_key_id='x',"
        " aws_secret_access_key='x') for n in ('sqs','s3','autoscaling','dynamodb','sts')];"
        "print(botocore.__file__)"
    )
    outcome = subprocess.run(
        [sys.executable, "-S", "-c", f"import sys; sys.path.insert(0, {str(real.path)!r}); {code}"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={"PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert outcome.returncode == 0, outcome.stderr
    assert outcome.stdout.startswith(str(real.path))


def test_the_bundle_is_trimmed_pure_and_small(real: Bundle) -> None:
    names = set(tree(real.path))
    services = {name.split("/")[2] for name in names if name.startswith("botocore/data/")}
    assert {"sqs", "s3", "autoscaling", "dynamodb", "sts"} <= services
    assert "ec2" not in services
    assert not [name for name in names if name.endswith((".so", ".pyc"))]
    assert not [name for name in names if "/bin/" in name or ".." in name]
    assert any(name.endswith("cacert.pem") for name in names)
    assert sum(len(content) for content in tree(real.path).values()) < 15_000_000


def test_licences_travel_with_the_packages(real: Bundle) -> None:
    for package in ("botocore", "pypdf", "beautifulsoup4", "markdown_it_py"):
        (folder,) = real.path.glob(f"{package}-*.dist-info")
        assert [file for file in folder.rglob("*") if "LICEN" in file.name.upper()], package


def test_the_archive_holds_the_bundle_and_nothing_of_this_machine(
    program: Path, tmp_path: Path
) -> None:
    bundle = bundle_worker(program=program, cache=tmp_path)
    first = archive(bundle)
    with zipfile.ZipFile(first) as zipped:
        assert {name: zipped.read(name) for name in zipped.namelist()} == tree(bundle.path)
        assert {entry.date_time for entry in zipped.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert {entry.external_attr >> 16 for entry in zipped.infolist()} == {0o644}
    other = archive(bundle_worker(program=program, cache=tmp_path / "other"))
    assert other.read_bytes() == first.read_bytes()


def refused(program: Path, tmp_path: Path, line: str) -> str:
    requirements = tmp_path / "requirements.txt"
    requirements.write_text(line + "\n")
    with pytest.raises(BundleError) as caught:
        bundle_worker(program=program, requirements=requirements, cache=tmp_path)
    return str(caught.value)


def test_a_requirement_without_a_version_is_refused(program: Path, tmp_path: Path) -> None:
    assert "write name==version" in refused(program, tmp_path, "botocore>=1")


def test_another_version_is_refused(program: Path, tmp_path: Path) -> None:
    message = refused(program, tmp_path, "six==1.0.0")
    assert "pins 1.0.0" in message
    assert "pip install -r requirements.txt" in message


def test_a_missing_package_is_refused(program: Path, tmp_path: Path) -> None:
    assert "is not installed" in refused(program, tmp_path, "surely-not-installed==1.0")


def test_a_native_package_is_refused(program: Path, tmp_path: Path) -> None:
    from importlib.metadata import version

    message = refused(program, tmp_path, f"pydantic-core=={version('pydantic-core')}")
    assert "not a pure-Python wheel" in message


def test_an_altered_file_is_refused(
    program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site"
    (site / "altered-1.0.dist-info").mkdir(parents=True)
    (site / "altered.py").write_text("changed\n")
    folder = site / "altered-1.0.dist-info"
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: altered\nVersion: 1.0\n")
    (folder / "WHEEL").write_text("Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
    (folder / "RECORD").write_text("altered.py,sha256=AAAA,8\naltered-1.0.dist-info/RECORD,,\n")
    monkeypatch.syspath_prepend(str(site))
    message = refused(program, tmp_path, "altered==1.0")
    assert "not the file that was installed" in message


def test_a_symbolic_link_is_refused(program: Path, tmp_path: Path) -> None:
    (program / "link.py").symlink_to(program / "__main__.py")
    with pytest.raises(BundleError, match="symbolic link"):
        bundle_worker(program=program, cache=tmp_path)


def test_everything_that_is_bundled_has_one_version() -> None:
    """The lock may not choose by Python version what goes into the bundle."""
    lock = bundling.LOCK.read_text()
    several = [
        name
        for name in bundling.IMPORTED_BY_REQUIREMENTS
        if sum(line.startswith(f"{name}==") for line in lock.splitlines()) != 1
    ]
    assert several == [], f"pin in worker_src/requirements.txt: {', '.join(several)}"
