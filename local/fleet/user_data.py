"""Read an instance's user data: what to install, the worker's environment, unit and log file.

The script is not executed: packages, users and the CloudWatch agent belong to Amazon Linux. What
decides how the worker runs is taken from its text, as deployed: the two here-documents, the asset
in S3 and the log file that the agent ships.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

ASSET = re.compile(r"^aws s3 cp s3://([^/\s]+)/(\S+) \S+$", re.MULTILINE)
AGENT = re.compile(r"'(\{[^\n]*\"logs_collected\"[^\n]*\})'")


class UserDataError(ValueError):
    """User data that lacks what the local fleet needs; names the missing part."""


@dataclass(frozen=True, kw_only=True)
class ShippedFile:
    """A log file that the CloudWatch agent sends to a log group."""

    path: str
    log_group: str
    log_stream: str


@dataclass(frozen=True, kw_only=True)
class UserData:
    """What the script sets up."""

    bucket: str
    key: str
    environment: dict[str, str]
    unit: str
    shipped: tuple[ShippedFile, ...]
    flush_seconds: float


def parse_user_data(script: str) -> UserData:
    """Find the parts. Raises UserDataError."""
    asset = ASSET.search(script)
    if asset is None:
        raise UserDataError(
            "user data has no line 'aws s3 cp s3://<bucket>/<key> <file>' that fetches the program"
        )
    shipped, flush_seconds = _shipped(script)
    return UserData(
        bucket=asset.group(1),
        key=asset.group(2),
        environment=parse_environment(_here_document(script, "GROUNDWORK_ENV")),
        unit=_here_document(script, "GROUNDWORK_UNIT"),
        shipped=shipped,
        flush_seconds=flush_seconds,
    )


def parse_environment(text: str) -> dict[str, str]:
    """KEY=VALUE lines as systemd's EnvironmentFile takes them: comments, quotes around a value.

    https://www.freedesktop.org/software/systemd/man/latest/systemd.exec.html#EnvironmentFile=
    """
    environment = {}
    for line in text.splitlines():
        stripped = line.strip()
        if not stripped or stripped[0] in "#;":
            continue
        name, sign, value = stripped.partition("=")
        if not sign:
            raise UserDataError(f"environment line {line!r} is not KEY=VALUE")
        if len(value) >= 2 and value[0] == value[-1] and value[0] in "'\"":
            value = value[1:-1]
        environment[name] = value
    return environment


def _here_document(script: str, end: str) -> str:
    match = re.search(rf"<<'{end}'\n(.*?)\n{end}$", script, re.DOTALL | re.MULTILINE)
    if match is None:
        raise UserDataError(f"user data has no here-document that ends in {end}")
    return match.group(1)


def _shipped(script: str) -> tuple[tuple[ShippedFile, ...], float]:
    match = AGENT.search(script)
    if match is None:
        return (), 5.0
    logs = json.loads(match.group(1))["logs"]
    files = tuple(
        ShippedFile(
            path=each["file_path"],
            log_group=each["log_group_name"],
            log_stream=each.get("log_stream_name", "{instance_id}"),
        )
        for each in logs["logs_collected"]["files"]["collect_list"]
    )
    return files, float(logs.get("force_flush_interval", 5))
