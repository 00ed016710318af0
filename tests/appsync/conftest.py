"""One engine, and in it one deployed API, for all tests of AppSync's protocol."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from local.session import LocalAws
from tests.appsync import notes
from tests.appsync.clients import Api

PASSWORD = "Secret-123"  # pragma: allowlist secret


@pytest.fixture(scope="session")
def aws(appsync_aws: LocalAws) -> LocalAws:
    """An engine that is up."""
    return appsync_aws


@pytest.fixture(scope="session")
def pool(aws: LocalAws) -> dict[str, str]:
    """A user pool with a client, two users and a group."""
    cognito = aws.client("cognito-idp")
    pool_id = cognito.create_user_pool(PoolName="people")["UserPool"]["Id"]
    client_id = cognito.create_user_pool_client(
        UserPoolId=pool_id, ClientName="app", ExplicitAuthFlows=["ADMIN_NO_SRP_AUTH"]
    )["UserPoolClient"]["ClientId"]
    cognito.create_group(UserPoolId=pool_id, GroupName="Managers")
    for name in ("ann", "bob"):
        cognito.admin_create_user(UserPoolId=pool_id, Username=name)
        cognito.admin_set_user_password(
            UserPoolId=pool_id, Username=name, Password=PASSWORD, Permanent=True
        )
    cognito.admin_add_user_to_group(UserPoolId=pool_id, Username="ann", GroupName="Managers")
    return {"id": pool_id, "client": client_id}


@pytest.fixture(scope="session")
def outputs(aws: LocalAws, pool: dict[str, str]) -> dict[str, str]:
    """The outputs of the deployed stack."""
    cloudformation = aws.client("cloudformation")
    cloudformation.create_stack(
        StackName="notes", TemplateBody=notes.as_text(pool["id"]), Capabilities=["CAPABILITY_IAM"]
    )
    cloudformation.get_waiter("stack_create_complete").wait(
        StackName="notes", WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )
    (stack,) = cloudformation.describe_stacks(StackName="notes")["Stacks"]
    return {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}


@pytest.fixture
def api(aws: LocalAws, outputs: dict[str, str]) -> Iterator[Api]:
    """A client of the API with its key; faults are gone afterwards."""
    yield Api(url=outputs["Url"], headers={"x-api-key": outputs["Key"]})
    aws.control("appsync/reset")


@pytest.fixture
def new_id() -> Any:
    """Ids that no other test has."""
    run = uuid.uuid4().hex[:8]
    numbers = itertools.count()
    return lambda: f"{run}-{next(numbers)}"


@pytest.fixture(scope="session")
def tokens(aws: LocalAws, pool: dict[str, str]) -> dict[str, dict[str, str]]:
    """Access and id tokens by user."""
    cognito = aws.client("cognito-idp")
    return {
        name: cognito.admin_initiate_auth(
            UserPoolId=pool["id"],
            ClientId=pool["client"],
            AuthFlow="ADMIN_NO_SRP_AUTH",
            AuthParameters={"USERNAME": name, "PASSWORD": PASSWORD},
        )["AuthenticationResult"]
        for name in ("ann", "bob")
    }
