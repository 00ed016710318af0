"""The deployed offline stack that the tests of AppSync and of its clients share.

`python -m tests.sync_backend FOLDER` keeps one up for working on the tests: it prints how to run
them.
"""

from __future__ import annotations

import functools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from local.session import LocalAws

REPOSITORY = Path(__file__).resolve().parents[1]
STACK = "Groundwork-dev-Offline"
PASSWORD = "Correct-horse-7"  # pragma: allowlist secret
USERS = {"dana": "Dispatchers", "dora": "Dispatchers", "tom": "Technicians", "tina": "Technicians"}
VARIABLE = "GROUNDWORK_SYNC"
HOUR, HALF = 60, 30
"""Minutes for which tokens are good. The shorter ones too outlive the tests that come before."""


def deploy(aws: LocalAws) -> dict[str, str]:
    """As the CDK CLI does it; the stack's outputs."""
    aws.cdk("deploy", STACK)
    return aws.outputs(STACK)


def described(aws: LocalAws, folder: Path) -> Path:
    """Make users; the path of what programs in Node are told of the deployed stack."""
    outputs = aws.outputs(STACK)
    (api,) = [each for each in aws.control("appsync/apis")["apis"] if each["name"] == STACK]
    tables = aws.client("dynamodb").list_tables()["TableNames"]
    description = {
        "endpoint": aws.endpoint,
        "graphqlUrl": outputs["GraphqlUrl"],
        "region": aws.record().region,
        "apiKey": api["keys"][0],
        "tables": [name for name in tables if name.startswith(STACK)],
        "tokens": _tokens(aws.client("cognito-idp"), outputs["UserPoolId"]),
        "password": PASSWORD,
    }
    path = folder / "backend.json"
    path.write_text(json.dumps(description))
    return path


def _tokens(cognito: Any, pool: str) -> Mapping[str, Mapping[str, Any]]:
    """By user and by the minutes for which they are good."""
    for name, group in USERS.items():
        user = {"UserPoolId": pool, "Username": address(name)}
        cognito.admin_create_user(**user, MessageAction="SUPPRESS")
        cognito.admin_set_user_password(**user, Password=PASSWORD, Permanent=True)
        cognito.admin_add_user_to_group(**user, GroupName=group)
    tokens: dict[str, dict[str, Any]] = {name: {} for name in USERS}
    for minutes in (HOUR, HALF):
        client = cognito.create_user_pool_client(
            UserPoolId=pool,
            ClientName=f"tests for {minutes} minutes",
            ExplicitAuthFlows=["ADMIN_NO_SRP_AUTH"],
            AccessTokenValidity=minutes,
            IdTokenValidity=minutes,
            TokenValidityUnits={"AccessToken": "minutes", "IdToken": "minutes"},
        )["UserPoolClient"]["ClientId"]
        for name in USERS:
            result = cognito.admin_initiate_auth(
                UserPoolId=pool,
                ClientId=client,
                AuthFlow="ADMIN_NO_SRP_AUTH",
                AuthParameters={"USERNAME": address(name), "PASSWORD": PASSWORD},
            )["AuthenticationResult"]
            tokens[name][str(minutes)] = {
                "accessToken": result["AccessToken"],
                "idToken": result["IdToken"],
            }
    return tokens


def address(name: str) -> str:
    """What a user signs in with."""
    return f"{name}@example.com"


@functools.cache
def built_client(mode: str) -> None:
    """`web_src/dist`: "app" for browsers, "device" for Node."""
    bundler = REPOSITORY / "node_modules" / "vite" / "bin" / "vite.js"
    assert bundler.exists(), "the bundler is not installed; run: make node_modules/.installed"
    subprocess.run(
        ["node", str(bundler), "build", "--config", "web_src/vite.config.js", "--mode", mode],
        cwd=REPOSITORY,
        check=True,
        timeout=120,
    )


def run_node_tests(
    description: Path, *files: str | Path, seconds: int = 300, **environment: str
) -> str:
    """Run files of Node's test runner; what they print. Fails with all of it if a test fails."""
    process = subprocess.Popen(
        ["node", "--test", "--test-reporter=spec", "--test-concurrency=1", *map(str, files)],
        cwd=REPOSITORY,
        env={**os.environ, **environment, VARIABLE: str(description), "NO_COLOR": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        printed, complained = process.communicate(timeout=seconds)
    except BaseException:
        # `node` is a program that starts Node, which starts one process per file.
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise
    assert process.returncode == 0, printed[-12000:] + complained[-4000:]
    return printed


def main(arguments: list[str]) -> None:
    """Stay until interrupted."""
    folder = Path(arguments[0])
    folder.mkdir(parents=True, exist_ok=True)
    with LocalAws(state=folder / "state") as aws:
        deploy(aws)
        path = described(aws, folder)
        print(f"{VARIABLE}={path} node --test tests/sync_client/*.test.mjs", flush=True)
        while True:
            time.sleep(3600)


if __name__ == "__main__":
    main(sys.argv[1:])
