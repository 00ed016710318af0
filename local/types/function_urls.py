"""AWS::Lambda::Url: an address that every client can reach, and an answer that comes as a whole.

MiniStack's own has the URL's id in a host of AWS's, which leads out of this machine. It answers by
path as well, so that is what the attribute says here. A stream needs a wrapper script and the
Runtime API, neither of which runs here: the handler is invoked instead, and what it returns is read
as in the mode BUFFERED.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from local.types.handlers import Outcome, Properties, table

PREFIX = "/_aws/lambda-url"


def register() -> None:
    """Change what goes into MiniStack's own create and update, and what comes out."""
    handlers = table()["AWS::Lambda::Url"]
    create, update = handlers["create"], handlers["update"]

    def created(logical_id: str, properties: Properties, stack: str) -> Outcome:
        return _reachable(create(logical_id, _whole(properties), stack))

    def updated(url: str, old: Properties, new: Properties, *rest: Any) -> Outcome:
        return _reachable(update(url, _whole(old), _whole(new), *rest))

    handlers.update(create=created, update=updated)


def _whole(properties: Properties) -> Properties:
    return {**properties, "InvokeMode": "BUFFERED"}


def _reachable(outcome: Outcome) -> Outcome:
    from ministack.services import apigateway

    url, attributes = outcome
    host = urlsplit(attributes["FunctionUrl"]).hostname or ""
    engine = f"http://{apigateway._HOST}:{apigateway._PORT}"
    return url, {**attributes, "FunctionUrl": f"{engine}{PREFIX}/{host.partition('.')[0]}/"}
