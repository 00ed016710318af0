"""Breaks of the knowledge stack, with the rule that has to notice."""

from __future__ import annotations

import json
from typing import Any

from tests.stacks.checks_knowledge import BASE, DELIVERY_SOURCE, FUNCTION, ROLE, SOURCE
from tests.stacks.checks_vector_stores import (
    ACCESS,
    ADMITTED,
    ASSOCIATE,
    CLUSTER,
    COLLECTION,
    COLLECTION_GROUP,
    DOMAIN,
    INDEX,
    INSTANCE,
    LOG_GROUP,
    SECURITY,
    SECURITY_GROUP,
    VECTORS,
)
from tests.stacks.mutating import Case, Mutation, changed, one, without
from tests.stacks.reading import Template, as_list, resources, statements

VECTOR = "bedrock-knowledge-base-default-vector"
VECTOR_KNOWLEDGE = ("KnowledgeBaseConfiguration", "VectorKnowledgeBaseConfiguration")
DIMENSIONS = (
    *VECTOR_KNOWLEDGE,
    "EmbeddingModelConfiguration",
    "BedrockEmbeddingModelConfiguration",
    "Dimensions",
)
OWN = "check_setup_changes_its_own"
FIELD = ("Mappings", "Properties", VECTOR)


def alone(kind: str, part: str = "") -> Mutation:
    """A resource that waits for nothing but what it refers to."""

    def mutate(template: Template) -> None:
        for name in resources(template, kind):
            if part in name:
                del template["Resources"][name]["DependsOn"]

    return mutate


def policy(name: str, member: str, value: Any) -> Mutation:
    """Change the first statement of a policy of the knowledge base's role."""

    def mutate(template: Template) -> None:
        policies = one(template, ROLE, "KnowledgeBaseRole")["Policies"]
        found = next(each for each in policies if each["PolicyName"] == name)
        found["PolicyDocument"]["Statement"][0][member] = value

    return mutate


def trust(key: str) -> Mutation:
    def mutate(template: Template) -> None:
        role = one(template, ROLE, "KnowledgeBaseRole")
        del role["AssumeRolePolicyDocument"]["Statement"][0]["Condition"][key]

    return mutate


def access(old: str, new: str) -> Mutation:
    """Replace text in the data-access policy."""

    def mutate(template: Template) -> None:
        found = one(template, ACCESS)
        before = json.dumps(found["Policy"])
        assert old in before, before
        found["Policy"] = json.loads(before.replace(old, new))

    return mutate


def left_behind(kind: str) -> Mutation:
    def mutate(template: Template) -> None:
        for name in resources(template, kind):
            template["Resources"][name]["DeletionPolicy"] = "Retain"

    return mutate


def third_party(part: str, secret: str | None) -> Mutation:
    """Take the permission away from a role, or its condition."""

    def mutate(template: Template) -> None:
        for policy in one(template, ROLE, part)["Policies"]:
            for statement in statements(policy["PolicyDocument"]):
                if statement["Action"] == ASSOCIATE and secret is None:
                    statement["Action"] = "bedrock:ListKnowledgeBases"
                elif statement["Action"] == ASSOCIATE:
                    statement.pop("Condition")

    return mutate


def of_others(action: str) -> Mutation:
    """Without the condition that names the stack's tag."""

    def mutate(template: Template) -> None:
        for policy in one(template, ROLE, "Setup")["Policies"]:
            for statement in statements(policy["PolicyDocument"]):
                if action in as_list(statement["Action"]):
                    del statement["Condition"]

    return mutate


def deleted_as(kind: str, policy: str) -> Mutation:
    def mutate(template: Template) -> None:
        for name in resources(template, kind):
            template["Resources"][name]["DeletionPolicy"] = policy

    return mutate


def lost(kind: str) -> Mutation:
    def mutate(template: Template) -> None:
        for name in resources(template, kind):
            template["Resources"][name]["UpdateReplacePolicy"] = "Delete"

    return mutate


def added(kind: str, **properties: Any) -> Mutation:
    def mutate(template: Template) -> None:
        template["Resources"]["Added"] = {"Type": kind, "Properties": properties}

    return mutate


def not_described(template: Template) -> None:
    one(template, DOMAIN)["AccessPolicies"]["Statement"].pop()


def no_upgrade(template: Template) -> None:
    for name in resources(template, DOMAIN):
        del template["Resources"][name]["UpdatePolicy"]


def engine_named(template: Template) -> None:
    one(template, INDEX)["Mappings"]["Properties"][VECTOR]["Method"] = {
        "Name": "hnsw",
        "Engine": "faiss",
    }


def later_policy(template: Template) -> None:
    role = one(template, ROLE, "KnowledgeBaseRole")
    document = role["Policies"].pop()["PolicyDocument"]
    template["Resources"]["Later"] = {
        "Type": "AWS::IAM::Policy",
        "Properties": {"PolicyName": "later", "PolicyDocument": document, "Roles": []},
    }


def masters_password(template: Template) -> None:
    (cluster,) = resources(template, CLUSTER)
    configuration = one(template, BASE)["StorageConfiguration"]["RdsConfiguration"]
    configuration["CredentialsSecretArn"] = {"Fn::GetAtt": [cluster, "MasterUserSecret.SecretArn"]}


def stack(*cases: tuple[str, Mutation, str]) -> list[Case]:
    return [(name, "Knowledge", mutate, rule) for name, mutate, rule in cases]


KNOWLEDGE_MUTATIONS: list[Case] = stack(
    ("any account", trust("StringEquals"), "check_role_is_for_knowledge_bases"),
    ("any resource of Bedrock", trust("ArnLike"), "check_role_is_for_knowledge_bases"),
    (
        "another model",
        policy("models", "Resource", "arn:aws:bedrock:x::foundation-model/other"),
        "check_role_may_embed",
    ),
    (
        "no embedding",
        policy("models", "Action", "bedrock:ListTagsForResource"),
        "check_role_may_embed",
    ),
    (
        "no reranker",
        policy("reranking", "Resource", "arn:aws:bedrock:x::foundation-model/other"),
        "check_role_may_rerank",
    ),
    (
        "all buckets",
        policy("documents", "Resource", "arn:aws:s3:::other"),
        "check_role_reads_documents",
    ),
    ("a policy that comes later", later_policy, "check_policies_come_with_the_role"),
    ("another dimension of the model", changed(BASE, "", *DIMENSIONS, 512), "check_dimension"),
    ("a dimension that no model has", changed(BASE, "", *DIMENSIONS, 1000), "check_dimension"),
    (
        "another dimension of the index",
        changed(INDEX, "", *FIELD, "Dimension", 1536),
        "check_dimension",
    ),
    (
        "a fixed name",
        changed(BASE, "", "Name", "knowledge"),
        "check_names_change_with_what_is_replaced",
    ),
    (
        "a fixed name of the source",
        changed(SOURCE, "", "Name", "documents"),
        "check_names_change_with_what_is_replaced",
    ),
    ("a collection that is left behind", left_behind(COLLECTION), "check_deletion"),
    (
        "vectors that outlive nothing",
        changed(SOURCE, "", "DataDeletionPolicy", "RETAIN"),
        "check_deletion",
    ),
    ("Bedrock comes first", alone(BASE), "check_store_comes_first"),
    (
        "a function of the CDK",
        changed(FUNCTION, "ServerlessSetup", "Handler", "index.handler"),
        "check_custom_resources_are_ours",
    ),
    ("another custom resource", added("Custom::AWS"), "check_custom_resources_are_ours"),
    (
        "a log that needs a resource policy",
        added("AWS::Logs::Delivery", DeliverySourceName="x"),
        "check_logs_of_ingestion",
    ),
    (
        "a resource policy",
        added("AWS::Logs::ResourcePolicy", PolicyDocument="bedrock.amazonaws.com"),
        "check_logs_of_ingestion",
    ),
    ("an output less", lambda t: t["Outputs"].pop("Identity"), "check_knowledge_outputs"),
    (
        "a collection before its policies",
        alone(COLLECTION),
        "check_collection_waits_for_its_policies",
    ),
    ("an index at once", alone(INDEX), "check_index_waits_until_its_maker_is_admitted"),
    (
        "nobody asks",
        without(ADMITTED, "Admitted"),
        "check_index_waits_until_its_maker_is_admitted",
    ),
    (
        "nobody looks",
        alone(ADMITTED, "Seen"),
        "check_index_waits_until_its_maker_is_admitted",
    ),
    (
        "a deployment that may not",
        access("aoss:CreateIndex", "aoss:ReadDocument"),
        "check_data_access",
    ),
    ("a deployment that is not named", access(":role/cdk-", ":user/cdk-"), "check_data_access"),
    ("all indices", access("chunks-", "*-"), "check_data_access"),
    ("more than reading and writing", access("aoss:WriteDocument", "aoss:*"), "check_data_access"),
    (
        "one name for every stack",
        changed(SECURITY, "Encryption", "Name", "groundwork"),
        "check_search_names",
    ),
    (
        "capitals",
        changed(COLLECTION, "", "Name", {"Fn::Sub": "Kb-${AWS::StackId}"}),
        "check_search_names",
    ),
    ("another index", changed(INDEX, "", "IndexName", "other"), "check_search_index"),
    ("an engine in nextgen", engine_named, "check_search_index"),
    ("no search", changed(INDEX, "", "Settings", "Index", "Knn", False), "check_search_index"),
    (
        "never rests",
        changed(COLLECTION_GROUP, "", "CapacityLimits", "MinSearchCapacityInOcu", 2),
        "check_capacity",
    ),
    (
        "no limit",
        without(COLLECTION_GROUP, "", "CapacityLimits", "MaxIndexingCapacityInOcu"),
        "check_capacity",
    ),
    ("standby by default", without(COLLECTION, "", "StandbyReplicas"), "check_capacity"),
    (
        "tags",
        changed(COLLECTION, "", "Tags", [{"Key": "Stage", "Value": "dev"}]),
        "check_collection_has_no_tags",
    ),
    (
        "an endpoint",
        added("AWS::OpenSearchServerless::VpcEndpoint"),
        "check_no_search_endpoint_is_made",
    ),
)
CLASSIC_MUTATIONS: list[Case] = stack(
    (
        "another engine",
        changed(INDEX, "", *FIELD, "Method", "Engine", "nmslib"),
        "check_search_index",
    ),
    (
        "another distance",
        changed(INDEX, "", *FIELD, "Method", "SpaceType", "cosinesimil"),
        "check_search_index",
    ),
    (
        "few candidates",
        changed(INDEX, "", "Settings", "Index", "KnnAlgoParamEfSearch", 10),
        "check_search_index",
    ),
    ("vectors that are lost", lost(COLLECTION), "check_deletion"),
    ("a store that stays empty", deleted_as(COLLECTION, "Retain"), "check_deletion"),
    ("nobody is let in any more", deleted_as(ACCESS, "Delete"), "check_deletion"),
    ("no network any more", deleted_as(SECURITY, "Delete"), "check_deletion"),
    (
        "a store that is kept and emptied",
        changed(SOURCE, "", "DataDeletionPolicy", "DELETE"),
        "check_deletion",
    ),
)
# Variant of knowledge_synthesis -> what is broken there.
STORE_MUTATIONS: dict[str, list[tuple[str, Mutation, str]]] = {
    "s3_vectors": [
        (
            "text that can be filtered by",
            changed(
                VECTORS,
                "",
                "MetadataConfiguration",
                "NonFilterableMetadataKeys",
                ["AMAZON_BEDROCK_TEXT_CHUNK", "AMAZON_BEDROCK_METADATA"],
            ),
            "check_s3_vectors",
        ),
        ("another dimension", changed(VECTORS, "", "Dimension", 512), "check_dimension"),
    ],
    "aurora_postgresql": [
        (
            "never pauses",
            changed(CLUSTER, "", "ServerlessV2ScalingConfiguration", "MinCapacity", 0.5),
            "check_database",
        ),
        ("not encrypted", changed(CLUSTER, "", "StorageEncrypted", False), "check_database"),
        (
            "a log for ever",
            without(LOG_GROUP, "AuroraPostgresqlLog", "RetentionInDays"),
            "check_database",
        ),
        ("a log that RDS makes first", alone(CLUSTER), "check_database"),
        ("a reserved name", changed(CLUSTER, "", "MasterUsername", "admin"), "check_database"),
        (
            "one name for every stack",
            changed(CLUSTER, "", "DBClusterIdentifier", "vectors"),
            "check_search_names",
        ),
        ("protected", changed(CLUSTER, "", "DeletionProtection", True), "check_database"),
        ("public", changed(INSTANCE, "", "PubliclyAccessible", True), "check_database"),
        (
            "a way in",
            changed(SECURITY_GROUP, "", "SecurityGroupIngress", [{"CidrIp": "10.0.0.0/8"}]),
            "check_database",
        ),
        (
            "the master's password",
            masters_password,
            "check_database_user",
        ),
        (
            "a table of another dimension",
            changed("Custom::PostgresSchema", "", "Dimension", 512),
            "check_dimension",
        ),
        ("Bedrock before its table", alone(BASE), "check_store_comes_first"),
    ],
    "opensearch_managed": [
        ("a domain that Bedrock may not look at", not_described, "check_domain"),
        ("a domain for every version", no_upgrade, "check_domain"),
        (
            "passwords",
            changed(DOMAIN, "", "AdvancedSecurityOptions", "InternalUserDatabaseEnabled", True),
            "check_domain",
        ),
        (
            "plain HTTP",
            changed(DOMAIN, "", "DomainEndpointOptions", "EnforceHTTPS", False),
            "check_domain",
        ),
        (
            "everybody",
            changed(
                DOMAIN,
                "",
                "AccessPolicies",
                "Statement",
                [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "es:*"}],
            ),
            "check_domain",
        ),
        (
            "not encrypted",
            changed(DOMAIN, "", "EncryptionAtRestOptions", {"Enabled": False}),
            "check_domain",
        ),
        (
            "one name for every stack",
            changed(DOMAIN, "", "DomainName", "vectors"),
            "check_search_names",
        ),
    ],
    "aurora_postgresql kept": [
        ("a snapshot of a member", deleted_as(INSTANCE, "Snapshot"), "check_database"),
        (
            "nobody asks how far reading is",
            policy("parsing", "Action", "bedrock:GetDataAutomationStatus"),
            "check_documents_can_be_read_automatically",
        ),
    ],
    "opensearch_serverless kept": [
        (
            "a log with a name of its own",
            changed(DELIVERY_SOURCE, "", "Name", "Groundwork-dev-Knowledge-123456"),
            "check_logs_of_ingestion",
        ),
        (
            "a Region that a profile sends documents to",
            policy("parsing", "Resource", "arn:aws:bedrock:eu-west-1::foundation-model/x"),
            "check_role_may_embed",
        ),
    ],
    "redis_enterprise_cloud": [
        ("whoever made it", third_party("Setup", None), "check_third_party"),
        ("any knowledge base", of_others("bedrock:DeleteKnowledgeBase"), OWN),
        ("a tag for others", of_others("bedrock:TagResource"), OWN),
        ("any secret", third_party("IngestionFunction", "*"), "check_third_party"),
        (
            "any resource of Bedrock",
            trust("ArnLike"),
            "check_role_is_for_knowledge_bases",
        ),
    ],
}
