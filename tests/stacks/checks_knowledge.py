"""Rules for knowledge bases: what holds whichever vector store there is."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from stacks.embedding_models import EMBEDDING_MODELS
from stacks.inference_profiles import REACH
from tests.stacks.reading import Properties, Template, as_list, resources, statements, text

BASE, SOURCE = "AWS::Bedrock::KnowledgeBase", "AWS::Bedrock::DataSource"
ROLE, FUNCTION = "AWS::IAM::Role", "AWS::Lambda::Function"
REDIS = "Custom::RedisKnowledgeBase"
DELIVERY, GROUP = "AWS::Logs::Delivery", "AWS::Logs::LogGroup"
DELIVERY_SOURCE, DELIVERY_DESTINATION = (
    "AWS::Logs::DeliverySource",
    "AWS::Logs::DeliveryDestination",
)
FINGERPRINT = re.compile(r"-[0-9a-f]{6}$")
# What vectors are in, and what nobody reaches them without: what is to become of it where they are
# kept, when it is deleted and when it is replaced. What is new goes when its creation fails.
RETAINED = ("RetainExceptOnCreate", "Retain")
HELD = {
    "AWS::KMS::Key": RETAINED,
    "AWS::OpenSearchServerless::AccessPolicy": RETAINED,
    "AWS::OpenSearchServerless::Collection": RETAINED,
    "AWS::OpenSearchServerless::CollectionGroup": RETAINED,
    "AWS::OpenSearchServerless::Index": RETAINED,
    "AWS::OpenSearchServerless::SecurityPolicy": RETAINED,
    "AWS::OpenSearchService::Domain": RETAINED,
    "AWS::RDS::DBCluster": ("Snapshot", "Snapshot"),
    "AWS::RDS::DBInstance": ("Delete", "Delete"),
    "AWS::S3Vectors::Index": RETAINED,
    "AWS::S3Vectors::VectorBucket": RETAINED,
}
CUSTOM = {
    "Custom::IndexAdmitted",
    "Custom::PostgresSchema",
    "Custom::RedisKnowledgeBase",
    "Custom::SearchIndex",
}


def knowledge_base(template: Template) -> tuple[str, Properties]:
    """Logical id and properties, as CloudFormation's type has them."""
    for name, properties in resources(template, BASE).items():
        return name, properties
    ((name, made),) = resources(template, REDIS).items()
    request: dict[str, Any] = _pascal(json.loads(text(made["Request"])))
    return name, request


def _pascal(value: Any) -> Any:
    if isinstance(value, dict):
        return {name[:1].upper() + name[1:]: _pascal(each) for name, each in value.items()}
    return value


def storage(template: Template) -> dict[str, Any]:
    """The store's own part of the configuration."""
    _, properties = knowledge_base(template)
    configuration = properties["StorageConfiguration"]
    ((_, found),) = ((name, each) for name, each in configuration.items() if name != "Type")
    return dict(found)


def kept(template: Template) -> bool:
    """Whether the stage keeps its data: what the data source says is settled by it alone."""
    ((_, source),) = resources(template, SOURCE).items()
    return bool(source["DataDeletionPolicy"] == "RETAIN")


def role_of_knowledge_base(template: Template) -> str:
    """Logical id."""
    _, properties = knowledge_base(template)
    match = re.fullmatch(r"<(\w+)\.Arn>", text(properties["RoleArn"]))
    assert match
    return match.group(1)


def allowed(template: Template, role: str) -> Iterator[tuple[set[str], set[str]]]:
    """Actions and resources of the statements of a role."""
    for policy in resources(template, ROLE)[role].get("Policies", []):
        for statement in statements(policy["PolicyDocument"]):
            yield (
                set(as_list(statement["Action"])),
                {text(each) for each in as_list(statement["Resource"])},
            )


def before(template: Template, name: str) -> set[str]:
    """Everything that CloudFormation makes before a resource."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        resource = template["Resources"][waiting.pop()]
        for each in {*as_list(resource.get("DependsOn")), *_referenced(resource)}:
            if each in template["Resources"] and each not in found:
                found.add(each)
                waiting.append(each)
    return found


def _referenced(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if "Ref" in value:
            yield value["Ref"]
        if "Fn::GetAtt" in value:
            yield value["Fn::GetAtt"][0]
        for each in value.values():
            yield from _referenced(each)
    elif isinstance(value, list):
        for each in value:
            yield from _referenced(each)


def check_role_is_for_knowledge_bases(template: Template) -> list[str]:
    """Of this account; otherwise somebody else's knowledge base could be given the role."""
    role = resources(template, ROLE)[role_of_knowledge_base(template)]
    (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
    condition = statement.get("Condition", {})
    source = text(condition.get("ArnLike", {}).get("aws:SourceArn", ""))
    return [
        wrong
        for wrong, holds in (
            ("not Bedrock", statement["Principal"] == {"Service": "bedrock.amazonaws.com"}),
            (
                "any account",
                condition.get("StringEquals", {}).get("aws:SourceAccount")
                == {"Ref": "AWS::AccountId"},
            ),
            (
                "not only knowledge bases",
                source.endswith(":<AWS::Region>:<AWS::AccountId>:knowledge-base/*"),
            ),
        )
        if not holds
    ]


def check_role_may_embed(template: Template) -> list[str]:
    """The very model that the knowledge base names: without it, ingestion fails, not deployment."""
    _, properties = knowledge_base(template)
    vectors = properties["KnowledgeBaseConfiguration"]["VectorKnowledgeBaseConfiguration"]
    model = text(vectors["EmbeddingModelArn"])
    invoked = {
        resource
        for actions, found in allowed(template, role_of_knowledge_base(template))
        if "bedrock:InvokeModel" in actions
        for resource in found
    }
    problems = [] if model in invoked else [f"{model} may not be invoked"]
    ((_, source),) = resources(template, SOURCE).items()
    parsing = source["VectorIngestionConfiguration"].get("ParsingConfiguration", {})
    parser = text(parsing.get("BedrockFoundationModelConfiguration", {}).get("ModelArn", model))
    problems += [] if parser in invoked else [f"{parser} may not be invoked"]
    read = _models_behind(parser)
    problems += [f"{each} may not read" for each in read - invoked]
    others = {each for each in invoked - read - {model, parser} if ".rerank-" not in each}
    return problems + [f"{each} may be invoked" for each in others]


def check_role_may_rerank(template: Template) -> list[str]:
    """Retrieve reranks in this role's name: the action, and a model that does it; or neither."""
    given = list(allowed(template, role_of_knowledge_base(template)))
    action = any("bedrock:Rerank" in actions for actions, _ in given)
    model = any(
        "bedrock:InvokeModel" in actions and any(".rerank-" in each for each in found)
        for actions, found in given
    )
    return [] if action == model else ["reranking lacks its model, or its action"]


def _models_behind(arn: str) -> set[str]:
    """The model of an inference profile, in every Region that it sends requests to."""
    _, profile, name = arn.partition(":inference-profile/")
    if not profile:
        return set()
    geography, _, model = name.partition(".")
    regions = ("<AWS::Region>", *REACH[model].profiles[geography])
    return {
        f"arn:<AWS::Partition>:bedrock:{region}::foundation-model/{model}" for region in regions
    }


def check_documents_can_be_read_automatically(template: Template) -> list[str]:
    """Data Automation asks for two permissions, without which every document fails."""
    ((_, source),) = resources(template, SOURCE).items()
    parsing = source["VectorIngestionConfiguration"].get("ParsingConfiguration", {})
    wanted = {"bedrock:InvokeDataAutomationAsync", "bedrock:GetDataAutomationStatus"}
    if parsing.get("ParsingStrategy") != "BEDROCK_DATA_AUTOMATION":
        return []
    given = {
        action
        for actions, _ in allowed(template, role_of_knowledge_base(template))
        for action in actions
    }
    return [f"the role lacks {each}" for each in sorted(wanted - given)]


def check_role_reads_documents(template: Template) -> list[str]:
    """Of the data source's bucket, and no other."""
    ((_, source),) = resources(template, SOURCE).items()
    bucket = text(source["DataSourceConfiguration"]["S3Configuration"]["BucketArn"])
    read = {
        resource
        for actions, found in allowed(template, role_of_knowledge_base(template))
        if any(action.startswith("s3:") for action in actions)
        for resource in found
    }
    return [] if read == {bucket, f"{bucket}/*"} else [f"reads {sorted(read)}, not {bucket}"]


def check_dimension(template: Template) -> list[str]:
    """One that the model offers, and the same wherever vectors are kept."""
    _, properties = knowledge_base(template)
    vectors = properties["KnowledgeBaseConfiguration"]["VectorKnowledgeBaseConfiguration"]
    model = text(vectors["EmbeddingModelArn"]).rpartition("/")[2]
    known = EMBEDDING_MODELS[model]
    asked = (
        vectors.get("EmbeddingModelConfiguration", {})
        .get("BedrockEmbeddingModelConfiguration", {})
        .get("Dimensions")
    )
    problems = []
    if known.chooses_dimension != (asked is not None):
        problems.append(f"{model} and a dimension do not go together")
    dimension = asked or known.dimensions[0]
    if dimension not in known.dimensions:
        problems.append(f"{model} has no {dimension} dimensions")
    return problems + [
        f"{name} has {found} dimensions, the model {dimension}"
        for name, found in dimensions_kept(template)
        if found != dimension
    ]


def dimensions_kept(template: Template) -> Iterator[tuple[str, int]]:
    """Of every index and table."""
    for name, index in resources(template, "AWS::OpenSearchServerless::Index").items():
        for field in index["Mappings"]["Properties"].values():
            if field["Type"] == "knn_vector":
                yield name, field["Dimension"]
    for name, index in resources(template, "AWS::S3Vectors::Index").items():
        yield name, index["Dimension"]
    for name, schema in resources(template, "Custom::PostgresSchema").items():
        yield name, schema["Dimension"]
    for name, index in resources(template, "Custom::SearchIndex").items():
        for field in json.loads(index["Body"])["mappings"]["properties"].values():
            if field["type"] == "knn_vector":
                yield name, field["dimension"]


def check_names_change_with_what_is_replaced(template: Template) -> list[str]:
    """A name that stays is taken while CloudFormation makes the replacement."""
    named = {"the knowledge base": knowledge_base(template)[1]["Name"]}
    for name, source in resources(template, SOURCE).items():
        named[name] = source["Name"]
    return [
        f"{name} is always called {each}"
        for name, each in named.items()
        if not FINGERPRINT.search(text(each))
    ]


def check_deletion(template: Template) -> list[str]:
    """Vectors that are kept stay, with their store and the way to it; the rest goes, all of it.

    `kept` is what the data source does with its vectors, so that they and what they are in cannot
    differ. A cluster's member holds nothing: a snapshot is the cluster's.
    """
    problems = []
    for name, resource in template["Resources"].items():
        if resource["Type"] not in HELD:
            continue
        wanted = HELD[resource["Type"]] if kept(template) else ("Delete", "Delete")
        problems += [
            f"{name} {attribute}: {resource.get(attribute, 'Delete')}"
            for attribute, policy in zip(
                ("DeletionPolicy", "UpdateReplacePolicy"), wanted, strict=True
            )
            if resource.get(attribute, "Delete") != policy
        ]
    return problems


def check_store_comes_first(template: Template) -> list[str]:
    """Bedrock looks at index and permissions when the knowledge base is created."""
    name, _ = knowledge_base(template)
    earlier = before(template, name)
    needed = {
        each
        for each, resource in template["Resources"].items()
        if resource["Type"].startswith(
            ("AWS::OpenSearchServerless::", "AWS::S3Vectors::", "AWS::RDS::", "Custom::")
        )
        or resource["Type"] == "AWS::OpenSearchService::Domain"
    } - {name}
    return [f"{each} comes after the knowledge base" for each in sorted(needed - earlier)]


def check_custom_resources_are_ours(template: Template) -> list[str]:
    problems = [
        f"{name} is a custom resource of another kind"
        for name, resource in template["Resources"].items()
        if resource["Type"] == "AWS::CloudFormation::CustomResource"
        or (resource["Type"].startswith("Custom::") and resource["Type"] not in CUSTOM)
    ]
    return problems + [
        f"{name} is not ours"
        for name, function in resources(template, FUNCTION).items()
        if function["Handler"].partition(".")[0] not in ("vector_store", "ingestion")
    ]


def check_logs_of_ingestion(template: Template) -> list[str]:
    """A prefix that needs no entry in a resource policy, of which an account has ten, and a name
    that is another one whenever the knowledge base is: the old one's is still taken.
    """
    problems = [
        f"{name} adds to the account's resource policies"
        for name, policy in resources(template, "AWS::Logs::ResourcePolicy").items()
        if "bedrock" in text(policy["PolicyDocument"])
    ]
    deliveries = resources(template, DELIVERY)
    groups = [text(each.get("LogGroupName", "")) for each in resources(template, GROUP).values()]
    if deliveries and not any(each.startswith("/aws/vendedlogs/") for each in groups):
        problems.append("the log of ingestion goes nowhere, or needs a resource policy")
    wanted = text(knowledge_base(template)[1]["Name"])
    return problems + [
        f"{name} is called {called}, and the knowledge base {wanted}"
        for kind in (DELIVERY_SOURCE, DELIVERY_DESTINATION)
        for name, each in resources(template, kind).items()
        if (called := text(each["Name"])) != wanted
    ]


def check_knowledge_outputs(template: Template) -> list[str]:
    wanted = {"KnowledgeBaseId", "DataSourceId", "VectorStore", "KnowledgeTableName", "Identity"}
    return [f"there is no output {name}" for name in wanted - set(template.get("Outputs", {}))]
