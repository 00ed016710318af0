"""Build a Lambda function's package: `lambda_src/<name>`, what all functions share, requirements.

The same files on every machine, for the reasons in `bundling`. Two things differ from the worker:

- What a requirement imports in turn has to be in the function's requirements.txt as well, so that
  the package is what is written there. The handler is looked for in the package; a wrong name
  would otherwise show at the first invocation.
- Bytecode. Zips made by the CDK give every file the same old date, which makes ordinary bytecode
  look outdated, so it is not shipped; bytecode that is not checked survives
  (https://docs.python.org/3/reference/import.html#cached-bytecode-invalidation). Only Python 3.13
  itself writes bytecode for 3.13, and most machines synthesize with another release, so it is a
  choice, `functions.bytecode`: without it, starting compiles the package every time. For `jobs` and
  what it imports of ours, 16 modules, that is 15 ms of processor time with an unoptimized build of
  3.13, 9 ms with an optimized one of 3.11; reading bytecode instead takes half a millisecond.
"""

from __future__ import annotations

import ast
import importlib.util
import marshal
import re
import sys
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

from stacks.bundling import REPOSITORY, Bundle, BundleError, bundle, pins

FUNCTIONS = REPOSITORY / "lambda_src"
SHARED = "edge"
MODULE, CALLABLE = "handler", "handler"
RUNTIME = (3, 13)
NATIVE_IN_FUNCTIONS = (
    "Do without it, use the boto3 that Lambda brings along, or put it into a layer for arm64 "
    "(https://docs.aws.amazon.com/lambda/latest/dg/python-layers.html)."
)
UNCHECKED_HASH = (0b01).to_bytes(4, "little")  # PEP 552


def bundle_function(
    name: str,
    *,
    functions: Path = FUNCTIONS,
    bytecode: bool = False,
    cache: Path | None = None,
) -> Bundle:
    """The package of a function, whose handler is `<name>.handler.handler`.

    Raises BundleError with a remedy: no such folder or handler, a requirement that is missing,
    not pinned, native, or imports what is not listed; bytecode with another Python than 3.13.
    """
    folder = functions / name
    _check_handler(folder)
    requirements = folder / "requirements.txt"
    if not requirements.is_file():
        raise BundleError(
            f"lambda_src/{name}/requirements.txt is missing. Add it; a comment will do when the "
            "function needs nothing."
        )
    pinned = pins(requirements)
    for requirement in pinned:
        _check_imports(name, requirement, pinned)
    if bytecode and sys.version_info[:2] != RUNTIME:
        wanted = ".".join(map(str, RUNTIME))
        raise BundleError(
            f"functions.bytecode = true needs Python {wanted}, the functions' runtime, and this is "
            f"{sys.version.split()[0]}. Run: make clean, make PYTHON=python{wanted} ...; or set "
            "functions.bytecode to false."
        )
    return bundle(
        packages=[folder, functions / SHARED],
        distributions=list(pinned.items()),
        remedy=NATIVE_IN_FUNCTIONS,
        cache=cache,
        finish=add_bytecode if bytecode else None,
        finished=f"bytecode of {RUNTIME}" if bytecode else "",
    )


def handler_of(name: str) -> str:
    """What Lambda calls."""
    return f"{name}.{MODULE}.{CALLABLE}"


def add_bytecode(folder: Path) -> None:
    """Compile every module; the paths in tracebacks are those in Lambda."""
    for source in sorted(folder.rglob("*.py")):
        content = source.read_bytes()
        shown = f"/var/task/{source.relative_to(folder).as_posix()}"
        code = compile(content, shown, "exec", dont_inherit=True, optimize=0)
        target = Path(importlib.util.cache_from_source(str(source)))
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(
            importlib.util.MAGIC_NUMBER
            + UNCHECKED_HASH
            + importlib.util.source_hash(content)
            + marshal.dumps(code)
        )


def _check_handler(folder: Path) -> None:
    module = folder / f"{MODULE}.py"
    where = f"lambda_src/{folder.name}/{MODULE}.py"
    if not module.is_file():
        raise BundleError(f"{where} is missing. Write it, or correct the function's name.")
    for statement in ast.parse(module.read_bytes(), where).body:
        names = (
            [statement.name]
            if isinstance(statement, ast.FunctionDef)
            else [each.id for each in statement.targets if isinstance(each, ast.Name)]
            if isinstance(statement, ast.Assign)
            else []
        )
        if CALLABLE in names:
            return
    raise BundleError(f"{where} defines no {CALLABLE}. Add: {CALLABLE} = keep_warm(handle)")


def _check_imports(function: str, requirement: str, pinned: dict[str, str]) -> None:
    """Every requirement of a requirement is pinned too; those under a condition are optional."""
    try:
        found = requires(requirement) or []
    except PackageNotFoundError:
        return  # bundling says so with the remedy
    for line in found:
        needed, _, condition = line.partition(";")
        match = re.match(r"[A-Za-z0-9._-]+", needed)
        if match is None or condition:
            continue
        if re.sub(r"[-_.]+", "-", match.group().lower()) not in {
            re.sub(r"[-_.]+", "-", each) for each in pinned
        }:
            raise BundleError(
                f"lambda_src/{function}/requirements.txt: {requirement} needs {match.group()}, "
                "which is not listed. Pin it there too."
            )
