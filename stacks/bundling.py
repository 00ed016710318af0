"""Build programs as directories that are the same on every machine.

A program is its packages plus their pure-Python requirements, copied from the distributions that
are installed beside the app. No pip, no network, no Docker and no callback from jsii: synth only
hashes files and, the first time, copies them into a cache addressed by content. Every copied file
is checked against the SHA-256 in the distribution's own RECORD
(https://packaging.python.org/en/latest/specifications/recording-installed-packages/).
Bytecode is left out: it differs between patch releases of Python, so instances compile their own;
`function_bundling` says what functions do.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import os
import re
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
PROGRAM = REPOSITORY / "worker_src" / "worker"
REQUIREMENTS = REPOSITORY / "worker_src" / "requirements.txt"
LOCK = REPOSITORY / "requirements.lock"

# What the pinned requirements import in turn on Python 3.13, the instances' interpreter. Spelled
# out because environment markers would otherwise be evaluated for the machine that synthesizes.
IMPORTED_BY_REQUIREMENTS = (
    "jmespath",
    "mdurl",
    "python-dateutil",
    "six",
    "typing-extensions",
    "urllib3",
)
# botocore carries the models of every AWS service (tens of MB); the program calls these.
BOTOCORE_SERVICES = frozenset({"autoscaling", "dynamodb", "s3", "sqs", "sts"})
LEFT_OUT_OF_METADATA = frozenset({"INSTALLER", "RECORD", "REQUESTED", "WHEEL", "direct_url.json"})
NATIVE_SUFFIXES = (".so", ".pyd", ".dylib", ".dll")
NATIVE_ON_INSTANCES = (
    "Install it on the instances instead (dnf, in stacks/constructs/worker_user_data.py), or bake "
    "an image."
)


class BundleError(Exception):
    """The program cannot be bundled; the message says what to do about it."""


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """A finished bundle: `path` holds the files, `digest` (hex SHA-256) names their content."""

    path: Path
    digest: str


@dataclass(frozen=True, kw_only=True)
class _File:
    target: str  # POSIX path inside the bundle
    source: Path
    sha256: str
    size: int
    script: bool = False  # what Lambda starts itself, by its first line


def bundle_worker(
    *,
    program: Path = PROGRAM,
    requirements: Path = REQUIREMENTS,
    cache: Path | None = None,
) -> Bundle:
    """Return the worker's bundle, built unless the cache already holds this very content.

    `cache` defaults to the environment variable GROUNDWORK_CACHE, else `.cache` in the repository.
    Raises BundleError with a remedy when a requirement is missing, native, altered or of another
    version than the pinned one.
    """
    pinned = pins(requirements)
    versions = {**dict.fromkeys(IMPORTED_BY_REQUIREMENTS), **pinned}
    return bundle(
        packages=[program],
        distributions=[(name, versions[name]) for name in [*pinned, *IMPORTED_BY_REQUIREMENTS]],
        remedy=NATIVE_ON_INSTANCES,
        cache=cache,
    )


def bundle(
    *,
    packages: Sequence[Path],
    distributions: Sequence[tuple[str, str | None]],
    remedy: str,
    cache: Path | None = None,
    finish: Callable[[Path], None] | None = None,
    finished: str = "",
) -> Bundle:
    """A bundle of package folders and of distributions with the versions that they must have.

    `remedy` says what to do about a native distribution. `finish` adds files to a new bundle that
    follow from those in it, and `finished` says to the digest in which way.
    """
    found = [*_package_files(packages), *_distributions_files(distributions, remedy)]
    files = sorted(found, key=lambda file: file.target)
    parts = [f"{file.target}\0{file.sha256}{'x' * file.script}\n" for file in files]
    digest = hashlib.sha256("".join([*parts, finished]).encode()).hexdigest()
    root = cache or Path(os.environ.get("GROUNDWORK_CACHE", REPOSITORY / ".cache"))
    path = root / "bundles" / digest
    if not _complete(path, files):
        _build(path, files, finish)
    return Bundle(path=path, digest=digest)


def archive(bundle: Bundle) -> Path:
    """The bundle as a zip beside it: one file to copy at synth and to upload, instead of hundreds.

    The dates are those of the CDK's own zips, so that the bytes say as little as the names.
    """
    path = bundle.path.with_suffix(".zip")
    if path.exists():
        return path
    with (
        tempfile.NamedTemporaryFile(dir=path.parent, prefix="zipping-", delete=False) as staging,
        zipfile.ZipFile(staging, "w", zipfile.ZIP_DEFLATED) as zipped,
    ):
        for file in sorted(item for item in bundle.path.rglob("*") if item.is_file()):
            entry = zipfile.ZipInfo(file.relative_to(bundle.path).as_posix())
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            zipped.writestr(entry, file.read_bytes())
    Path(staging.name).chmod(0o644)
    Path(staging.name).replace(path)  # a reader never sees half a zip
    return path


def job_module_path(job: str) -> Path:
    """The source file of a job given by its dotted module name, whether it exists or not."""
    return PROGRAM.parent.joinpath(*job.split(".")).with_suffix(".py")


def pins(requirements: Path) -> dict[str, str]:
    """Name -> version of a requirements file; BundleError for a line that pins nothing."""
    pinned = {}
    for line in requirements.read_text().splitlines():
        text = line.split("#")[0].strip()
        if not text:
            continue
        match = re.fullmatch(r"([A-Za-z0-9._-]+)==([^\s;]+)", text)
        if match is None:
            raise BundleError(f"{requirements.name}: {text!r} is not pinned; write name==version.")
        pinned[match.group(1).lower()] = match.group(2)
    return pinned


def _package_files(packages: Sequence[Path]) -> Iterator[_File]:
    for package in packages:
        yield from _program_files(package)


def _distributions_files(
    distributions: Sequence[tuple[str, str | None]], remedy: str
) -> Iterator[_File]:
    for name, version in distributions:
        yield from _distribution_files(name, version, remedy)


def _program_files(program: Path) -> Iterator[_File]:
    for source in program.rglob("*"):
        relative = source.relative_to(program.parent)
        if source.is_symlink():
            raise BundleError(f"{relative} is a symbolic link; put the file itself there.")
        hidden = any(part.startswith(".") or part == "__pycache__" for part in relative.parts)
        hidden = hidden or source == program / "requirements.txt"
        if source.is_file() and not hidden and source.suffix != ".pyc":
            content = source.read_bytes()
            yield _File(
                target=relative.as_posix(),
                source=source,
                sha256=hashlib.sha256(content).hexdigest(),
                size=len(content),
                script=not source.suffix and content.startswith(b"#!"),
            )


def _distribution_files(name: str, version: str | None, remedy: str) -> Iterator[_File]:
    try:
        installed = distribution(name)
    except PackageNotFoundError:
        raise BundleError(
            f"{name} is not installed beside the app. Run: pip install -r requirements.txt"
        ) from None
    if version is not None and installed.version != version:
        raise BundleError(
            f"{name} {installed.version} is installed, requirements.txt of the program pins "
            f"{version}. Run: pip install -r requirements.txt"
        )
    # `Distribution.files` makes an object of each of botocore's two thousand entries; a few hundred
    # are wanted.
    recorded = [row[:2] for row in csv.reader((installed.read_text("RECORD") or "").splitlines())]
    _refuse_native(name, installed, [target for target, _ in recorded], remedy)
    site = str(installed.locate_file(""))
    for target, recorded_hash in recorded:
        if not recorded_hash or not _wanted(target):
            continue
        source = Path(site, target)
        content = source.read_bytes()
        digest = hashlib.sha256(content)
        expected = base64.urlsafe_b64encode(digest.digest()).rstrip(b"=").decode()
        if recorded_hash != f"sha256={expected}":
            raise BundleError(
                f"{name}: {target} is not the file that was installed. "
                f"Run: pip install --force-reinstall {name}=={installed.version}"
            )
        yield _File(target=target, source=source, sha256=digest.hexdigest(), size=len(content))


def _refuse_native(name: str, installed: Distribution, targets: Sequence[str], remedy: str) -> None:
    wheel = installed.read_text("WHEEL") or ""
    pure = "Root-Is-Purelib: true" in wheel and "-none-any" in wheel
    if not pure or any(target.endswith(NATIVE_SUFFIXES) for target in targets):
        raise BundleError(
            f"{name} {installed.version} is not a pure-Python wheel, and synth may run on another "
            f"processor than the program. {remedy}"
        )


def _wanted(target: str) -> bool:
    parts = target.split("/")
    if ".." in parts or target.startswith("/") or "__pycache__" in parts:
        return False
    if target.endswith(".pyc"):
        return False
    if parts[0].endswith(".dist-info"):
        return parts[-1] not in LEFT_OUT_OF_METADATA
    if parts[:2] == ["botocore", "data"] and len(parts) > 3:
        return parts[2] in BOTOCORE_SERVICES and "examples" not in parts[-1]
    return True


def _complete(path: Path, files: list[_File]) -> bool:
    try:
        return all((path / file.target).stat().st_size == file.size for file in files)
    except OSError:
        return False


def _build(path: Path, files: list[_File], finish: Callable[[Path], None] | None) -> None:
    """Copy into a neighbour directory, then rename: a reader never sees half a bundle."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        shutil.rmtree(path, ignore_errors=True)
    staging = Path(tempfile.mkdtemp(prefix="building-", dir=path.parent))
    try:
        for file in files:
            target = staging / file.target
            target.parent.mkdir(parents=True, exist_ok=True)
            content = file.source.read_bytes()
            if hashlib.sha256(content).hexdigest() != file.sha256:
                raise BundleError(f"{file.source} changed while it was bundled. Run synth again.")
            target.write_bytes(content)
        if finish is not None:
            finish(staging)
        scripts = {file.target for file in files if file.script}
        for target in [item for item in staging.rglob("*") if item.is_file()]:
            target.chmod(0o755 if target.relative_to(staging).as_posix() in scripts else 0o644)
        for directory in [staging, *(item for item in staging.rglob("*") if item.is_dir())]:
            directory.chmod(0o755)
        try:
            staging.rename(path)
        except OSError:
            if not _complete(path, files):
                raise
    finally:
        shutil.rmtree(staging, ignore_errors=True)
