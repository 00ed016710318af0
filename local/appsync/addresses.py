"""Where an API answers: on the engine's port, under a path of its own.

`http://127.0.0.1:<port>/v1/apis/<api>/graphql` and, for subscriptions, the same with `/realtime`
behind it, as with a custom domain
(https://docs.aws.amazon.com/appsync/latest/devguide/custom-domain-name.html). The host names of an
account, `<api>.appsync-api.<region>...` and `<api>.appsync-realtime-api.<region>...`, work too,
for clients that can be told which address to connect to.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

PATH = re.compile(r"^/v1/apis/(?P<api>[a-z0-9]+)/graphql(?P<rest>/realtime|/connect)?$")
HOST = re.compile(r"^(?P<api>[a-z0-9]+)\.appsync-(?P<realtime>realtime-)?api\.")


@dataclass(frozen=True, kw_only=True)
class Address:
    """The API that a request is for."""

    api_id: str
    realtime: bool
    graphql_path: str


def address(path: str, host: str) -> Address | None:
    """The API that a path and a Host header name, if any."""
    if match := PATH.match(path):
        api = match["api"]
        return Address(
            api_id=api,
            realtime=match["rest"] == "/realtime",
            graphql_path=f"/v1/apis/{api}/graphql",
        )
    named = HOST.match(host)
    if named and path in ("/graphql", "/graphql/realtime"):
        realtime = bool(named["realtime"]) or path.endswith("/realtime")
        return Address(api_id=named["api"], realtime=realtime, graphql_path="/graphql")
    return None


def graphql_url(endpoint: str, api_id: str) -> str:
    """What CloudFormation gives out as GraphQLUrl."""
    return f"{endpoint}/v1/apis/{api_id}/graphql"


def realtime_url(endpoint: str, api_id: str) -> str:
    """What CloudFormation gives out as RealtimeUrl; not wss, for there is no TLS here."""
    return f"{graphql_url(endpoint, api_id)}/realtime".replace("http", "ws", 1)
