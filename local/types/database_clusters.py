"""AWS::RDS::DBCluster: what MiniStack leaves out, a managed master secret and a database that runs.

https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/rds-secrets-manager.html

Where logs are exported, RDS makes the log groups that are not there, and never deletes them
(https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/190).

AWS::RDS::DBInstance: a member that should leave a snapshot is refused when it is created, as its
handler does (aws-cloudformation/aws-cloudformation-resource-providers-rds, CreateHandler).
"""

from __future__ import annotations

import json
import secrets
from typing import Any

from local.stores import aurora_clusters, aurora_data_api
from local.types.handlers import Outcome, Properties, table, true
from local.types.worker_threads import run_on_worker_thread

CLUSTER, INSTANCE = "AWS::RDS::DBCluster", "AWS::RDS::DBInstance"
SECRETS: dict[str, str] = {}  # of the clusters whose password RDS manages: cluster -> secret ARN


def register() -> None:
    """Extend the stock handlers, and answer for the Data API."""
    aurora_data_api.register()
    handlers = table()[CLUSTER]
    create, update, delete = handlers["create"], handlers["update"], handlers["delete"]

    def created(logical_id: str, properties: Properties, stack: str) -> Outcome:
        identifier, attributes = create(logical_id, properties, stack)
        _make_log_groups(identifier, properties)
        return identifier, {**attributes, **_managed_secret(identifier, properties)}

    def updated(
        identifier: str, old: Properties, new: Properties, stack: str, *rest: Any
    ) -> Outcome:
        found, attributes = update(identifier, old, new, stack, *rest)
        _make_log_groups(found, new)
        if found != identifier or (_managed(new) and identifier not in SECRETS):
            return found, {**attributes, **_managed_secret(found, new)}
        return found, {**attributes, **_attributes(found)}

    def deleted(identifier: str, properties: Properties) -> None:
        if true(properties.get("DeletionProtection", False)):
            raise ValueError(
                "Cannot delete protected Cluster, please disable deletion protection and try "
                "again. (Service: Rds, Status Code: 400, InvalidParameterCombination)"
            )
        _refuse_with_members(identifier)
        delete(identifier, properties)
        aurora_clusters.forget(identifier)
        _delete_secret(identifier)

    handlers.update(create=created, update=updated, delete=deleted)
    run_on_worker_thread(CLUSTER)
    _refuse_snapshots_of_members()


def _refuse_snapshots_of_members() -> None:
    handlers = table()[INSTANCE]
    create = handlers["create"]

    def created(logical_id: str, properties: Properties, stack: str) -> Outcome:
        if properties.get("DBClusterIdentifier") and _leaves_snapshot(stack, logical_id):
            raise ValueError(
                "DeletionPolicy:Snapshot cannot be specified for a cluster instance, use deletion "
                "policy on the cluster instead. (InvalidRequest)"
            )
        outcome: Outcome = create(logical_id, properties, stack)
        return outcome

    handlers["create"] = created


def _leaves_snapshot(stack: str, logical_id: str) -> bool:
    from ministack.services import cloudformation

    template = cloudformation._stacks.get(stack, {}).get("_template") or {}
    resource = template.get("Resources", {}).get(logical_id, {})
    return bool(resource.get("DeletionPolicy") == "Snapshot")


def _make_log_groups(identifier: str, properties: Properties) -> None:
    from ministack.services import cloudwatch_logs

    for log in properties.get("EnableCloudwatchLogsExports") or ():
        # A group that is there is answered with an error, which RDS takes for an answer as well.
        cloudwatch_logs._create_log_group({"logGroupName": f"/aws/rds/cluster/{identifier}/{log}"})


def _managed(properties: Properties) -> bool:
    return true(properties.get("ManageMasterUserPassword", False))


def _attributes(identifier: str) -> dict[str, str]:
    return {"MasterUserSecret.SecretArn": SECRETS[identifier]} if identifier in SECRETS else {}


def _managed_secret(identifier: str, properties: Properties) -> dict[str, str]:
    from ministack.services import rds, secretsmanager

    if not _managed(properties):
        return {}
    record = rds._clusters[identifier]
    content = {"username": record["MasterUsername"], "password": secrets.token_urlsafe(24)}
    record["_MasterUserPassword"] = content["password"]
    _, _, answer = secretsmanager._create_secret(
        {
            "Name": f"rds!cluster-{record['DbClusterResourceId'].lower()}",
            "SecretString": json.dumps(content),
            "Description": f"The secret associated with the primary RDS DB cluster: {identifier}",
        }
    )
    SECRETS[identifier] = json.loads(answer)["ARN"]
    record["MasterUserSecret"] = {"SecretArn": SECRETS[identifier], "SecretStatus": "active"}
    return _attributes(identifier)


def _refuse_with_members(identifier: str) -> None:
    from ministack.services import rds

    if rds._clusters.get(identifier, {}).get("DBClusterMembers"):
        raise ValueError(
            "Cluster cannot be deleted, it still contains DB instances in non-deleting state. "
            "(Service: Rds, Status Code: 400, InvalidDBClusterStateFault)"
        )


def _delete_secret(identifier: str) -> None:
    from ministack.services import secretsmanager

    arn = SECRETS.pop(identifier, None)
    if arn is not None:
        secretsmanager._delete_secret({"SecretId": arn, "ForceDeleteWithoutRecovery": True})
