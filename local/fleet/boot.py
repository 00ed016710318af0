"""`python -m local.fleet.boot`: one instance, from power-on to power-off.

Does what user data and systemd do on Amazon Linux with what was deployed. Reads its specification
as one line of JSON from standard input, then commands: `stop` (an orderly shutdown). The end of
standard input means that whoever started the instance is gone: everything is ended at once, so a
killed engine leaves no workers behind. Reports as lines of JSON on standard output.

/usr/bin/python3.* becomes the interpreter that runs the local AWS, without its installed packages:
what the program imports has to be in the asset, as in the account.
"""

from __future__ import annotations

import json
import os
import re
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.fleet.log_shipping import LogShipper
from local.fleet.program import ProgramError, unpack_program
from local.fleet.service_process import ServiceProcess
from local.fleet.systemd_unit import Unit, UnitError, parse_unit
from local.fleet.user_data import UserData, UserDataError, parse_environment, parse_user_data

APP = "/opt/groundwork/app"
ENVIRONMENT_FILE = "/etc/groundwork/worker.env"
PYTHON = re.compile(r"^/usr/bin/python3(\.\d+)?$")
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, kw_only=True)
class Specification:
    """What the engine tells a new instance."""

    instance_id: str
    directory: str
    cache: str
    endpoint: str
    metadata_endpoint: str
    region: str
    vcpus: int
    user_data: str


def report(kind: str, **content: Any) -> None:
    """Tell the engine; when it is gone, nobody listens and that is fine."""
    try:
        sys.stdout.write(json.dumps({"kind": kind, **content}) + "\n")
        sys.stdout.flush()
    except (BrokenPipeError, ValueError):
        return


class Boot:
    """The instance's files and its service."""

    def __init__(self, specification: Specification) -> None:
        self._specification = specification
        self._directory = Path(specification.directory)
        self._data: UserData = parse_user_data(specification.user_data)
        self._unit: Unit = parse_unit(self._data.unit)
        self._paths: list[tuple[str, str]] = []

    def service(self) -> ServiceProcess:
        """Install the program and prepare the service. Raises ProgramError, UnitError."""
        program = unpack_program(
            endpoint=self._specification.endpoint,
            bucket=self._data.bucket,
            key=self._data.key,
            cache=Path(self._specification.cache),
        )
        for name in ("etc", "tmp", "log"):
            (self._directory / name).mkdir(parents=True, exist_ok=True)
        environment_file = self._directory / "etc" / Path(ENVIRONMENT_FILE).name
        environment_file.write_text(
            "".join(f"{name}={value}\n" for name, value in self._data.environment.items())
        )
        self._paths = [(APP, str(program)), (ENVIRONMENT_FILE, str(environment_file))]
        interpreter, *arguments = self._unit.command
        if PYTHON.match(interpreter):
            interpreter = str(getattr(sys, "_base_executable", sys.executable))
        return ServiceProcess(
            self._unit,
            command=[interpreter, *map(self._local, arguments)],
            environment=self._environment(),
            directory=Path(self._local(self._unit.working_directory)),
            output=self.local_log(self._unit.output.partition(":")[2] or "/var/log/service.log"),
            report=lambda kind, number: report(kind, number=number),
        )

    def shippers(self) -> list[LogShipper]:
        """One per log file that the CloudWatch agent would ship."""
        return [
            LogShipper(
                self.local_log(shipped.path),
                endpoint=self._specification.endpoint,
                region=self._specification.region,
                log_group=shipped.log_group,
                log_stream=shipped.log_stream.replace(
                    "{instance_id}", self._specification.instance_id
                ),
                interval_seconds=self._data.flush_seconds,
            )
            for shipped in self._data.shipped
        ]

    def local_log(self, path: str) -> Path:
        """Where a log file of the instance lies locally."""
        return self._directory / "log" / Path(path).name

    def _local(self, text: str) -> str:
        for there, here in self._paths:
            text = text.replace(there, here)
        return text

    def _environment(self) -> Mapping[str, str]:
        environment = {
            "PATH": PATH,
            "LANG": "C.UTF-8",
            "HOME": str(self._directory),
            "TMPDIR": str(self._directory / "tmp"),
            "PYTHONNOUSERSITE": "1",
        }
        environment |= {name: self._local(text) for name, text in self._unit.environment.items()}
        for path in self._unit.environment_files:
            environment |= parse_environment(Path(self._local(path)).read_text())
        environment |= {
            "AWS_ENDPOINT_URL": self._specification.endpoint,
            "AWS_EC2_METADATA_SERVICE_ENDPOINT": self._specification.metadata_endpoint,
            "WORKER_VCPUS": str(self._specification.vcpus),
        }
        return environment


def _obey(service: ServiceProcess, stopped: threading.Event) -> None:
    for line in sys.stdin:
        if line.strip() == "stop":
            service.stop()
            stopped.set()
            return
    service.kill()
    os._exit(1)


def main() -> int:
    """Run the instance; the exit status is 1 when its set-up failed, as after `shutdown -h now`."""
    specification = Specification(**json.loads(sys.stdin.readline()))
    try:
        boot = Boot(specification)
        service = boot.service()
    except (ProgramError, UserDataError, UnitError, OSError) as error:
        report("set-up-failed", reason=str(error))
        return 1
    stopped = threading.Event()
    threading.Thread(target=_obey, args=(service, stopped), name="power", daemon=True).start()
    shippers = boot.shippers()
    for shipper in shippers:
        shipper.start()
    service.run()
    stopped.wait()
    for shipper in shippers:
        shipper.finish()
    return 0


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    os._exit(status)
