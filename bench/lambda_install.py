"""The interpreter that functions are measured with, and the peers' packages in their own venv."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from bench.assembly import REPOSITORY

CACHE = REPOSITORY / ".cache" / "bench"
RUNTIME = "awslambdaric==4.2.2"
PEERS = (
    "boto3==1.43.106",
    "botocore==1.43.106",
    "aws-lambda-powertools==3.37.0",
    "aws-xray-sdk==2.15.0",
    "pydantic==2.14.3",
)
SLOW_PEERS = ("langchain-aws==1.9.1",)
TRIED = ("python3.11", "python3.12", "python3.13", "python3.14")
DESCRIBE = (
    "import sys, sysconfig; print('%d.%d.%d' % sys.version_info[:3], "
    "int('--enable-optimizations' in (sysconfig.get_config_var('CONFIG_ARGS') or '')))"
)
SIZES = """
import importlib.metadata as metadata, re, sys
def size(name, seen):
    name = re.sub("[-_.]+", "-", name).lower()
    if name in seen: return 0
    seen.add(name)
    try: found = metadata.distribution(name)
    except metadata.PackageNotFoundError: return 0
    total = sum((f.locate().stat().st_size for f in found.files or () if f.suffix != ".pyc"
                 and f.locate().is_file()), 0)
    for requirement in found.requires or ():
        if "extra ==" not in requirement:
            total += size(re.match("[A-Za-z0-9._-]+", requirement)[0], seen)
    return total
seen = set()
print(sum(size(name, seen) for name in sys.argv[1:]))
"""


class InstallError(Exception):
    """What could not be installed, and what to do."""


@dataclass(frozen=True, kw_only=True)
class Interpreter:
    """A Python. `optimized`: built with profile-guided optimization, as Lambda's are."""

    path: Path
    version: str
    optimized: bool


def describe(path: str) -> Interpreter | None:
    """What a command is, or None when it does not run."""
    try:
        result = subprocess.run(
            [path, "-c", DESCRIBE], capture_output=True, text=True, check=False, timeout=30
        )
    except OSError:
        return None
    if result.returncode:
        return None
    version, optimized = result.stdout.split()
    return Interpreter(path=Path(path), version=version, optimized=optimized == "1")


def others(than: Interpreter) -> list[str]:
    """The versions of the other interpreters on the PATH."""
    found = {
        interpreter.version
        for name in TRIED
        if (path := shutil.which(name)) and (interpreter := describe(path))
    }
    return sorted(found - {than.version})


def install(interpreter: Interpreter, *, everything: bool) -> Path:
    """Make the venv once and compile it as a package for Lambda should be; its python."""
    wanted = [RUNTIME, *PEERS, *(SLOW_PEERS if everything else ())]
    venv = CACHE / f"cold-{interpreter.version}{'-all' if everything else ''}"
    python, done = venv / "bin" / "python", venv / "installed.txt"
    if done.is_file() and done.read_text() == "\n".join(wanted):
        return python
    print(f"installing the peers for Python {interpreter.version} (once)", file=sys.stderr)
    _run(str(interpreter.path), "-m", "venv", "--clear", str(venv))
    _run(
        *(str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
        *("--no-compile", *wanted),
    )
    compile_in(python, venv / "lib")
    done.write_text("\n".join(wanted))
    return python


def compile_in(python: Path, folder: Path) -> None:
    """Bytecode that is used without a look at the source's time, which a package does not keep."""
    _run(
        *(str(python), "-m", "compileall", "-q", "-f"),
        *("--invalidation-mode", "unchecked-hash", str(folder)),
    )


def package_bytes(python: Path, packages: tuple[str, ...]) -> int:
    """Size of packages and all that they require, without bytecode."""
    return int(_run(str(python), "-c", SIZES, *packages)) if packages else 0


def certificates(python: Path) -> Path:
    """A CA bundle of usual size: the one that botocore brings."""
    script = (
        "import botocore, os; print(os.path.join(os.path.dirname(botocore.__file__), 'cacert.pem'))"
    )
    return Path(_run(str(python), "-c", script).strip())


def _run(*command: str) -> str:
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=900)
    if result.returncode:
        problem = re.sub(r"\s+", " ", (result.stderr or result.stdout).strip())[-600:]
        raise InstallError(f"{' '.join(command[:4])}: {problem}")
    return result.stdout
