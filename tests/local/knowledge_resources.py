"""Resources that a knowledge base is made of, as CloudFormation takes them."""

from __future__ import annotations

import json
from typing import Any

from tests.local.small_stack import get

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
ON_VECTORS = {
    "Type": "S3_VECTORS",
    "S3VectorsConfiguration": {"IndexArn": get("Index", "IndexArn")},
}


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
