"""The web app on the engine's port: the built files of web_src, and a config.json for them.

At http://127.0.0.1:<port>/~web/ , which no bucket can be called. The configuration is made of the
outputs of the deployed stack, as web_src/configuration.py makes it for an account; what is added is
where Cognito answers, and people whom one click signs in as, which exist on this engine alone.
"""

from __future__ import annotations

import asyncio
import json
import mimetypes
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from local.asgi import Asgi, answer
from local.engine_config import EngineConfig
from local.engine_parts import ControlHandler
from web_src.configuration import OUTPUTS, configuration

PREFIX = "/~web/"
BUILT = Path(__file__).resolve().parent.parent / "web_src" / "dist" / "app"
PASSWORD = "On-this-machine-1"  # nosec B105 (opens an emulator on loopback) # pragma: allowlist secret
PEOPLE = {"Dana": "Dispatchers", "Tom": "Technicians", "Tina": "Technicians"}
ROLES = {"Dispatchers": "dispatcher", "Technicians": "technician"}
# Files with a hash in their names stay, the others are asked for anew each time.
FOREVER = "public, max-age=31536000, immutable"
ANEW = "no-cache"


class WebApp:
    """A part of the engine that answers below PREFIX."""

    name = "web app"

    def __init__(self, config: EngineConfig) -> None:
        self._config = config
        self._pools_with_people: set[str] = set()

    def in_front_of(self, inner: Asgi) -> Asgi:
        """Answer for the app, leave the rest to `inner`."""

        async def application(scope: Mapping[str, Any], receive: Any, send: Any) -> None:
            path = str(scope.get("path", ""))
            if scope["type"] != "http" or not f"{path}/".startswith(PREFIX):
                await inner(scope, receive, send)
                return
            status, kind, content, cache = await self._answer(path.removeprefix(PREFIX))
            headers = {
                "content-type": kind,
                "cache-control": cache,
                "x-content-type-options": "nosniff",
            }
            if path == PREFIX.rstrip("/"):
                status, headers = 308, {**headers, "location": PREFIX}
            await answer(send, status, content, headers)

        return application

    async def start(self) -> None:
        """Nothing runs until a request comes."""

    async def stop(self) -> None:
        """Nothing runs."""

    def status(self) -> Mapping[str, Any]:
        """Where it is, or what it lacks."""
        if not BUILT.is_dir():
            return {"address": "not built; run: make web"}
        if _outputs() is None:
            return {"address": "its stack is not deployed; run: make deploy LOCAL=1"}
        return {"address": f"{self._config.endpoint}{PREFIX}"}

    def controls(self) -> Mapping[str, ControlHandler]:
        """None."""
        return {}

    async def _answer(self, name: str) -> tuple[int, str, bytes, str]:
        if name == "config.json":
            return await self._configuration()
        path = (BUILT / (name or "index.html")).resolve()
        if not path.is_relative_to(BUILT) or not path.is_file():
            said = f"{name} is not there" if BUILT.is_dir() else "not built; run: make web"
            return 404, "text/plain", said.encode(), ANEW
        kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        if path.suffix == ".webmanifest":
            kind = "application/manifest+json"
        cache = FOREVER if path.parent.name == "assets" else ANEW
        return 200, kind, await asyncio.to_thread(path.read_bytes), cache

    async def _configuration(self) -> tuple[int, str, bytes, str]:
        outputs = _outputs()
        if outputs is None:
            return 503, "text/plain", b"its stack is not deployed; run: make deploy LOCAL=1", ANEW
        found: dict[str, Any] = dict(configuration(outputs, region=self._config.region))
        found["userPoolEndpoint"] = self._config.endpoint
        found["people"] = await asyncio.to_thread(self._people, outputs["UserPoolId"])
        return 200, "application/json", json.dumps(found, indent=2).encode(), ANEW

    def _people(self, pool: str) -> list[dict[str, str]]:
        """Make them once per pool, as an administrator would invite them."""
        import boto3
        from botocore.config import Config

        people = [
            {
                "name": name,
                "role": ROLES[group],
                "username": f"{name.lower()}@field.example",
                "password": PASSWORD,
            }
            for name, group in PEOPLE.items()
        ]
        if pool in self._pools_with_people:
            return people
        cognito = boto3.session.Session().client(
            "cognito-idp",
            endpoint_url=self._config.endpoint,
            region_name=self._config.region,
            aws_access_key_id="web",
            aws_secret_access_key="web",  # nosec B106 (an emulator on loopback) # pragma: allowlist secret
            config=Config(proxies={}),
        )
        for person in people:
            user = {"UserPoolId": pool, "Username": person["username"]}
            try:
                cognito.admin_create_user(**user, MessageAction="SUPPRESS")
            except cognito.exceptions.UsernameExistsException:
                continue
            cognito.admin_set_user_password(**user, Password=PASSWORD, Permanent=True)
            cognito.admin_add_user_to_group(**user, GroupName=PEOPLE[person["name"]])
        self._pools_with_people.add(pool)
        return people


def _outputs() -> dict[str, str] | None:
    """The outputs of the deployed offline stack, of whatever stage."""
    from ministack.services import cloudformation

    for stack in cloudformation._stacks.values():
        outputs = {
            str(each["OutputKey"]): str(each["OutputValue"]) for each in stack.get("Outputs", ())
        }
        if not set(OUTPUTS.values()) - set(outputs):
            return outputs
    return None


def register(config: EngineConfig) -> WebApp:
    """The part, for the engine."""
    return WebApp(config)
