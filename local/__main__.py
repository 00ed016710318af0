"""`python -m local up | status | down | reset | cdk ARGS`."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Mapping

from local.cdk import ACCESS_KEY, SECRET_KEY
from local.session import LocalAws, readable_errors
from local.state_folder import VARIABLE, EngineRecord


def main(arguments: list[str]) -> int:
    """Run one command; the exit status."""
    chosen, rest = _parser().parse_known_args(arguments)
    if rest and chosen.command != "cdk":
        _parser().error(f"unknown arguments: {' '.join(rest)}")
    with readable_errors():
        aws = LocalAws(
            state=chosen.state,
            port=getattr(chosen, "port", 0),
            region=getattr(chosen, "region", None),
            time_scale=getattr(chosen, "time_scale", 1.0),
            vcpus=getattr(chosen, "vcpus", 1),
        )
        return COMMANDS[chosen.command](aws, chosen)
    return 1


def _up(aws: LocalAws, _chosen: argparse.Namespace) -> int:
    _explain(aws, aws.up())
    return 0


def _down(aws: LocalAws, _chosen: argparse.Namespace) -> int:
    ended = aws.down()
    print("the local AWS is down" if ended else f"nothing was up in {aws.folder.path}")
    return 0


def _reset(aws: LocalAws, _chosen: argparse.Namespace) -> int:
    _explain(aws, aws.reset())
    return 0


def _status(aws: LocalAws, _chosen: argparse.Namespace) -> int:
    record = aws.folder.alive()
    if record is None:
        print(f"down ({aws.folder.path}). Start it: python -m local up")
        return 1
    _explain(aws, record)
    status = aws.control("status")
    stacks = status.pop("stacks")
    print("stacks" if stacks else "no stacks yet: make deploy LOCAL=1")
    for name, state in sorted(stacks.items()):
        print(f"  {name:<32} {state}")
    for name, content in status.items():
        print(name)
        _show(content, indent=2)
    return 0


def _cdk(aws: LocalAws, chosen: argparse.Namespace) -> int:
    if aws.folder.alive() is None:
        _explain(aws, aws.up())
    return aws.cdk_in_terminal(*chosen.arguments)


def _show(content: object, *, indent: int) -> None:
    if not isinstance(content, Mapping):
        print(f"{' ' * indent}{content}")
        return
    for name, value in content.items():
        if isinstance(value, Mapping):
            print(f"{' ' * indent}{name}")
            _show(value, indent=indent + 2)
        else:
            print(f"{' ' * indent}{name:<32} {value}")


def _explain(aws: LocalAws, record: EngineRecord) -> None:
    speed = "" if record.time_scale == 1 else f", time runs {record.time_scale:g} times as fast"
    minutes = (time.time() - record.started) / 60
    print(
        f"local AWS up at {record.endpoint} (account {record.account}, region {record.region}, "
        f"process {record.pid}, for {minutes:.0f} min{speed})\n"
        f"  deploy  make deploy LOCAL=1\n"
        f"  use     AWS_ENDPOINT_URL={record.endpoint} AWS_ACCESS_KEY_ID={ACCESS_KEY} "
        f"AWS_SECRET_ACCESS_KEY={SECRET_KEY} AWS_REGION={record.region} aws sqs list-queues\n"
        f"  web     {aws.control('status')['web app']['address']}\n"
        f"  log     {aws.folder.log}"
    )


COMMANDS: Mapping[str, Callable[[LocalAws, argparse.Namespace], int]] = {
    "up": _up,
    "status": _status,
    "down": _down,
    "reset": _reset,
    "cdk": _cdk,
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local", description="The local AWS.")
    parser.add_argument("--state", help=f"folder of its state (default: ${VARIABLE}, or .local)")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, text in (
        ("up", "start it in the background, on loopback only"),
        ("reset", "end it, forget everything, start again"),
    ):
        starter = commands.add_parser(name, help=text)
        starter.add_argument("--port", type=int, default=0, help="default: any free one")
        starter.add_argument("--region", help="default: $AWS_REGION, or eu-west-1")
        starter.add_argument(
            "--time-scale",
            type=float,
            default=1.0,
            help="AWS seconds that pass in one second, for metrics and scaling (default: 1)",
        )
        starter.add_argument(
            "--vcpus", type=int, default=1, help="vCPUs that each instance has (default: 1)"
        )
    commands.add_parser("status", help="what runs: the engine, stacks, the fleet")
    commands.add_parser("down", help="end everything that up started")
    cdk = commands.add_parser("cdk", help="run the CDK CLI against it", add_help=False)
    cdk.add_argument("arguments", nargs=argparse.REMAINDER, metavar="ARGS")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
