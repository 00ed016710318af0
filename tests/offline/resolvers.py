"""Run the deployed code of resolvers in Node, step by step as AppSync does."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stacks.appsync_source import Resolver, function_code, read_models

HOST = Path(__file__).with_name("resolver_host.mjs")
BY_FIELD: dict[str, Resolver] = {
    f"{resolver.type_name}.{resolver.field}": resolver
    for model in read_models()
    for resolver in model.resolvers
}
NOW = "2026-11-24T12:00:00.000Z"


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Who asks, as AppSync tells a resolver."""

    auth_type: str
    identity: dict[str, Any] | None = None


def user(name: str, *groups: str) -> Caller:
    identity = {"username": name, "sub": f"sub-{name}", "groups": list(groups) or None}
    return Caller(auth_type="User Pool Authorization", identity=identity)


PROGRAM = Caller(
    auth_type="IAM Authorization", identity={"userArn": "arn:aws:sts::1:assumed-role/a/b"}
)
FROM_THE_IDENTITY_POOL = Caller(
    auth_type="IAM Authorization",
    identity={"userArn": "arn:aws:sts::1:assumed-role/a/b", "cognitoIdentityId": "eu-west-1:1"},
)
KEY = Caller(auth_type="API Key Authorization")


@dataclass(kw_only=True)
class Outcome:
    """How a resolver ended: what it asked of its data source, what it answered, or its error."""

    requests: list[dict[str, Any]] = field(default_factory=list)
    answer: Any = None
    error: dict[str, Any] | None = None
    subscription_filter: Any = None

    @property
    def request(self) -> dict[str, Any]:
        """The only request."""
        (only,) = self.requests
        return only


class Host:
    """A Node process that evaluates handlers."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            ["node", "--experimental-vm-modules", "--no-warnings", str(HOST)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def close(self) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.wait(timeout=20)
        self._process.stdout.close()

    def call(self, code: str, handler: str, caller: Caller, ctx: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin
        assert self._process.stdout
        call = {
            "code": code,
            "handler": handler,
            "authType": caller.auth_type,
            "ctx": {**ctx, "identity": caller.identity},
        }
        self._process.stdin.write(json.dumps(call) + "\n")
        self._process.stdin.flush()
        outcome: dict[str, Any] = json.loads(self._process.stdout.readline())
        assert "failure" not in outcome, outcome["failure"]
        return outcome

    def resolve(self, name: str, caller: Caller, **more: Any) -> Outcome:
        """Run the resolver of a field, such as `Query.getSite`."""
        return self.run(BY_FIELD[name], caller, **more)

    def run(
        self,
        resolver: Resolver,
        caller: Caller,
        *,
        args: dict[str, Any] | None = None,
        source: dict[str, Any] | None = None,
        results: list[dict[str, Any]] | None = None,
        selected: list[str] | None = None,
    ) -> Outcome:
        """Run a resolver; `results` are what its data source answers, `{"error": ...}` included."""
        outcome = Outcome()
        waiting = list(results or [])
        ctx: dict[str, Any] = {
            "args": args or {},
            "source": source,
            "info": {
                "fieldName": resolver.field,
                "selectionSetList": [each.split(":")[0] for each in selected or []],
                "selectionSetGraphQL": f"{{ {' '.join(selected or [])} }}",
            },
            "stash": {},
            "prev": {"result": None},
        }

        def step(code: str, handler: str) -> dict[str, Any]:
            made = self.call(code, handler, caller, ctx)
            ctx["stash"] = made.get("stash", ctx["stash"])
            outcome.subscription_filter = made.get(
                "subscriptionFilter", outcome.subscription_filter
            )
            outcome.error = made.get("error")
            return made

        step(resolver.code, "request")
        for function in resolver.functions:
            if outcome.error:
                return outcome
            code = function_code(function)
            made = step(code, "request")
            if outcome.error:
                return outcome
            if "earlyReturn" in made:
                ctx["prev"] = {"result": made["earlyReturn"]}
                continue
            outcome.requests.append(made["result"])
            answered = waiting.pop(0) if waiting else {"result": None}
            ctx.update({"result": None, "error": None, **answered})
            made = step(code, "response")
            ctx["prev"] = {"result": made.get("result")}
        if not outcome.error:
            outcome.answer = step(resolver.code, "response")["result"]
        return outcome
