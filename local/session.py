"""Start, ask and stop a local AWS; the command line, the tests and the demo all come through here.

with LocalAws(state=folder, time_scale=10) as aws:
    aws.cdk("deploy", "--all", "-c", "stage=dev")
    aws.client("sqs").list_queues()
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from local import cdk
from local.control import PREFIX
from local.engine_config import DEFAULT_REGION, EngineConfig, EngineConfigError
from local.engine_parts import ControlError
from local.state_folder import EngineRecord, StateFolder, StateFolderError, state_folder

REPOSITORY = Path(__file__).resolve().parent.parent
ACCOUNT = "000000000000"
START_SECONDS = 60.0
STOP_SECONDS = 30.0
KILL_SECONDS = 5.0
POLL_SECONDS = 0.05


class LocalAwsError(RuntimeError):
    """The local AWS does not do what was asked; the message says why and what to do."""


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What a new engine should be like. Port 0 means any free one; no region: AWS_REGION."""

    port: int = 0
    region: str | None = None
    time_scale: float = 1.0
    vcpus: int = 1
    account: str = ACCOUNT

    def options(self) -> dict[str, Any]:
        """The fields of EngineConfig. Raises EngineConfigError before a process is started."""
        options: dict[str, Any] = {
            "port": self.port,
            "region": self.region or os.environ.get("AWS_REGION") or DEFAULT_REGION,
            "time_scale": self.time_scale,
            "vcpus": self.vcpus,
            "account": self.account,
        }
        EngineConfig(**{**options, "port": self.port or 1, "state_directory": Path()})
        return options

    def differences(self, record: EngineRecord) -> list[str]:
        """How a live engine differs from what is wished."""
        wished = self.options()
        if not self.port:
            wished["port"] = record.port
        if self.region is None and "AWS_REGION" not in os.environ:
            wished["region"] = record.region
        return [
            f"{name.replace('_', ' ')} {getattr(record, name)} (wanted {value})"
            for name, value in wished.items()
            if getattr(record, name) != value
        ]


class LocalAws:
    """One local AWS, in one state folder.

    As a context manager it ends with the block, and with this process however that ends; an engine
    that was up before the block stays up.
    """

    def __init__(
        self,
        *,
        state: str | Path | None = None,
        port: int = 0,
        region: str | None = None,
        time_scale: float = 1.0,
        vcpus: int = 1,
        account: str = ACCOUNT,
    ) -> None:
        self.folder: StateFolder = state_folder(state, os.environ)
        self.wish = Wish(
            port=port, region=region, time_scale=time_scale, vcpus=vcpus, account=account
        )
        self._owned: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> LocalAws:
        self.up(bound=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._owned is not None:
            self.down()

    # The engine

    def up(self, *, bound: bool = False) -> EngineRecord:
        """Start the engine unless it is up, and wait until it is healthy.

        A `bound` engine ends with this process. Raises LocalAwsError, StateFolderError,
        EngineConfigError.
        """
        options = {**self.wish.options(), "bound": bound}
        self.folder.prepare()
        with self.folder.starting():
            record = self._healthy()
            if record is not None:
                different = self.wish.differences(record)
                if different:
                    raise LocalAwsError(
                        f"the local AWS in {self.folder.path} is up already, with "
                        f"{', '.join(different)}. Run: python -m local reset, with the same options"
                    )
                return record
            return self._start(options, bound=bound)

    def down(self) -> bool:
        """End the engine and everything it started; whether there was one."""
        if not self.folder.known:
            return False
        with self.folder.starting():
            return self._stop()

    def reset(self) -> EngineRecord:
        """End the engine, forget everything, start again."""
        self.down()
        if self.folder.known:
            shutil.rmtree(self.folder.path)
        return self.up()

    def record(self) -> EngineRecord:
        """The live engine's record. Raises LocalAwsError when there is none."""
        record = self.folder.alive()
        if record is None:
            raise LocalAwsError(
                f"no local AWS is up in {self.folder.path}. Run: python -m local up"
            )
        return record

    # What it is asked

    @property
    def endpoint(self) -> str:
        """The URL for AWS_ENDPOINT_URL."""
        return self.record().endpoint

    def environment(self) -> dict[str, str]:
        """What an AWS client needs in its environment to talk to this engine alone."""
        return cdk.client_environment(self.record(), home=self.folder.path)

    def client(self, service: str, *, parameter_validation: bool = True) -> Any:
        """A boto3 client for a service of this engine; without validation it sends what the SDK
        would refuse, so that the service's own checks are met.
        """
        import boto3
        from botocore.config import Config

        record = self.record()
        return boto3.session.Session().client(
            service,
            endpoint_url=record.endpoint,
            region_name=record.region,
            aws_access_key_id=cdk.ACCESS_KEY,
            aws_secret_access_key=cdk.SECRET_KEY,
            config=Config(
                proxies={},
                s3={"addressing_style": "path"},
                parameter_validation=parameter_validation,
            ),
        )

    def control(self, name: str, **request: Any) -> dict[str, Any]:
        """Call one of the engine's own controls. Raises ControlError when it refuses."""
        return call(self.record().endpoint, name, request)

    def outputs(self, stack: str) -> dict[str, str]:
        """The outputs of a deployed stack."""
        found = self.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
        return {each["OutputKey"]: each["OutputValue"] for each in found.get("Outputs", [])}

    def cdk(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run the CDK CLI and keep its output. Raises LocalAwsError when it fails and `check`."""
        outcome = self._cdk(arguments, capture=True)
        if check and outcome.returncode:
            raise LocalAwsError(
                f"cdk {' '.join(arguments)} ended with {outcome.returncode}:\n"
                f"{outcome.stdout[-4000:]}{outcome.stderr[-8000:]}"
            )
        return outcome

    def cdk_in_terminal(self, *arguments: str) -> int:
        """Run the CDK CLI with this process's own output; returns its exit status."""
        return self._cdk(arguments, capture=False).returncode

    def _cdk(
        self, arguments: tuple[str, ...], *, capture: bool
    ) -> subprocess.CompletedProcess[str]:
        record = self.record()
        if cdk.needs_bootstrap(arguments) and not self._bootstrapped():
            outcome = self._run_cdk(record, ("bootstrap",), capture=capture)
            if outcome.returncode:
                return outcome
        return self._run_cdk(record, arguments, capture=capture)

    def _run_cdk(
        self, record: EngineRecord, arguments: tuple[str, ...], *, capture: bool
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            cdk.command(record, arguments, output=self.folder.cdk_output),
            cwd=REPOSITORY,
            env=cdk.cli_environment(record, self.folder),
            capture_output=capture,
            text=True,
            check=False,
        )

    def _bootstrapped(self) -> bool:
        return str(self.control("status")["stacks"].get("CDKToolkit", "")).endswith("_COMPLETE")

    # Processes

    def _healthy(self) -> EngineRecord | None:
        """The live engine once it answers; waits for one that another process is starting."""
        deadline = time.monotonic() + START_SECONDS
        while self.folder.locked():
            record = self.folder.alive()
            if record is not None and _answers(record.endpoint):
                return record
            if time.monotonic() > deadline:
                raise LocalAwsError(
                    f"the engine in {self.folder.path} does not answer. Run: python -m local down"
                )
            time.sleep(POLL_SECONDS)
        self.folder.withdraw()
        return None

    def _start(self, options: Mapping[str, Any], *, bound: bool) -> EngineRecord:
        with self.folder.log.open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "local.engine", str(self.folder.path), json.dumps(options)],
                cwd=REPOSITORY,
                stdin=subprocess.PIPE if bound else subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            record = self._await_start(process)
        except BaseException:
            process.kill()
            process.wait()
            raise
        if bound:
            self._owned = process
        return record

    def _await_start(self, process: subprocess.Popen[bytes]) -> EngineRecord:
        deadline = time.monotonic() + START_SECONDS
        while process.poll() is None:
            record = self.folder.alive()
            if record is not None and record.pid == process.pid and _answers(record.endpoint):
                return record
            if time.monotonic() > deadline:
                raise LocalAwsError(
                    f"the engine did not come up in {START_SECONDS:g} s; read {self.folder.log}"
                )
            time.sleep(POLL_SECONDS)
        raise LocalAwsError(_reason(self.folder.log))

    def _stop(self) -> bool:
        if not self.folder.locked():
            self.folder.withdraw()
            return False
        record = self.folder.alive()
        if record is None:
            raise LocalAwsError(
                f"a process holds {self.folder.path} but has not said which; try again in a moment"
            )
        for number, seconds in ((signal.SIGTERM, STOP_SECONDS), (signal.SIGKILL, KILL_SECONDS)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(record.pid, number)
            if self._ended(seconds):
                break
        else:
            raise LocalAwsError(f"engine {record.pid} cannot be ended; read {self.folder.log}")
        self.folder.withdraw()
        if self._owned is not None:
            with contextlib.suppress(OSError):
                _close(self._owned.stdin)
            self._owned.wait()
            self._owned = None
        return True

    def _ended(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while self.folder.locked():
            if time.monotonic() > deadline:
                return False
            time.sleep(POLL_SECONDS)
        return True


def call(endpoint: str, name: str, request: Mapping[str, Any]) -> dict[str, Any]:
    """POST a control request. Raises ControlError with the engine's own words."""
    question = urllib.request.Request(
        f"{endpoint}{PREFIX}{name}", data=json.dumps(request).encode(), method="POST"
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(question, timeout=30) as response:
            answer: dict[str, Any] = json.loads(response.read())
            return answer
    except urllib.error.HTTPError as error:
        raise ControlError(json.loads(error.read())["error"]) from None


@contextlib.contextmanager
def readable_errors() -> Iterator[None]:
    """Turn what can go wrong on the way to an engine into one line and exit status 1."""
    try:
        yield
    except (LocalAwsError, StateFolderError, EngineConfigError, ControlError) as error:
        sys.exit(f"error: {error}")
    except OSError as error:
        sys.exit(f"error: {error}. Is the local AWS up? python -m local status")


def _answers(endpoint: str) -> bool:
    try:
        call(endpoint, "status", {})
    except (OSError, ControlError):
        return False
    return True


def _close(stream: IO[bytes] | None) -> None:
    if stream is not None:
        stream.close()


def _reason(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    said = [line for line in lines if line.startswith("error: ")]
    if said:
        return said[-1].removeprefix("error: ")
    return f"the engine ended at once; {log} ends with: {lines[-1] if lines else 'nothing'}"
