"""What the Knowledge and Assistant stacks are made of, through CloudFormation and the SDK."""

from __future__ import annotations

import json
import re
import ssl
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, WaiterError

from local.session import LocalAws
from local.stores import valkey_servers

pytestmark = pytest.mark.xdist_group("local-aws")

Resources = Mapping[str, Mapping[str, Any]]
TITAN = "arn:aws:bedrock:eu-west-1::foundation-model/amazon.titan-embed-text-v2:0"
FIELDS = {"VectorField": "vector", "TextField": "text", "MetadataField": "metadata"}
ROLE = {
    "Type": "AWS::IAM::Role",
    "Properties": {
        "AssumeRolePolicyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "bedrock.amazonaws.com"},
                    "Action": "sts:AssumeRole",
                }
            ],
        }
    },
}
DEPLOYER = "arn:aws:iam::000000000000:role/deployer"


class Stack:
    """A stack that may fail, which then says why."""

    def __init__(self, aws: LocalAws, name: str) -> None:
        self._cloudformation = aws.client("cloudformation")
        self._name = name
        self._exists = False

    def deploy(self, resources: Resources, role: str | None = None) -> dict[str, str]:
        """The outputs."""
        outputs = {
            name: {"Value": {"Ref": name}} for name in resources if not name.startswith("Hidden")
        }
        request = {
            "StackName": self._name,
            "TemplateBody": json.dumps({"Resources": resources, "Outputs": outputs}),
            **({"RoleARN": role} if role else {}),
        }
        if self._exists:
            self._cloudformation.update_stack(**request)
        else:
            self._cloudformation.create_stack(**request, OnFailure="DO_NOTHING")
        self._exists = True
        described = self._settled()
        if not described["StackStatus"].endswith(("CREATE_COMPLETE", "UPDATE_COMPLETE")):
            raise AssertionError(f"{described['StackStatus']}: {self.why()}")
        return {each["OutputKey"]: each["OutputValue"] for each in described.get("Outputs", [])}

    def _settled(self) -> dict[str, Any]:
        for _ in range(240):
            try:
                found = self._cloudformation.describe_stacks(StackName=self._name)["Stacks"][0]
            except ClientError:
                return {"StackStatus": "DELETE_COMPLETE"}
            if not found["StackStatus"].endswith("_IN_PROGRESS"):
                return dict(found)
            time.sleep(0.1)
        raise AssertionError(f"{self._name} does not settle: {found['StackStatus']}")

    def why(self) -> str:
        events = self._cloudformation.describe_stack_events(StackName=self._name)["StackEvents"]
        return " | ".join(
            each["ResourceStatusReason"] for each in events if each.get("ResourceStatusReason")
        )

    def delete(self) -> str:
        """The state that it ends in."""
        if not self._exists:
            return "DELETE_COMPLETE"
        self._cloudformation.delete_stack(StackName=self._name)
        state = str(self._settled()["StackStatus"])
        self._exists = state != "DELETE_COMPLETE"
        return state


@pytest.fixture
def stack(aws: LocalAws, request: pytest.FixtureRequest) -> Iterator[Stack]:
    made = Stack(aws, re.sub(r"\W|_", "-", request.node.name)[:60].rstrip("-"))
    yield made
    made.delete()


def get(name: str, attribute: str) -> dict[str, Any]:
    return {"Fn::GetAtt": [name, attribute]}


# OpenSearch Serverless


def policy(kind: str, document: object) -> dict[str, Any]:
    return {"Name": "passages", "Type": kind, "Policy": {"Fn::Sub": json.dumps(document)}}


def search(
    *, readers: str = "${Role.Arn}", creator: str = DEPLOYER, dimension: int = 1024, **index: Any
) -> dict[str, Any]:
    """A collection with an index, and all that it needs."""
    rules = {"Rules": [{"ResourceType": "collection", "Resource": ["collection/passages"]}]}

    def may(principal: str, *permissions: str) -> dict[str, Any]:
        rule = {"ResourceType": "index", "Resource": ["index/passages/*"]}
        return {"Rules": [{**rule, "Permission": permissions}], "Principal": [principal]}

    access = [
        may(readers, "aoss:ReadDocument", "aoss:WriteDocument"),
        may(creator, "aoss:CreateIndex", "aoss:UpdateIndex"),
    ]
    method = {
        "Name": "hnsw",
        "Engine": "faiss",
        "SpaceType": "l2",
        "Parameters": {"M": 16, "EfConstruction": 128},
        **index,
    }
    prefix = "AWS::OpenSearchServerless"
    return {
        "Role": ROLE,
        "Encryption": {
            "Type": f"{prefix}::SecurityPolicy",
            "Properties": policy("encryption", {**rules, "AWSOwnedKey": True}),
        },
        "Network": {
            "Type": f"{prefix}::SecurityPolicy",
            "Properties": policy("network", [{**rules, "AllowFromPublic": True}]),
        },
        "Access": {"Type": f"{prefix}::AccessPolicy", "Properties": policy("data", access)},
        "Group": {
            "Type": f"{prefix}::CollectionGroup",
            "Properties": {
                "Name": "passages",
                "StandbyReplicas": "DISABLED",
                "Generation": "NEXTGEN",
            },
        },
        "Collection": {
            "Type": f"{prefix}::Collection",
            "DependsOn": ["Encryption", "Network", "Group"],
            "Properties": {
                "Name": "passages",
                "Type": "VECTORSEARCH",
                "CollectionGroupName": "passages",
                "StandbyReplicas": "DISABLED",
            },
        },
        "Index": {
            "Type": f"{prefix}::Index",
            "DependsOn": "Access",
            "Properties": {
                "CollectionEndpoint": get("Collection", "CollectionEndpoint"),
                "IndexName": "passages",
                "Settings": {"Index": {"Knn": True, "KnnAlgoParamEfSearch": 128}},
                "Mappings": {
                    "Properties": {
                        "vector": {"Type": "knn_vector", "Dimension": dimension, "Method": method},
                        "text": {"Type": "text", "Index": True},
                        "metadata": {"Type": "text", "Index": False},
                    }
                },
            },
        },
    }


def knowledge_base(*, deletion: str = "DELETE", name: str = "kb", **storage: Any) -> dict[str, Any]:
    configured = storage or {
        "Type": "OPENSEARCH_SERVERLESS",
        "OpensearchServerlessConfiguration": {
            "CollectionArn": get("Collection", "Arn"),
            "VectorIndexName": "passages",
            "FieldMapping": FIELDS,
        },
    }
    return {
        "Base": {
            "Type": "AWS::Bedrock::KnowledgeBase",
            "DependsOn": "Index",
            "Properties": {
                "Name": name,
                "RoleArn": get("Role", "Arn"),
                "KnowledgeBaseConfiguration": {
                    "Type": "VECTOR",
                    "VectorKnowledgeBaseConfiguration": {"EmbeddingModelArn": TITAN},
                },
                "StorageConfiguration": configured,
            },
        },
        "Source": {
            "Type": "AWS::Bedrock::DataSource",
            "Properties": {
                "Name": "documents",
                "KnowledgeBaseId": {"Ref": "Base"},
                "DataDeletionPolicy": deletion,
                "DataSourceConfiguration": {
                    "Type": "S3",
                    "S3Configuration": {"BucketArn": "arn:aws:s3:::documents"},
                },
            },
        },
    }


def test_a_knowledge_base_on_a_collection_is_made_changed_replaced_and_deleted(
    stack: Stack, aws: LocalAws
) -> None:
    bedrock = aws.client("bedrock-agent")
    first = stack.deploy({**search(), **knowledge_base()}, DEPLOYER)
    known = bedrock.get_knowledge_base(knowledgeBaseId=first["Base"])["knowledgeBase"]
    assert known["status"] == "ACTIVE"
    assert known["storageConfiguration"]["opensearchServerlessConfiguration"]["vectorIndexName"]
    (summary,) = aws.client("opensearchserverless").list_collections()["collectionSummaries"]
    assert summary["status"] == "ACTIVE"
    assert f"{summary['id']}/passages" in aws.control("status")["stores"]["indices"]

    described = knowledge_base()
    described["Base"]["Properties"]["Description"] = "known"
    second = stack.deploy({**search(), **described}, DEPLOYER)
    assert second == first

    # Chunking can only be replaced (and the name is then another one)
    chunked = knowledge_base()
    chunked["Source"]["Properties"].update(
        Name="chunked",
        VectorIngestionConfiguration={"ChunkingConfiguration": {"ChunkingStrategy": "NONE"}},
    )
    third = stack.deploy({**search(), **chunked}, DEPLOYER)
    assert third["Base"] == first["Base"]
    assert third["Source"] != first["Source"]
    sources = bedrock.list_data_sources(knowledgeBaseId=first["Base"])["dataSourceSummaries"]
    assert [each["name"] for each in sources] == ["chunked"]

    assert stack.delete() == "DELETE_COMPLETE"
    assert bedrock.list_knowledge_bases()["knowledgeBaseSummaries"] == []
    assert aws.client("opensearchserverless").list_collections()["collectionSummaries"] == []


def test_pitfall_25_the_role_that_deploys_must_be_named_to_create_an_index(stack: Stack) -> None:
    with pytest.raises(AssertionError, match=r"403 Forbidden: .*/somebody-else has no aoss:Create"):
        stack.deploy(search(), "arn:aws:iam::000000000000:role/somebody-else")


def test_pitfall_24_a_role_that_no_data_policy_names_makes_no_knowledge_base(stack: Stack) -> None:
    with pytest.raises(
        AssertionError, match=r"403 Forbidden: .* has no aoss:ReadDocument on index"
    ):
        stack.deploy({**search(readers=DEPLOYER), **knowledge_base()}, DEPLOYER)


@pytest.mark.parametrize(
    ("index", "complaint"),
    [
        ({"dimension": 512}, "Query vector has invalid dimension: 1024. Dimension should be: 512"),
        ({"Engine": "nmslib"}, "the index's engine is nmslib; a knowledge base needs faiss"),
        ({"dimension": 20000}, "between 1 and 16000"),
    ],
    ids=["dimension", "engine", "size"],
)
def test_pitfall_29_an_index_that_does_not_fit_is_refused(
    stack: Stack, index: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(AssertionError, match=complaint):
        stack.deploy({**search(**index), **knowledge_base()}, DEPLOYER)


def test_pitfall_30_a_name_collides_with_what_it_replaces(stack: Stack) -> None:
    stack.deploy({**buckets(), **knowledge_base(**ON_VECTORS)})
    other = {**buckets(index="others"), **knowledge_base(**ON_VECTORS)}
    with pytest.raises(AssertionError, match="KnowledgeBase with name kb already exists"):
        stack.deploy(other)


def test_what_was_replaced_stays_when_the_update_fails(stack: Stack, aws: LocalAws) -> None:
    before = stack.deploy(buckets(dimension=3))
    broken = {"Type": "AWS::S3Vectors::Index", "DependsOn": "Index", "Properties": {}}
    with pytest.raises(AssertionError, match=r"required key \[DataType\] not found"):
        stack.deploy({**buckets(index="others", dimension=4), "Hidden": broken})
    found = aws.client("s3vectors").list_indexes(vectorBucketArn=before["Bucket"])["indexes"]
    assert [each["indexArn"] for each in found] == [before["Index"]]
    after = stack.deploy(buckets(index="others", dimension=4))
    found = aws.client("s3vectors").list_indexes(vectorBucketArn=before["Bucket"])["indexes"]
    assert [each["indexArn"] for each in found] == [after["Index"]] != [before["Index"]]


def test_a_resource_does_not_become_one_of_another_type(stack: Stack, aws: LocalAws) -> None:
    stack.deploy({"Thing": {"Type": "AWS::SQS::Queue", "Properties": {}}})
    with pytest.raises(AssertionError, match=r"modifies resource type of .*: \[Thing\]"):
        stack.deploy({"Thing": {"Type": "AWS::SNS::Topic", "Properties": {}}})


def test_a_change_of_outputs_alone_is_a_change(aws: LocalAws) -> None:
    cloudformation = aws.client("cloudformation")
    queue = {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {}}}

    def change(kind: str, outputs: Mapping[str, Any]) -> str:
        body = json.dumps({"Resources": queue, "Outputs": outputs})
        made = cloudformation.create_change_set(
            StackName="outputs",
            ChangeSetName=f"c{time.monotonic_ns()}",
            ChangeSetType=kind,
            TemplateBody=body,
        )
        waiter = cloudformation.get_waiter("change_set_create_complete")
        waiter.wait(ChangeSetName=made["Id"], WaiterConfig={"Delay": 1, "MaxAttempts": 9})
        cloudformation.execute_change_set(ChangeSetName=made["Id"])
        waiter = cloudformation.get_waiter(f"stack_{kind.lower()}_complete")
        waiter.wait(StackName="outputs", WaiterConfig={"Delay": 1, "MaxAttempts": 9})
        return str(made["Id"])

    change("CREATE", {"A": {"Value": "a"}})
    try:
        change("UPDATE", {"A": {"Value": "a"}, "B": {"Value": "b", "Export": {"Name": "b"}}})
        exports = cloudformation.list_exports()["Exports"]
        assert [each["Value"] for each in exports if each["Name"] == "b"] == ["b"]
        with pytest.raises(WaiterError):
            change("UPDATE", {"A": {"Value": "a"}, "B": {"Value": "b", "Export": {"Name": "b"}}})
    finally:
        cloudformation.delete_stack(StackName="outputs")


def test_create_knowledge_base_looks_at_its_store_too(aws: LocalAws) -> None:
    bedrock = aws.client("bedrock-agent")
    nowhere = "arn:aws:s3vectors:eu-west-1:000000000000:bucket/none/index/none"
    with pytest.raises(bedrock.exceptions.ValidationException, match="index could not be found"):
        bedrock.create_knowledge_base(
            name="nowhere",
            roleArn="arn:aws:iam::000000000000:role/somebody",
            knowledgeBaseConfiguration={
                "type": "VECTOR",
                "vectorKnowledgeBaseConfiguration": {"embeddingModelArn": TITAN},
            },
            storageConfiguration={
                "type": "S3_VECTORS",
                "s3VectorsConfiguration": {"indexArn": nowhere},
            },
        )


# S3 Vectors

ON_VECTORS = {
    "Type": "S3_VECTORS",
    "S3VectorsConfiguration": {"IndexArn": get("Index", "IndexArn")},
}


def buckets(*, index: str = "chunks", dimension: int = 1024) -> dict[str, Any]:
    return {
        "Role": ROLE,
        "Bucket": {"Type": "AWS::S3Vectors::VectorBucket", "Properties": {}},
        "Index": {
            "Type": "AWS::S3Vectors::Index",
            "Properties": {
                "VectorBucketArn": get("Bucket", "VectorBucketArn"),
                "IndexName": index,
                "DataType": "float32",
                "Dimension": dimension,
                "DistanceMetric": "cosine",
                "MetadataConfiguration": {"NonFilterableMetadataKeys": ["text"]},
            },
        },
    }


def test_vectors_are_put_queried_listed_and_deleted_as_documented(
    stack: Stack, aws: LocalAws
) -> None:
    index = stack.deploy(buckets(dimension=3))["Index"]
    vectors = aws.client("s3vectors")
    assert vectors.get_index(indexArn=index)["index"]["dimension"] == 3
    put = [
        {
            "key": f"k{at}",
            "data": {"float32": [1.0, at / 10, 0.0]},
            "metadata": {"year": 2000 + at, "tags": ["a", f"t{at}"], "text": "x" * 3000},
        }
        for at in range(6)
    ]
    vectors.put_vectors(indexArn=index, vectors=put)

    def query(**request: Any) -> list[str]:
        found = vectors.query_vectors(
            **{
                "indexArn": index,
                "topK": 3,
                "queryVector": {"float32": [1.0, 0.0, 0.0]},
                **request,
            }
        )
        return [each["key"] for each in found["vectors"]]

    assert query() == ["k0", "k1", "k2"]
    assert query(filter={"year": {"$gte": 2003, "$lt": 2005}}) == ["k3", "k4"]
    assert query(filter={"$or": [{"tags": "t5"}, {"year": 2002}]}) == ["k2", "k5"]
    assert query(filter={"$and": [{"tags": {"$nin": ["t0", "t1"]}}, {"tags": "a"}]})[0] == "k2"
    found = vectors.query_vectors(
        indexArn=index,
        topK=1,
        queryVector={"float32": [0.0, 2.0, 0.0]},
        returnDistance=True,
        returnMetadata=True,
    )
    assert found["distanceMetric"] == "cosine"
    assert found["vectors"][0]["metadata"]["year"] == 2005
    assert found["vectors"][0]["distance"] == pytest.approx(1 - 0.5 / 1.25**0.5, abs=1e-6)

    page = vectors.list_vectors(indexArn=index, maxResults=4)
    rest = vectors.list_vectors(indexArn=index, maxResults=4, nextToken=page["nextToken"])
    assert [each["key"] for each in page["vectors"] + rest["vectors"]] == [
        each["key"] for each in put
    ]
    assert "nextToken" not in rest
    vectors.delete_vectors(indexArn=index, keys=["k0", "unknown"])
    assert query() == ["k1", "k2", "k3"]
    got = vectors.get_vectors(indexArn=index, keys=["k0", "k1"], returnData=True)["vectors"]
    assert [each["key"] for each in got] == ["k1"]
    assert got[0]["data"]["float32"] == pytest.approx([1.0, 0.1, 0.0])


@pytest.mark.parametrize(
    ("vector", "complaint"),
    [
        ({"data": {"float32": [1.0]}}, "must have length 3, but has length 1"),
        ({"data": {"float32": [0.0, 0.0, 0.0]}}, "zero vector"),
        ({"metadata": {"note": "x" * 2100}}, "Filterable metadata must have at most 2048 bytes"),
        ({"metadata": {"text": "x" * 41000}}, "Total metadata must have at most 40960 bytes"),
        ({"metadata": {f"n{at}": at for at in range(51)}}, "at most 50 are allowed"),
    ],
    ids=["dimension", "zero", "filterable", "total", "keys"],
)
def test_pitfall_34_a_vector_beyond_the_limits_is_refused(
    vector_index: str, aws: LocalAws, vector: dict[str, Any], complaint: str
) -> None:
    vectors = aws.client("s3vectors")
    whole = {"key": "k", "data": {"float32": [1.0, 0.0, 0.0]}, **vector}
    with pytest.raises(vectors.exceptions.ValidationException, match=complaint):
        vectors.put_vectors(indexArn=vector_index, vectors=[whole])
    assert vectors.list_vectors(indexArn=vector_index)["vectors"] == []


@pytest.fixture(scope="module")
def vector_index(aws: LocalAws) -> Iterator[str]:
    vectors = aws.client("s3vectors")
    vectors.create_vector_bucket(vectorBucketName="limits")
    made = vectors.create_index(
        vectorBucketName="limits",
        indexName="limits",
        dataType="float32",
        dimension=3,
        distanceMetric="cosine",
        metadataConfiguration={"nonFilterableMetadataKeys": ["text"]},
    )
    yield made["indexArn"]
    vectors.delete_index(indexArn=made["indexArn"])
    vectors.delete_vector_bucket(vectorBucketName="limits")


def test_the_service_of_vectors_refuses_by_the_documented_names(
    vector_index: str, aws: LocalAws
) -> None:
    vectors = aws.client("s3vectors")
    errors = vectors.exceptions
    with pytest.raises(errors.ConflictException):
        vectors.create_vector_bucket(vectorBucketName="limits")
    with pytest.raises(errors.ConflictException, match="not empty"):
        vectors.delete_vector_bucket(vectorBucketName="limits")
    with pytest.raises(errors.NotFoundException):
        vectors.get_index(vectorBucketName="limits", indexName="nowhere")
    asked = {"indexArn": vector_index, "topK": 1, "queryVector": {"float32": [1.0, 0.0, 0.0]}}
    for wrong, complaint in (
        ({"topK": 101}, "topK must be between 1 and 100"),
        ({"queryVector": {"float32": [1.0]}}, "its length is 1, the index's dimension 3"),
        ({"filter": {"text": "x"}}, "nothing"),
    ):
        if complaint == "nothing":  # an empty index decides no filter
            assert vectors.query_vectors(**{**asked, **wrong})["vectors"] == []
        else:
            with pytest.raises(errors.ValidationException, match=complaint):
                vectors.query_vectors(**{**asked, **wrong})


def test_pitfall_31_a_store_that_went_first_lets_no_data_source_go(
    stack: Stack, aws: LocalAws
) -> None:
    made = stack.deploy({**buckets(), **knowledge_base(**ON_VECTORS)})
    vectors = aws.client("s3vectors")
    vectors.delete_index(indexArn=made["Index"])
    assert stack.delete() == "DELETE_FAILED"
    assert "Unable to delete data from vector store for data source" in stack.why()
    assert "RETAIN" in stack.why()
    # With RETAIN it goes
    source = made["Source"].split("|")
    bedrock = aws.client("bedrock-agent")
    known = bedrock.get_data_source(knowledgeBaseId=source[0], dataSourceId=source[1])["dataSource"]
    bedrock.update_data_source(
        knowledgeBaseId=source[0],
        dataSourceId=source[1],
        name=known["name"],
        dataSourceConfiguration=known["dataSourceConfiguration"],
        dataDeletionPolicy="RETAIN",
    )
    assert stack.delete() == "DELETE_COMPLETE"


# Guardrails and prompts


def test_guardrails_and_prompts_have_versions_that_do_not_change(
    stack: Stack, aws: LocalAws
) -> None:
    def resources(text: str, label: str) -> dict[str, Any]:
        variant = {
            "Name": "main",
            "TemplateType": "TEXT",
            "TemplateConfiguration": {
                "Text": {"Text": text, "InputVariables": [{"Name": "question"}]}
            },
        }
        return {
            "Guard": {
                "Type": "AWS::Bedrock::Guardrail",
                "Properties": {
                    "Name": "guard",
                    "BlockedInputMessaging": text,
                    "BlockedOutputsMessaging": "no",
                    "TopicPolicyConfig": {
                        "TopicsConfig": [{"Name": "t", "Definition": "d", "Type": "DENY"}]
                    },
                },
            },
            "GuardVersion": {
                "Type": "AWS::Bedrock::GuardrailVersion",
                "Properties": {
                    "GuardrailIdentifier": get("Guard", "GuardrailId"),
                    "Description": label,
                },
            },
            "Prompt": {
                "Type": "AWS::Bedrock::Prompt",
                "Properties": {"Name": "prompt", "DefaultVariant": "main", "Variants": [variant]},
            },
            "PromptVersion": {
                "Type": "AWS::Bedrock::PromptVersion",
                "Properties": {"PromptArn": get("Prompt", "Arn"), "Description": label},
            },
        }

    first = stack.deploy(resources("one {{question}}", "1"))
    assert first["GuardVersion"].endswith("|1")
    assert first["PromptVersion"] == f"{first['Prompt']}:1"
    second = stack.deploy(resources("two {{question}}", "2"))
    assert second["GuardVersion"].endswith("|2")
    assert second["PromptVersion"] == f"{first['Prompt']}:2"
    prompts = aws.client("bedrock-agent")
    identifier = first["Prompt"].rpartition("/")[2]
    found = prompts.get_prompt(promptIdentifier=identifier, promptVersion="2")
    assert found["variants"][0]["templateConfiguration"]["text"]["text"] == "two {{question}}"
    guard = aws.client("bedrock").get_guardrail(
        guardrailIdentifier=first["GuardVersion"].partition("|")[0], guardrailVersion="2"
    )
    assert guard["blockedInputMessaging"] == "two {{question}}"


# Aurora


def test_a_member_of_a_cluster_leaves_no_snapshot(stack: Stack) -> None:
    member = {
        "Type": "AWS::RDS::DBInstance",
        "DeletionPolicy": "Snapshot",
        "Properties": {
            "Engine": "aurora-postgresql",
            "DBClusterIdentifier": "vectors",
            "DBInstanceClass": "db.serverless",
        },
    }
    with pytest.raises(AssertionError, match="use deletion policy on the cluster instead"):
        stack.deploy({"Writer": member})


def test_a_cluster_runs_sql_of_the_data_api_with_vectors_and_transactions(
    stack: Stack, aws: LocalAws
) -> None:
    made = stack.deploy(
        {
            "Cluster": {
                "Type": "AWS::RDS::DBCluster",
                "Properties": {
                    "Engine": "aurora-postgresql",
                    "DatabaseName": "knowledge",
                    "MasterUsername": "groundwork",
                    "ManageMasterUserPassword": True,
                    "EnableHttpEndpoint": True,
                    "ServerlessV2ScalingConfiguration": {"MinCapacity": 0, "MaxCapacity": 2},
                },
            },
            "Writer": {
                "Type": "AWS::RDS::DBInstance",
                "Properties": {
                    "Engine": "aurora-postgresql",
                    "DBClusterIdentifier": {"Ref": "Cluster"},
                    "DBInstanceClass": "db.serverless",
                },
            },
            "Secret": {
                "Type": "AWS::SSM::Parameter",
                "Properties": {
                    "Type": "String",
                    "Value": get("Cluster", "MasterUserSecret.SecretArn"),
                },
            },
        }
    )
    secret = aws.client("ssm").get_parameter(Name=made["Secret"])["Parameter"]["Value"]
    account = {
        "resourceArn": f"arn:aws:rds:{aws.record().region}:000000000000:cluster:{made['Cluster']}",
        "secretArn": secret,
    }
    data = aws.client("rds-data")

    def run(sql: str, **more: Any) -> list[list[dict[str, Any]]]:
        answer = data.execute_statement(**account, database="knowledge", sql=sql, **more)
        return list(answer.get("records", []))

    run("create extension if not exists vector")
    run("create table notes (id int primary key, vector vector(3), own json)")
    data.batch_execute_statement(
        **account,
        database="knowledge",
        sql="insert into notes values (:id, :vector::vector, :own::json)",
        parameterSets=[
            [
                {"name": "id", "value": {"longValue": at}},
                {"name": "vector", "value": {"stringValue": f"[{at},1,0]"}},
                {"name": "own", "value": {"stringValue": '{"a": 1}'}},
            ]
            for at in range(3)
        ],
    )
    nearest = run("select id, own from notes order by vector <-> '[2,1,0]' limit 1")
    assert nearest == [[{"longValue": 2}, {"stringValue": '{"a": 1}'}]]
    transaction = data.begin_transaction(**account, database="knowledge")["transactionId"]
    run("delete from notes", transactionId=transaction)
    assert run("select count(*) from notes") == [[{"longValue": 3}]]
    data.rollback_transaction(**account, transactionId=transaction)
    assert run("select count(*) from notes") == [[{"longValue": 3}]]
    with pytest.raises(data.exceptions.BadRequestException, match="permission denied"):
        run("alter system set fsync = on")
    assert "PostgreSQL" in aws.control("status")["stores"]["servers"]
    assert stack.delete() == "DELETE_COMPLETE"
    assert "PostgreSQL" not in aws.control("status")["stores"]["servers"]


# ElastiCache


ACCESS = "on ~answer:* -@all +@read +@write +@connection +@transaction -@dangerous"
CACHES: Mapping[str, tuple[str, dict[str, Any]]] = {
    "serverless": (
        "Endpoint",
        {
            "Type": "AWS::ElastiCache::ServerlessCache",
            "Properties": {
                "ServerlessCacheName": "answers",
                "Engine": "valkey",
                "UserGroupId": {"Ref": "Users"},
            },
        },
    ),
    "nodes": (
        "PrimaryEndPoint",
        {
            "Type": "AWS::ElastiCache::ReplicationGroup",
            "Properties": {
                "ReplicationGroupDescription": "answers",
                "Engine": "valkey",
                "EngineVersion": "8.2",
                "CacheNodeType": "cache.t4g.small",
                "NumCacheClusters": 1,
                "UserGroupIds": [{"Ref": "Users"}],
                "TransitEncryptionEnabled": True,
                "TransitEncryptionMode": "required",
            },
        },
    ),
}


@pytest.mark.parametrize("kind", list(CACHES))
def test_a_cache_answers_over_tls_to_its_users_alone(
    stack: Stack,
    aws: LocalAws,
    kind: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from valkey import exceptions

    from chat.cache_on_valkey import ValkeyCache, client_of

    attribute, cache = CACHES[kind]
    user = {
        "UserId": f"chat-{kind}",
        "UserName": f"chat-{kind}",
        "Engine": "valkey",
        "AccessString": ACCESS,
        "AuthenticationMode": {"Type": "iam"},
    }
    group = {"UserGroupId": f"users-{kind}", "Engine": "valkey", "UserIds": [{"Ref": "User"}]}
    parts = [get("Cache", f"{attribute}.Address"), get("Cache", f"{attribute}.Port")]
    made = stack.deploy(
        {
            "User": {"Type": "AWS::ElastiCache::User", "Properties": user},
            "Users": {"Type": "AWS::ElastiCache::UserGroup", "Properties": group},
            "Cache": cache,
            "Endpoint": {
                "Type": "AWS::SSM::Parameter",
                "Properties": {"Type": "String", "Value": {"Fn::Join": [":", parts]}},
            },
        }
    )
    address = aws.client("ssm").get_parameter(Name=made["Endpoint"])["Parameter"]["Value"]
    host, port = address.split(":")
    trusted = tmp_path / "trusted.pem"
    trusted.write_text(ssl.get_server_certificate((host, int(port))))
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))

    def client(name: str) -> Any:
        return client_of(f"rediss://{address}", timeout_seconds=5, token=lambda: (name, "token"))

    with client(f"chat-{kind}") as chat:
        with pytest.raises(exceptions.NoPermissionError):
            chat.set("elsewhere", "no")
        with pytest.raises(exceptions.NoPermissionError):
            chat.flushall()
        cached = ValkeyCache(lambda: chat, dimension=3)
        if valkey_servers.search_module() is not None:
            assert cached.near("s", [1.0, 0.0, 0.0]) == []  # makes the index
        cached.put("s", "k", [1.0, 0.0, 0.0], "yes", seconds=60)
        assert cached.exact("s", "k") == "yes"
        if valkey_servers.search_module() is not None:
            ((similarity, entry),) = cached.near("s", [1.0, 1.0, 0.0])
            assert entry == "yes"
            assert similarity == pytest.approx(0.5**0.5, abs=1e-5)
    with client("default") as nobody, pytest.raises(exceptions.AuthenticationError):
        nobody.ping()
