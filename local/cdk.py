"""The real CDK CLI, aimed at an engine: command line and environment.

The CLI is kept away from the user's own account and settings: credentials that only the engine
accepts, no configuration files, a home of its own inside the state folder. The home matters: the
CLI remembers account ids per access key in ~/.cdk/cache and would mix up engines.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from local.state_folder import EngineRecord, StateFolder

ACCESS_KEY = "groundwork-local"
SECRET_KEY = "groundwork-local"
NEED_BOOTSTRAP = frozenset({"deploy", "import", "publish-assets", "watch", "refactor"})
READ_APP = frozenset(
    {"deploy", "destroy", "diff", "list", "ls", "synth", "synthesize", "metadata", "import"}
)
# Per command, the options that are the default here and what else spells each of them.
DEFAULTS: Mapping[str, Sequence[tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "deploy": (
        (("--require-approval",), ("--require-approval", "never")),
        (("--progress",), ("--progress", "events")),
    ),
    "destroy": ((("--force", "-f", "--no-force"), ("--force",)),),
}
# Variables of the caller that would lead a client to another account or through a proxy.
LEFT_OUT = ("AWS_", "CDK_DEFAULT_", "CDK_CONTEXT_JSON", "CDK_OUTDIR")
PROXIES = ("http_proxy", "https_proxy", "all_proxy")


def client_environment(record: EngineRecord, *, home: Path) -> dict[str, str]:
    """The caller's environment without its AWS settings, with those of the engine."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(LEFT_OUT) and name.lower() not in PROXIES
    }
    return environment | {
        "AWS_ENDPOINT_URL": record.endpoint,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_REGION": record.region,
        "AWS_DEFAULT_REGION": record.region,
        "AWS_CONFIG_FILE": str(home / "no-aws-config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(home / "no-aws-credentials"),
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def cli_environment(record: EngineRecord, folder: StateFolder) -> dict[str, str]:
    """The same for the CDK CLI and the app it starts; the interpreter's own tools come first."""
    tools = str(Path(sys.executable).parent)
    return client_environment(record, home=folder.path) | {
        "PATH": os.pathsep.join([tools, os.environ.get("PATH", "")]),
        "CDK_HOME": str(folder.cdk_home),
        "CDK_VALIDATION": "false",
        "CDK_DISABLE_CLI_TELEMETRY": "true",
        "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "1",
    }


def command(record: EngineRecord, arguments: Sequence[str], *, output: Path) -> list[str]:
    """The command line, with what suits an engine unless the caller says otherwise."""
    line = ["cdk", "--no-notices", *arguments]
    verb = arguments[0] if arguments else ""
    if verb == "bootstrap" and not any(each.startswith("aws://") for each in arguments):
        line.append(f"aws://{record.account}/{record.region}")
        line += ["--app", ""] if not _says(arguments, ("--app", "-a")) else []
    if verb in READ_APP and not _says(arguments, ("--output", "-o", "--app", "-a")):
        line += ["--output", str(output)]
    for spellings, default in DEFAULTS.get(verb, ()):
        if not _says(arguments, spellings):
            line += default
    return line


def needs_bootstrap(arguments: Sequence[str]) -> bool:
    """Whether the command uploads assets."""
    return bool(arguments) and arguments[0] in NEED_BOOTSTRAP


def _says(arguments: Sequence[str], spellings: tuple[str, ...]) -> bool:
    return any(each.split("=")[0] in spellings for each in arguments)
