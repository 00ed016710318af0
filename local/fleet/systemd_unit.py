"""The part of a systemd service unit that decides how a program is started, stopped, restarted.

https://www.freedesktop.org/software/systemd/man/latest/systemd.service.html and
https://www.freedesktop.org/software/systemd/man/latest/systemd.kill.html . Directives that confine
the program (ProtectSystem and the like) are read past: docs/fidelity.md lists them as differences.
"""

from __future__ import annotations

import re
import shlex
import signal
from collections.abc import Mapping
from dataclasses import dataclass

SPANS = {"ms": 0.001, "s": 1.0, "sec": 1.0, "min": 60.0, "m": 60.0, "h": 3600.0, "": 1.0}
CLEAN_SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGPIPE)
KILL_MODES = ("control-group", "mixed", "process", "none")
RESTARTS = ("no", "always", "on-success", "on-failure", "on-abnormal", "on-abort")


class UnitError(ValueError):
    """A unit that cannot be played; names the directive and the remedy."""


@dataclass(frozen=True, kw_only=True)
class Unit:
    """A service unit. Times are seconds."""

    command: tuple[str, ...]
    environment: Mapping[str, str]
    environment_files: tuple[str, ...]
    working_directory: str
    output: str
    kill_mode: str
    kill_signal: int
    stop_seconds: float
    restart: str
    restart_seconds: float
    restart_prevented_by: frozenset[int]

    def restarts_after(self, status: int) -> bool:
        """Whether systemd starts the program again; a negative status is a signal's number."""
        if status in self.restart_prevented_by:
            return False
        clean = status == 0 or (status < 0 and -status in CLEAN_SIGNALS)
        return {
            "no": False,
            "always": True,
            "on-success": clean,
            "on-failure": not clean,
            "on-abnormal": not clean and status < 0,
            "on-abort": not clean and status < 0,
        }[self.restart]


def parse_unit(text: str) -> Unit:
    """Read the [Service] section. Raises UnitError."""
    service = _service_section(text)

    def last(name: str, default: str) -> str:
        values = service.get(name)
        return values[-1] if values else default

    if not service.get("ExecStart"):
        raise UnitError("the unit has no ExecStart; say which program to run")
    kill_mode = last("KillMode", "control-group")
    restart = last("Restart", "no")
    if kill_mode not in KILL_MODES:
        raise UnitError(f"KillMode={kill_mode} is unknown; use one of {', '.join(KILL_MODES)}")
    if restart not in RESTARTS:
        raise UnitError(f"Restart={restart} is not played here; use one of {', '.join(RESTARTS)}")
    environment: dict[str, str] = {}
    for line in service.get("Environment", ()):
        for assignment in shlex.split(line):
            name, _, value = assignment.partition("=")
            environment[name] = value
    return Unit(
        command=tuple(shlex.split(last("ExecStart", "").lstrip("-@:+!"))),
        environment=environment,
        environment_files=tuple(path.lstrip("-") for path in service.get("EnvironmentFile", ())),
        working_directory=last("WorkingDirectory", "/"),
        output=last("StandardOutput", "journal"),
        kill_mode=kill_mode,
        kill_signal=int(getattr(signal, last("KillSignal", "SIGTERM"))),
        stop_seconds=seconds(last("TimeoutStopSec", "90")),
        restart=restart,
        restart_seconds=seconds(last("RestartSec", "100ms")),
        restart_prevented_by=_statuses(service.get("RestartPreventExitStatus", [])),
    )


def seconds(span: str) -> float:
    """A time span of systemd, such as '105', '1min 30s' or 'infinity', in seconds."""
    if span == "infinity":
        return float("inf")
    total, rest = 0.0, span.strip()
    while rest:
        match = re.match(r"(\d+(?:\.\d+)?)\s*([a-z]*)\s*", rest)
        if match is None or match.group(2) not in SPANS:
            raise UnitError(f"{span!r} is not a time span of systemd, such as 105 or 1min 45s")
        total += float(match.group(1)) * SPANS[match.group(2)]
        rest = rest[match.end() :]
    return total


def _service_section(text: str) -> dict[str, list[str]]:
    section = ""
    found: dict[str, list[str]] = {}
    for line in text.replace("\\\n", " ").splitlines():
        stripped = line.strip()
        if not stripped or stripped[0] in "#;":
            continue
        if stripped.startswith("["):
            section = stripped.strip("[]")
        elif section == "Service":
            name, sign, value = stripped.partition("=")
            if not sign:
                raise UnitError(f"unit line {line!r} is not Directive=value")
            if value.strip():
                found.setdefault(name.strip(), []).append(value.strip())
            else:
                found[name.strip()] = []  # an empty value clears what was said before
    return found


def _statuses(lines: list[str]) -> frozenset[int]:
    found = set()
    for word in " ".join(lines).split():
        if word.isdigit():
            found.add(int(word))
        elif word.startswith("SIG"):
            found.add(-int(getattr(signal, word)))
        else:
            raise UnitError(f"RestartPreventExitStatus={word}: write a number or a signal's name")
    return frozenset(found)
