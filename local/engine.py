"""The engine's process: MiniStack with our tables, the control door and the fleet beside it.

`python -m local.engine FOLDER OPTIONS` is what `python -m local up` starts in the background. It
binds the port itself before anything reads the configuration, so that a free port cannot be lost
to somebody else between choosing and binding it.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import json
import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from local.asgi import Asgi
from local.control import ControlDoor
from local.engine_config import HOST, EngineConfig, EngineConfigError
from local.engine_contract import ContractError, check
from local.engine_parts import Fronted, Part
from local.hang_up import HangUps
from local.http_server import http_server
from local.state_folder import EngineRecord, StateFolder, StateFolderError

logger = logging.getLogger("groundwork.engine")


def serve(folder: StateFolder, options: Mapping[str, Any]) -> None:
    """Run until SIGTERM or SIGINT, and if `bound` until standard input ends.

    Raises EngineConfigError, StateFolderError, ContractError.
    """
    folder.prepare()
    claim = folder.claim()
    listener = _listen(int(options.get("port", 0)))
    chosen = {name: value for name, value in options.items() if name != "bound"}
    config = EngineConfig(
        **{**chosen, "port": listener.getsockname()[1], "state_directory": folder.path}
    )
    _configure_ministack(config, folder)
    check()
    try:
        asyncio.run(_run(config, folder, listener, bound=bool(options.get("bound"))))
    finally:
        folder.withdraw()
        claim.close()


def _listen(port: int) -> socket.socket:
    # With the protocol spelled out, asyncio switches Nagle's algorithm off: without, every answer
    # would wait 40 ms for the client's delayed acknowledgement.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen(256)
    except OSError as error:
        listener.close()
        raise EngineConfigError(
            f"port {port} on {HOST} cannot be used: {error.strerror}. "
            "Leave --port away for a free one, or end what listens there."
        ) from None
    return listener


def _configure_ministack(config: EngineConfig, folder: StateFolder) -> None:
    """MiniStack reads its configuration from the environment when it is imported.

    Nothing listens outside loopback, nothing looks for Docker, no listener opens beside the one
    port, and temporary files stay in the state folder.
    """
    for name in [name for name in os.environ if name.startswith(("AWS_", "MINISTACK_"))]:
        del os.environ[name]
    os.environ.update(
        GATEWAY_PORT=str(config.port),
        BIND_HOST=HOST,
        MINISTACK_HOST=HOST,
        MINISTACK_REGION=config.region,
        MINISTACK_ACCOUNT_ID=config.account,
        SFTP_ENABLED="0",
        IOT_MTLS_ENABLED="0",
        DOCKER_HOST=f"unix://{folder.temporary}/no-docker.sock",
        PERSIST_STATE="0",
        STATE_DIR=str(folder.temporary / "keys"),  # Cognito's key pairs
        S3_PERSIST="0",
        LOG_LEVEL="WARNING",
        TMPDIR=str(folder.temporary),
    )


async def _run(
    config: EngineConfig, folder: StateFolder, listener: socket.socket, *, bound: bool
) -> None:
    from ministack import app
    from ministack.core import responses

    responses.set_request_account_id(config.account)
    responses.set_request_region(config.region)
    parts = _register(config)
    application: Asgi = HangUps(app.app)
    for part in parts:
        if isinstance(part, Fronted):
            application = part.in_front_of(application)
    door = ControlDoor(application)
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked.set)
    if bound:
        threading.Thread(target=_await_owner, args=(loop, asked), daemon=True).start()
    _add_controls(door, parts)
    server = http_server(door)
    serving = loop.create_task(server.serve(sockets=[listener]))
    try:
        for part in parts:
            await part.start()
        folder.publish(
            EngineRecord(
                pid=os.getpid(),
                endpoint=config.endpoint,
                account=config.account,
                region=config.region,
                time_scale=config.time_scale,
                vcpus=config.vcpus,
                started=time.time(),
            )
        )
        await asyncio.wait({serving, loop.create_task(asked.wait())}, return_when="FIRST_COMPLETED")
    finally:
        for part in reversed(parts):
            await _stopped(part)
        # Long polls under way are cut off, which is no error.
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
        server.should_exit = True
        await serving


def _await_owner(loop: asyncio.AbstractEventLoop, asked: asyncio.Event) -> None:
    """Whoever holds the other end of standard input is gone when it ends."""
    while os.read(0, 1024):  # not through sys.stdin: its lock would be held when this program ends
        pass
    with contextlib.suppress(RuntimeError):  # the loop has ended by itself
        loop.call_soon_threadsafe(asked.set)


def _register(config: EngineConfig) -> list[Part]:
    from local import sqs_speed, web
    from local.appsync import registration as appsync
    from local.bedrock import registration as bedrock
    from local.function_urls import part as function_urls
    from local.stores.part import Stores
    from local.types import registration

    registration.register()
    sqs_speed.register()
    parts: list[Part] = [
        Stores(),
        function_urls.register(),
        appsync.register(config),
        bedrock.register(config),
        web.register(config),
    ]
    if importlib.util.find_spec("local.fleet.registration"):
        fleet = importlib.import_module("local.fleet.registration")
        part = fleet.register(config)
        if part is not None:
            parts.append(part)
    return parts


def _add_controls(door: ControlDoor, parts: list[Part]) -> None:
    async def status(_request: Mapping[str, Any]) -> Mapping[str, Any]:
        from ministack.services import cloudformation

        return {
            "stacks": {
                name: stack.get("StackStatus", "") for name, stack in cloudformation._stacks.items()
            },
            **{part.name: part.status() for part in parts},
        }

    door.add({"status": status})
    for part in parts:
        door.add(part.controls())


async def _stopped(part: Part) -> None:
    try:
        await part.stop()
    except Exception:
        logger.exception("part %s did not stop cleanly", part.name)


def main(arguments: list[str]) -> int:
    """`FOLDER OPTIONS`, the options as JSON: chosen fields of EngineConfig, and `bound`."""
    logging.basicConfig(
        level=logging.WARNING,
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
        stream=sys.stderr,
    )
    logging.getLogger("kms").setLevel(logging.ERROR)  # signing needs a package that we do not use
    folder, options = arguments
    try:
        serve(StateFolder(Path(folder)), json.loads(options))
    except (EngineConfigError, StateFolderError, ContractError, ImportError) as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
