"""APPSYNC_JS is a small part of JavaScript: AWS's plugin for eslint judges every resolver.

It does not see everything, such as functions that the runtime lacks; the types of AWS's package do,
and so does running the resolvers where nothing but the language is (test_resolvers.py).
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from stacks.appsync_source import SOURCE, read_models
from tests.offline.node import MODULES, needs_node_modules, node

pytestmark = [needs_node_modules, pytest.mark.xdist_group("appsync-js")]

# https://docs.aws.amazon.com/appsync/latest/devguide/resolver-reference-overview-js.html
LARGEST_CODE = 32_000
BAD = {
    "no-async": "export async function request(ctx) { return {}; }",
    "no-try": "export function request(ctx) { try { return {}; } catch (e) { return null; } }",
    "no-while": "export function request(ctx) { while (ctx.args.x) { return {}; } }",
    "no-for": "export function request(ctx) { for (let i = 0; i < 2; i += 1) {} }",
    "no-classes": "class A {}\nexport function request(ctx) { return {}; }",
    "no-regex": "export function request(ctx) { return ctx.args.x.match(/a/); }",
    "no-this": "export function request(ctx) { return this.x; }",
    "no-recursion": "export function request(ctx) { return request(ctx); }",
    "no-disallowed-unary-operators": "export function request(ctx) { let i = 0; i++; return i; }",
}


def folder(target: Path) -> Path:
    """A folder with the settings of both judges."""
    for name in ("eslint.config.mjs", "tsconfig.json"):
        shutil.copy(SOURCE / name, target / name)
    (target / "node_modules").symlink_to(MODULES)
    return target


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every code that is deployed, each in a file of its own."""
    target = folder(tmp_path_factory.mktemp("deployed"))
    for path in (SOURCE / "functions").glob("*.js"):
        shutil.copy(path, target / path.name)
    for model in read_models():
        for resolver in model.resolvers:
            (target / f"{resolver.type_name}.{resolver.field}.js").write_text(resolver.code)
    return target


def linted(target: Path) -> dict[str, set[str]]:
    """File -> rules that it breaks, for every file that was looked at."""
    eslint = str(MODULES / "eslint" / "bin" / "eslint.js")
    outcome = node([eslint, "--format", "json", "."], cwd=target)
    assert outcome.stdout, outcome.stderr
    return {
        Path(each["filePath"]).name: {
            str(message["ruleId"] or message["message"]) for message in each["messages"]
        }
        for each in json.loads(outcome.stdout)
    }


def test_the_plugin_finds_nothing_in_what_is_deployed(deployed: Path) -> None:
    found = linted(deployed)
    assert {name for name, rules in found.items() if rules} == set(), found
    assert len(found) > 40
    assert set(found) == {path.name for path in deployed.glob("*.js")}


def test_the_plugin_can_find(tmp_path: Path) -> None:
    target = folder(tmp_path)
    for rule, code in BAD.items():
        (target / f"{rule}.js").write_text(code + "\n")
    found = linted(target)
    for rule in BAD:
        assert f"@aws-appsync/{rule}" in found[f"{rule}.js"], found[f"{rule}.js"]


def test_what_is_called_is_in_awss_types(deployed: Path, tmp_path: Path) -> None:
    compiler = str(MODULES / "typescript" / "bin" / "tsc")
    outcome = node(
        [compiler, "--project", ".", "--checkJs", "--noImplicitAny", "false"], cwd=deployed
    )
    assert outcome.stdout == ""
    assert outcome.returncode == 0
    target = folder(tmp_path)
    (target / "bad.js").write_text(
        "import { util } from '@aws-appsync/utils';\n"
        "export function request() { return util.now(fetch('x')); }\n"
    )
    outcome = node([compiler, "--project", ".", "--checkJs"], cwd=target)
    assert "'now' does not exist" in outcome.stdout
    assert "Cannot find name 'fetch'" in outcome.stdout


def test_no_code_is_too_large() -> None:
    for model in read_models():
        for resolver in model.resolvers:
            assert len(resolver.code.encode()) < LARGEST_CODE
