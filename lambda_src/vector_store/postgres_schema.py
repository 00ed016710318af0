"""Custom::PostgresSchema: what a knowledge base needs in Aurora, by the RDS Data API.

Table, indices and how far a search goes are those of
https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/AuroraPostgreSQL.VectorDB.html and
https://docs.aws.amazon.com/bedrock/latest/userguide/knowledge-base-setup.html
The Data API needs no way into the VPC. A cluster that has paused wakes with the first statement,
which is refused until it is awake.
"""

from __future__ import annotations

import json
import re

from vector_store.custom_resource import RefusedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from vector_store.custom_resource import Deadline, Outcome, Properties

NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")
WAKING = (
    "DatabaseResumingException",
    "Communications link failure",
    "InternalServerErrorException",
)
WAKING_CODES = ("ServiceUnavailableError", "ThrottlingException", "DatabaseNotFoundException")


def create(properties: Properties, deadline: Deadline) -> Outcome:
    """Every statement may be run again."""
    run = _runner(properties, deadline)
    user, password = _user(str(properties["UserSecretArn"]))
    for statement in statements(properties, user=user, password=password):
        run(statement)
    return str(properties["Table"]), {}


def update(_identifier: str, properties: Properties, deadline: Deadline) -> Outcome:
    """A table for another dimension has another name."""
    return create(properties, deadline)


def delete(identifier: str, properties: Properties, deadline: Deadline) -> None:
    """Drop the table."""
    if properties.get("Retain") != "true":
        run = _runner(properties, deadline)
        run(f"DROP TABLE IF EXISTS {_name(str(properties['Schema']))}.{_name(identifier)}")


def statements(properties: Properties, *, user: str, password: str) -> Iterator[str]:
    """What is run, in this order."""
    schema, table = _name(str(properties["Schema"])), _name(str(properties["Table"]))
    user = _name(user)
    quoted = password.replace("'", "''")
    dimension, m, construction, search = (
        int(properties[each]) for each in ("Dimension", "M", "EfConstruction", "EfSearch")
    )
    yield "CREATE EXTENSION IF NOT EXISTS vector"
    yield f"CREATE SCHEMA IF NOT EXISTS {schema}"
    yield (
        f"DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{user}') "
        f"THEN CREATE ROLE {user} LOGIN; END IF; END $$"
    )
    yield f"ALTER ROLE {user} WITH PASSWORD '{quoted}'"
    # pgvector looks at 40 candidates by itself, which finds less than the other stores do, and
    # stops there when a filter leaves too few of them. A master user is no superuser, and may set
    # a library's parameter only where the library is loaded.
    yield (
        f"DO $$ BEGIN PERFORM '[1]'::vector <-> '[1]'::vector; "
        f"ALTER ROLE {user} SET hnsw.ef_search = {search}; "
        f"ALTER ROLE {user} SET hnsw.iterative_scan = relaxed_order; END $$"
    )
    yield (
        f"CREATE TABLE IF NOT EXISTS {schema}.{table} (id uuid PRIMARY KEY, "
        f"embedding vector({dimension}), chunks text, metadata json, custom_metadata jsonb)"
    )
    yield (
        f"CREATE INDEX IF NOT EXISTS {table}_embedding ON {schema}.{table} USING hnsw "
        f"(embedding vector_cosine_ops) WITH (m = {m}, ef_construction = {construction})"
    )
    yield (
        f"CREATE INDEX IF NOT EXISTS {table}_words ON {schema}.{table} USING gin "
        "(to_tsvector('simple', chunks))"
    )
    yield (
        f"CREATE INDEX IF NOT EXISTS {table}_metadata ON {schema}.{table} USING gin "
        "(custom_metadata)"
    )
    yield f"GRANT USAGE ON SCHEMA {schema} TO {user}"
    yield f"GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.{table} TO {user}"


def _name(name: str) -> str:
    if not NAME.fullmatch(name):
        raise RefusedError(f"{name!r} is no name for PostgreSQL: use a to z, 0 to 9 and _")
    return name


def _user(secret_arn: str) -> tuple[str, str]:
    import boto3

    secret = boto3.client("secretsmanager").get_secret_value(SecretId=secret_arn)
    parsed = json.loads(secret["SecretString"])
    return parsed["username"], parsed["password"]


def _runner(properties: Properties, deadline: Deadline) -> Callable[[str], None]:
    import boto3
    from botocore.exceptions import ClientError

    client: Any = boto3.client("rds-data")

    def run(statement: str) -> None:
        attempt = 0
        while True:
            try:
                client.execute_statement(
                    resourceArn=properties["ClusterArn"],
                    secretArn=properties["MasterSecretArn"],
                    database=properties["Database"],
                    sql=statement,
                )
            except ClientError as error:
                code = error.response["Error"]["Code"]
                waking = code in WAKING_CODES or any(word in str(error) for word in WAKING)
                if not waking or not deadline.pause(attempt):
                    shown = statement.split(" PASSWORD ")[0]
                    raise RefusedError(f"{shown[:200]}: {error}") from None
                attempt += 1
            else:
                return

    return run
