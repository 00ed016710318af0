"""Rules for single vector stores; each says nothing where its store is another one."""

from __future__ import annotations

import json
import re
from typing import Any

from tests.stacks.checks_knowledge import (
    REDIS,
    before,
    kept,
    knowledge_base,
    role_of_knowledge_base,
    storage,
)
from tests.stacks.reading import Template, as_list, resources, statements, text

COLLECTION, INDEX = "AWS::OpenSearchServerless::Collection", "AWS::OpenSearchServerless::Index"
COLLECTION_GROUP = "AWS::OpenSearchServerless::CollectionGroup"
SECURITY, ACCESS = (
    "AWS::OpenSearchServerless::SecurityPolicy",
    "AWS::OpenSearchServerless::AccessPolicy",
)
ENDPOINT, ADMITTED = "AWS::OpenSearchServerless::VpcEndpoint", "Custom::IndexAdmitted"
VECTORS, DOMAIN = "AWS::S3Vectors::Index", "AWS::OpenSearchService::Domain"
CLUSTER, INSTANCE = "AWS::RDS::DBCluster", "AWS::RDS::DBInstance"
SECURITY_GROUP, LOG_GROUP = "AWS::EC2::SecurityGroup", "AWS::Logs::LogGroup"
ROLE = "AWS::IAM::Role"
ASSOCIATE = "bedrock:AssociateThirdPartyKnowledgeBase"
THIRD_PARTY_SECRET = "ThirdPartyKnowledgeBaseCredentialsSecretArn"
THIRD_PARTY_CALLS = {
    "bedrock:CreateKnowledgeBase",
    "bedrock:StartIngestionJob",
    "bedrock:UpdateKnowledgeBase",
}
NAME_KEYS = ("Name", "DomainName", "DBClusterIdentifier")
OWN_CALLS = {
    "bedrock:CreateKnowledgeBase": "RequestTag",
    "bedrock:DeleteKnowledgeBase": "ResourceTag",
    "bedrock:TagResource": "RequestTag",
    "bedrock:UpdateKnowledgeBase": "ResourceTag",
}
LONGEST_NAME, LONGEST_DOMAIN_NAME = 32, 28
SUFFIX_LENGTH = 8  # of the first part of a stack's identifier


def access_statements(template: Template) -> list[dict[str, Any]]:
    """What the data-access policy says."""
    found: list[dict[str, Any]] = []
    for policy in resources(template, ACCESS).values():
        found += json.loads(text(policy["Policy"]))
    return found


def permissions_of(template: Template, principal: str) -> set[str]:
    """By principals that end like this."""
    return {
        permission
        for statement in access_statements(template)
        if any(text(each).endswith(principal) for each in statement["Principal"])
        for rule in statement["Rules"]
        for permission in rule["Permission"]
    }


def check_collection_waits_for_its_policies(template: Template) -> list[str]:
    """Without its encryption policy a collection is refused, without the network one it is open."""
    return [
        f"{name} does not wait for {policy}"
        for name in resources(template, COLLECTION)
        for policy in resources(template, SECURITY)
        if policy not in before(template, name)
    ]


def check_index_waits_until_its_maker_is_admitted(template: Template) -> list[str]:
    """A policy is accepted before it works: an answer has to be waited for, twice."""
    problems = []
    probes = {probe["Expects"]: name for name, probe in resources(template, ADMITTED).items()}
    base, _ = knowledge_base(template)
    for index in resources(template, INDEX):
        if probes.get("access") not in before(template, index):
            problems.append(f"{index} may come before its maker is admitted")
        if index not in before(template, probes.get("index", index)):
            problems.append(f"nobody waits until {index} is seen")
        if probes.get("index") not in before(template, base):
            problems.append("the knowledge base may come before its index is seen")
        problems += [
            f"{index} does not wait for {policy}"
            for policy in resources(template, ACCESS)
            if policy not in before(template, index)
        ]
    return problems


def check_data_access(template: Template) -> list[str]:
    """Who creates the index, who uses it, who looks at it; nobody more than that."""
    if not resources(template, COLLECTION):
        return []
    role = role_of_knowledge_base(template)
    deploying = {
        text(each)
        for statement in access_statements(template)
        for each in statement["Principal"]
        if ":role/" in text(each)
    }
    problems = []
    if not deploying:
        problems.append("the role that deploys is not named")
    problems += [
        f"{principal} may not create and delete the index"
        for principal in deploying
        if not {"aoss:CreateIndex", "aoss:DeleteIndex"} <= permissions_of(template, principal)
    ]
    wanted = {"aoss:DescribeIndex", "aoss:ReadDocument", "aoss:WriteDocument"}
    if permissions_of(template, f"<{role}.Arn>") != wanted:
        problems.append("the knowledge base may do something else than read and write")
    index = storage(template)["VectorIndexName"]
    for statement in access_statements(template):
        for rule in statement["Rules"]:
            problems += [
                f"{resource} is more than one index"
                for resource in rule["Resource"]
                if not resource.endswith(f"/{index}") or "*" in resource
            ]
            problems += [f"{each} is allowed" for each in rule["Permission"] if "*" in each]
    return problems


def check_search_names(template: Template) -> list[str]:
    """Short, lower case, and another one when the stack is made again."""
    problems = []
    for kind in (COLLECTION, COLLECTION_GROUP, SECURITY, ACCESS, DOMAIN, CLUSTER):
        for name, each in resources(template, kind).items():
            given = next(each[key] for key in NAME_KEYS if key in each)
            called = text(given)
            if "AWS::StackId" not in json.dumps(given):
                problems.append(f"{name} is called {called} in every stack of the account")
            plain = re.sub(r"\{.*\}", "x" * SUFFIX_LENGTH, called)
            longest = LONGEST_DOMAIN_NAME if kind == DOMAIN else LONGEST_NAME
            if len(plain) > longest or not re.fullmatch(r"[a-z][a-z0-9-]{2,}", plain):
                problems.append(f"{name}: {plain} is no name")
    return problems


def check_search_index(template: Template) -> list[str]:
    """The one the knowledge base names, in a form that the generation takes."""
    problems = []
    nextgen = any(
        each.get("Generation") == "NEXTGEN"
        for each in resources(template, COLLECTION_GROUP).values()
    )
    for name, index in resources(template, INDEX).items():
        fields = storage(template)["FieldMapping"]
        properties = index["Mappings"]["Properties"]
        vector = properties.get(fields["VectorField"], {})
        method = vector.get("Method", {})
        problems += [
            f"{name}: {wrong}"
            for wrong, holds in (
                ("another index", index["IndexName"] == storage(template)["VectorIndexName"]),
                ("other fields", set(properties) == set(fields.values())),
                ("no vectors", vector.get("Type") == "knn_vector"),
                ("vectors are not searched", index["Settings"]["Index"].get("Knn") is True),
                ("an engine, which nextgen refuses", not (nextgen and method)),
                ("not faiss", nextgen or method.get("Engine") == "faiss"),
                (
                    "another distance",
                    (vector.get("SpaceType") if nextgen else method.get("SpaceType")) == "l2",
                ),
                (
                    "no candidates",
                    nextgen or index["Settings"]["Index"].get("KnnAlgoParamEfSearch", 0) >= 64,
                ),
            )
            if not holds
        ]
    return problems


def check_capacity(template: Template) -> list[str]:
    """What scales to zero does so; standby is a decision, and the same in group and collection."""
    problems = []
    for name, group in resources(template, COLLECTION_GROUP).items():
        limits = group.get("CapacityLimits", {})
        if group.get("Generation") == "NEXTGEN" and any(
            limits.get(f"Min{kind}CapacityInOcu") != 0 for kind in ("Indexing", "Search")
        ):
            problems.append(f"{name} never rests")
        if not all(limits.get(f"Max{kind}CapacityInOcu") for kind in ("Indexing", "Search")):
            problems.append(f"{name} has no upper limit")
        problems += [
            f"{collection} and {name} differ in standby replicas"
            for collection, each in resources(template, COLLECTION).items()
            if each.get("StandbyReplicas") != group.get("StandbyReplicas")
        ]
    return problems + [
        f"{name} leaves standby replicas to the default, which doubles the bill"
        for name, each in resources(template, COLLECTION).items()
        if "StandbyReplicas" not in each
    ]


def check_collection_has_no_tags(template: Template) -> list[str]:
    """A change of tags replaces a collection."""
    return [
        f"{name} is replaced when tags change"
        for name, each in resources(template, COLLECTION).items()
        if "Tags" in each
    ]


def check_no_search_endpoint_is_made(template: Template) -> list[str]:
    """A VPC has one for all its collections; a second is refused."""
    return [f"{name} may be the second of its VPC" for name in resources(template, ENDPOINT)]


def check_s3_vectors(template: Template) -> list[str]:
    """Text and Bedrock's metadata exceed the 2 KB of what can be filtered by."""
    return [
        f"{name}: {key} is filterable"
        for name, index in resources(template, VECTORS).items()
        for key in ("AMAZON_BEDROCK_TEXT", "AMAZON_BEDROCK_METADATA")
        if key not in index.get("MetadataConfiguration", {}).get("NonFilterableMetadataKeys", [])
    ]


def check_database(template: Template) -> list[str]:
    """Pauses, is encrypted, and is reached by the Data API alone."""
    problems = []
    for name, cluster in resources(template, CLUSTER).items():
        scaling = cluster.get("ServerlessV2ScalingConfiguration", {})
        problems += [
            f"{name}: {wrong}"
            for wrong, holds in (
                ("never pauses", scaling.get("MinCapacity") == 0),
                ("pauses when it likes", scaling.get("SecondsUntilAutoPause", 0) >= 300),
                ("not encrypted", cluster.get("StorageEncrypted") is True),
                ("no Data API", cluster.get("EnableHttpEndpoint") is True),
                (
                    "a password in the template",
                    cluster.get("ManageMasterUserPassword") is True
                    and "MasterUserPassword" not in cluster,
                ),
                (
                    "a master's name that is reserved, or may be",
                    cluster.get("MasterUsername") == "postgres",
                ),
                ("unprotected", cluster.get("DeletionProtection") is kept(template)),
            )
            if not holds
        ]
        groups = {
            text(each.get("LogGroupName", "")): group
            for group, each in resources(template, LOG_GROUP).items()
            if each.get("RetentionInDays")
        }
        called = text(cluster.get("DBClusterIdentifier", ""))
        problems += [
            f"{name}: RDS makes the log group of {log}, for ever"
            for log in cluster.get("EnableCloudwatchLogsExports", [])
            if groups.get(f"/aws/rds/cluster/{called}/{log}") not in before(template, name)
        ]
        problems += [
            f"{group} lets somebody in"
            for group, each in resources(template, SECURITY_GROUP).items()
            if each.get("SecurityGroupIngress")
        ]
    problems += [
        f"{name} leaves a snapshot, which CloudFormation refuses for a cluster's member"
        for name, instance in resources(template, INSTANCE).items()
        if "DBClusterIdentifier" in instance
        and template["Resources"][name].get("DeletionPolicy") == "Snapshot"
    ]
    return problems + [
        f"{name} is public"
        for name, instance in resources(template, INSTANCE).items()
        if instance.get("PubliclyAccessible") is not False
    ]


def check_database_user(template: Template) -> list[str]:
    """Bedrock is not the master."""
    configuration = storage(template)
    secret = text(configuration.get("CredentialsSecretArn", ""))
    return [
        f"Bedrock has the master's password of {name}"
        for name in resources(template, CLUSTER)
        if secret.startswith(f"<{name}.")
    ]


def check_domain(template: Template) -> list[str]:
    """Public by necessity, so everything else is closed."""
    problems = []
    for name, domain in resources(template, DOMAIN).items():
        upgrade = template["Resources"][name].get("UpdatePolicy", {}).get("EnableVersionUpgrade")
        security = domain.get("AdvancedSecurityOptions", {})
        endpoint = domain.get("DomainEndpointOptions", {})
        admitting = domain.get("AccessPolicies", {}).get("Statement", [])
        allowed = {
            text(principal)
            for statement in admitting
            for principal in as_list(statement["Principal"].get("AWS"))
        }
        describing = {
            text(principal)
            for statement in admitting
            if "es:DescribeDomain" in as_list(statement["Action"])
            and text(statement["Resource"]).endswith(text(domain["DomainName"]))
            for principal in as_list(statement["Principal"].get("AWS"))
        }
        problems += [
            f"{name}: {wrong}"
            for wrong, holds in (
                ("no fine-grained access control", security.get("Enabled") is True),
                ("passwords", security.get("InternalUserDatabaseEnabled") is False),
                ("another version is another domain", upgrade is True),
                ("no TLS", endpoint.get("EnforceHTTPS") is True),
                ("old TLS", "TLS-1-2" in endpoint.get("TLSSecurityPolicy", "")),
                (
                    "not encrypted",
                    domain.get("EncryptionAtRestOptions", {}).get("Enabled") is True,
                ),
                (
                    "not encrypted between nodes",
                    domain.get("NodeToNodeEncryptionOptions", {}).get("Enabled") is True,
                ),
                (
                    "others than two roles",
                    len(allowed) == 2
                    and all(re.fullmatch(r"<\w+Role\w+\.Arn>", each) for each in allowed),
                ),
                (
                    "Bedrock may not look at it",
                    describing == {f"<{role_of_knowledge_base(template)}.Arn>"},
                ),
            )
            if not holds
        ]
    return problems


def check_third_party(template: Template) -> list[str]:
    """Who makes the knowledge base, it itself, and who starts its jobs, with the one secret."""
    kind = knowledge_base(template)[1]["StorageConfiguration"]["Type"]
    secret = storage(template).get("CredentialsSecretArn")
    if kind not in ("PINECONE", "REDIS_ENTERPRISE_CLOUD"):
        return []
    problems = []
    for name, role in resources(template, ROLE).items():
        given = [
            statement
            for policy in role.get("Policies", [])
            for statement in statements(policy["PolicyDocument"])
        ]
        actions = {action for each in given for action in as_list(each["Action"])}
        needed = name == role_of_knowledge_base(template) or actions & THIRD_PARTY_CALLS
        found = [each for each in given if ASSOCIATE in as_list(each["Action"])]
        if needed and not found:
            problems.append(f"{name} may not use the third party")
        condition = {"ArnEquals": {f"bedrock:{THIRD_PARTY_SECRET}": secret}}
        problems += [
            f"{name} may use any secret" for each in found if each.get("Condition") != condition
        ]
    return problems


def check_setup_changes_its_own(template: Template) -> list[str]:
    """Who makes a knowledge base by the API gives it the stack's tag, and may change no other."""
    problems = []
    for made in resources(template, REDIS).values():
        tags = json.loads(text(made["Request"])).get("tags", {})
        for role, properties in resources(template, ROLE).items():
            given = [
                statement
                for policy in properties.get("Policies", [])
                for statement in statements(policy["PolicyDocument"])
            ]
            problems += [
                f"{role} may {action} whatever it is"
                for statement in given
                for action in OWN_CALLS.keys() & set(as_list(statement["Action"]))
                if not tags
                or statement.get("Condition", {}).get("StringEquals")
                != {f"aws:{OWN_CALLS[action]}/{key}": value for key, value in tags.items()}
            ]
    return problems
