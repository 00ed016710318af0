"""Function URLs that stream: deployed programs on the Runtime API, asked over HTTP.

What a program does next, it does when the test says so over a connection of its own: pieces are
known to come one by one because the next one is only allowed when the one before has been read.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import json
import os
import socket
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from local.session import LocalAws

pytestmark = pytest.mark.xdist_group("local-aws")

LOOP = Path(__file__).parents[2] / "lambda_src" / "edge"
STACK = "function-urls"
PROGRAM = """
import json, os, socket

def stream(event, context, answer):
    asked = json.loads(event["body"])
    print("asked for", asked["do"], flush=True)
    told = socket.create_connection(("127.0.0.1", asked["port"])) if "port" in asked else None
    if asked["do"] == "fail":
        raise ValueError("no")
    if asked["do"] == "exit":
        os._exit(3)
    if asked["do"] == "hang":
        told.recv(1)
    answer.begin(201, {"content-type": "text/plain", "x-pid": str(os.getpid()),
                       "x-arn": context.invoked_function_arn})
    answer.write(b"first,")
    if asked["do"] == "fail within":
        raise ValueError("no more")
    if asked["do"] == "exit within":
        os._exit(3)
    if told:
        told.recv(1)
    answer.write(b"second")
    if told:
        told.sendall(b"done")
"""
FILES = {
    "program.py": PROGRAM,
    "wrapper": '#!/bin/sh\nexec "$1" -m edge.stream_loop program.stream\n',
    "bootstrap": f"#!{sys.executable}\nfrom edge import stream_loop\n"
    "stream_loop.main('program.stream')\n",
    "broken": '#!/bin/sh\nexec "$1" -m edge.stream_loop program.missing\n',
}
WRAPPED = {"AWS_LAMBDA_EXEC_WRAPPER": "/var/task/wrapper"}


def package() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, text in FILES.items():
            described = zipfile.ZipInfo(name)
            described.external_attr = 0o755 << 16
            archive.writestr(described, text)
        for name in ("__init__", "json_log", "stream_loop"):
            archive.write(LOOP / f"{name}.py", f"edge/{name}.py")
    return made.getvalue()


def function(runtime: str, seconds: int, **variables: str) -> dict[str, Any]:
    return {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "Runtime": runtime,
            "Handler": "program.stream",
            "Role": "arn:aws:iam::000000000000:role/any",
            "Timeout": seconds,
            "Code": {"S3Bucket": STACK, "S3Key": "package.zip"},
            "Environment": {"Variables": variables},
        },
    }


def url(name: str, **properties: str) -> dict[str, Any]:
    target = {"Fn::GetAtt": [name, "Arn"]}
    mode = {"AuthType": "NONE", "InvokeMode": "RESPONSE_STREAM"}
    return {
        "Type": "AWS::Lambda::Url",
        "Properties": {"TargetFunctionArn": target, **mode, **properties},
    }


RESOURCES = {
    "Patient": function("python3.13", 60, **WRAPPED),
    "PatientVersion": {
        "Type": "AWS::Lambda::Version",
        "Properties": {"FunctionName": {"Ref": "Patient"}},
    },
    "PatientAlias": {
        "Type": "AWS::Lambda::Alias",
        "Properties": {
            "FunctionName": {"Ref": "Patient"},
            "FunctionVersion": {"Fn::GetAtt": ["PatientVersion", "Version"]},
            "Name": "live",
        },
    },
    "PatientUrl": {**url("Patient", Qualifier="live"), "DependsOn": "PatientAlias"},
    "Hasty": function("python3.13", 2, **WRAPPED),
    "HastyUrl": url("Hasty", AuthType="AWS_IAM"),
    "Custom": function("provided.al2023", 60),
    "CustomUrl": url("Custom"),
    "Broken": function("python3.13", 60, AWS_LAMBDA_EXEC_WRAPPER="/var/task/broken"),
    "BrokenUrl": url("Broken"),
    "Layered": function("python3.13", 60, AWS_LAMBDA_EXEC_WRAPPER="/opt/wrapper"),
    "LayeredUrl": url("Layered"),
    "Plain": {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "Runtime": "python3.13",
            "Handler": "index.handler",
            "Role": "arn:aws:iam::000000000000:role/any",
            "Code": {
                "ZipFile": "def handler(event, context):\n"
                "    return {'statusCode': 200, 'body': event['rawPath']}\n"
            },
        },
    },
    "PlainUrl": url("Plain", InvokeMode="BUFFERED"),
}


def eventually(holds: Callable[[], Any]) -> Any:
    for _ in range(300):
        if found := holds():
            return found
        time.sleep(0.1)
    raise AssertionError("it does not come true")


class Deployed:
    """The stack's functions and their URLs."""

    def __init__(self, aws: LocalAws) -> None:
        self.aws = aws
        self.cloudformation = aws.client("cloudformation")
        self.outputs: dict[str, str] = {}

    def deploy(self) -> None:
        s3 = self.aws.client("s3")
        s3.create_bucket(
            Bucket=STACK, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
        )
        s3.put_object(Bucket=STACK, Key="package.zip", Body=package())
        names = [name for name in RESOURCES if not name.startswith("PatientA")]
        outputs = {
            name: {"Value": {"Fn::GetAtt": [name, "FunctionUrl"]}}
            if name.endswith("Url")
            else {"Value": {"Ref": name}}
            for name in names
        }
        template = json.dumps({"Resources": RESOURCES, "Outputs": outputs})
        self.cloudformation.create_stack(StackName=STACK, TemplateBody=template)
        self.cloudformation.get_waiter("stack_create_complete").wait(
            StackName=STACK, WaiterConfig={"Delay": 0.1, "MaxAttempts": 300}
        )
        self.outputs = self.aws.outputs(STACK)

    def delete(self) -> None:
        self.cloudformation.delete_stack(StackName=STACK)
        self.cloudformation.get_waiter("stack_delete_complete").wait(
            StackName=STACK, WaiterConfig={"Delay": 0.1, "MaxAttempts": 300}
        )

    def settle(self) -> None:
        """An answer is complete a little before its program asks for the next event."""
        eventually(lambda: self.aws.control("status")["function urls"]["busy"] == 0)

    @contextlib.contextmanager
    def ask(self, name: str, do: str, **more: Any) -> Iterator[http.client.HTTPResponse]:
        where = urlsplit(f"{self.outputs[f'{name}Url']}some/path")
        connection = http.client.HTTPConnection(where.netloc, timeout=60)
        headers = more.pop("headers", {})
        with contextlib.closing(connection):
            body = json.dumps({"do": do, **more})
            connection.request("POST", where.path, body, {"content-type": "text/plain", **headers})
            yield connection.getresponse()


@pytest.fixture(scope="module")
def deployed(aws: LocalAws) -> Iterator[Deployed]:
    made = Deployed(aws)
    made.deploy()
    yield made
    made.delete()


class Signals:
    """The test's end of connections that programs make."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self._server.settimeout(60)
        self.port: int = self._server.getsockname()[1]

    def program(self) -> socket.socket:
        connection, _ = self._server.accept()
        connection.settimeout(60)
        return connection

    def close(self) -> None:
        self._server.close()


@pytest.fixture
def signals() -> Iterator[Signals]:
    made = Signals()
    yield made
    made.close()


def gone(process: str | None) -> bool:
    try:
        os.kill(int(process or 0), 0)
    except ProcessLookupError:
        return True
    return False


def test_a_function_url_is_reached_on_this_machine(deployed: Deployed) -> None:
    assert deployed.outputs["PlainUrl"].startswith(deployed.aws.record().endpoint)
    with deployed.ask("Plain", "nothing") as answer:
        assert answer.read() == b"/some/path"


def test_pieces_arrive_as_they_are_made_with_status_and_headers(
    deployed: Deployed, signals: Signals
) -> None:
    with deployed.ask("Patient", "stream", port=signals.port) as answer:
        assert (answer.status, answer.headers["content-type"]) == (201, "text/plain")
        assert answer.headers["transfer-encoding"] == "chunked"
        assert answer.headers["x-arn"].endswith(":live")
        assert answer.headers["x-amzn-requestid"]
        with signals.program() as program:
            assert answer.read1() == b"first,"
            program.sendall(b".")  # only now may it go on
            assert answer.read() == b"second"


def test_a_copy_stays_for_the_next_request_and_a_second_one_runs_beside_it(
    deployed: Deployed, signals: Signals
) -> None:
    deployed.settle()
    with deployed.ask("Patient", "stream") as answer:
        first = answer.headers["x-pid"]
        assert answer.read() == b"first,second"
    deployed.settle()
    with deployed.ask("Patient", "stream", port=signals.port) as held:
        assert held.headers["x-pid"] == first
        with signals.program() as program, deployed.ask("Patient", "stream") as beside:
            assert beside.read() == b"first,second"
            assert beside.headers["x-pid"] != first
            program.sendall(b".")
            assert held.read() == b"first,second"


def test_a_client_that_hangs_up_does_not_stop_the_function(
    deployed: Deployed, signals: Signals
) -> None:
    with deployed.ask("Patient", "stream", port=signals.port) as answer:
        assert answer.read1() == b"first,"
        program = signals.program()
    with program:
        program.sendall(b".")
        assert program.recv(4) == b"done"


@pytest.mark.parametrize("do", ["fail", "exit"])
def test_an_error_before_the_first_byte_is_a_bad_gateway(deployed: Deployed, do: str) -> None:
    with deployed.ask("Patient", do) as answer:
        assert (answer.status, answer.read()) == (502, b"Internal Server Error")
    with deployed.ask("Patient", "stream") as answer:
        assert answer.read() == b"first,second"


@pytest.mark.parametrize("do", ["fail within", "exit within"])
def test_an_error_after_the_first_byte_breaks_the_answer_off(deployed: Deployed, do: str) -> None:
    with deployed.ask("Patient", do) as answer:
        assert answer.status == 201
        with pytest.raises(http.client.IncompleteRead) as broken:
            answer.read()
        assert broken.value.partial == b"first,"
    with deployed.ask("Patient", "stream") as answer:
        assert answer.read() == b"first,second"


SIGNED = {"authorization": "AWS4-HMAC-SHA256 Credential=k/20260101/eu-west-1/lambda/aws4_request"}


def test_a_function_that_takes_too_long_is_ended(deployed: Deployed, signals: Signals) -> None:
    with deployed.ask("Hasty", "hang", port=signals.port, headers=SIGNED) as answer:
        assert (answer.status, answer.read()) == (502, b"Internal Server Error")
    with signals.program() as program:
        assert program.recv(1) == b""  # its end of the connection is gone with it
    with deployed.ask("Hasty", "stream", port=signals.port, headers=SIGNED) as answer:
        assert answer.status == 201
        with pytest.raises(http.client.IncompleteRead):
            answer.read()
    with signals.program() as program:
        assert program.recv(1) == b""


def test_a_request_without_a_signature_is_refused(deployed: Deployed) -> None:
    with deployed.ask("Hasty", "stream") as answer:
        assert answer.status == 403


def test_a_package_may_bring_a_runtime_of_its_own(deployed: Deployed) -> None:
    with deployed.ask("Custom", "stream") as answer:
        assert (answer.status, answer.read()) == (201, b"first,second")


def lines(aws: LocalAws, name: str) -> list[str]:
    group = {"logGroupName": f"/aws/lambda/{name}"}
    logs = aws.client("logs")
    with contextlib.suppress(logs.exceptions.ResourceNotFoundException):
        return [each["message"] for each in logs.filter_log_events(**group)["events"]]
    return []


@pytest.mark.parametrize(
    ("name", "said"),
    [("Broken", "has no attribute 'missing'"), ("Layered", "/opt/wrapper is no executable file")],
)
def test_a_program_that_does_not_start_is_a_bad_gateway_and_says_why(
    deployed: Deployed, name: str, said: str
) -> None:
    with deployed.ask(name, "stream") as answer:
        assert (answer.status, answer.read()) == (502, b"Internal Server Error")
    assert said in "\n".join(lines(deployed.aws, deployed.outputs[name]))


def invocations(aws: LocalAws, name: str) -> float:
    answer = aws.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/Lambda",
        MetricName="Invocations",
        Dimensions=[{"Name": "FunctionName", "Value": name}],
        StartTime=time.time() - 600,
        EndTime=time.time() + 60,
        Period=60,
        Statistics=["Sum"],
    )
    return float(sum(each["Sum"] for each in answer["Datapoints"]))


def test_what_a_program_prints_is_logged_and_its_invocation_counted(deployed: Deployed) -> None:
    with deployed.ask("Custom", "stream") as answer:
        answer.read()
    name = deployed.outputs["Custom"]
    said = eventually(lambda: lines(deployed.aws, name))
    assert "asked for stream" in said
    assert any(each.startswith("REPORT") for each in said)
    eventually(lambda: invocations(deployed.aws, name))


def test_a_program_ends_when_its_function_changes(deployed: Deployed) -> None:
    with deployed.ask("Custom", "stream") as answer:
        process = answer.headers["x-pid"]
        answer.read()
    assert not gone(process)
    deployed.aws.client("lambda").update_function_configuration(
        FunctionName=deployed.outputs["Custom"], MemorySize=256
    )
    assert eventually(lambda: gone(process))
