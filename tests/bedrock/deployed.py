"""What the tests of Bedrock deploy: a knowledge base on OpenSearch, data sources, a guardrail."""

from __future__ import annotations

import json
from typing import Any

from tests.local.knowledge_resources import ROLE

COLLECTION, INDEX = "notes", "chunks"
CHUNKINGS: dict[str, dict[str, Any]] = {
    "fixed": {
        "ChunkingStrategy": "FIXED_SIZE",
        "FixedSizeChunkingConfiguration": {"MaxTokens": 60, "OverlapPercentage": 20},
    },
    "hierarchical": {
        "ChunkingStrategy": "HIERARCHICAL",
        "HierarchicalChunkingConfiguration": {
            "LevelConfigurations": [{"MaxTokens": 120}, {"MaxTokens": 30}],
            "OverlapTokens": 10,
        },
    },
    "semantic": {
        "ChunkingStrategy": "SEMANTIC",
        "SemanticChunkingConfiguration": {
            "MaxTokens": 100,
            "BufferSize": 0,
            "BreakpointPercentileThreshold": 60,
        },
    },
    "none": {"ChunkingStrategy": "NONE"},
}


def template() -> str:
    """As CloudFormation takes it."""
    resource = f"collection/{COLLECTION}"
    index = f"index/{COLLECTION}/*"
    resources: dict[str, Any] = {
        "Bucket": {"Type": "AWS::S3::Bucket"},
        "Role": ROLE,
        "Encryption": _policy(
            "encryption",
            {
                "Rules": [{"ResourceType": "collection", "Resource": [resource]}],
                "AWSOwnedKey": True,
            },
        ),
        "Network": _policy(
            "network",
            [
                {
                    "Rules": [{"ResourceType": "collection", "Resource": [resource]}],
                    "AllowFromPublic": False,
                    "SourceServices": ["bedrock.amazonaws.com"],
                }
            ],
        ),
        "Access": {
            "Type": "AWS::OpenSearchServerless::AccessPolicy",
            "Properties": {
                "Name": COLLECTION,
                "Type": "data",
                "Policy": {
                    "Fn::Sub": [
                        json.dumps(
                            [
                                {
                                    "Rules": [
                                        {
                                            "ResourceType": "index",
                                            "Resource": [index],
                                            "Permission": ["aoss:*"],
                                        }
                                    ],
                                    "Principal": ["${Arn}"],
                                }
                            ]
                        ),
                        {"Arn": {"Fn::GetAtt": ["Role", "Arn"]}},
                    ]
                },
            },
        },
        "Collection": {
            "Type": "AWS::OpenSearchServerless::Collection",
            "DependsOn": ["Encryption", "Network", "Access"],
            "Properties": {"Name": COLLECTION, "Type": "VECTORSEARCH"},
        },
        "Index": {
            "Type": "AWS::OpenSearchServerless::Index",
            "Properties": {
                "CollectionEndpoint": {"Fn::GetAtt": ["Collection", "CollectionEndpoint"]},
                "IndexName": INDEX,
                "Settings": {"Index": {"Knn": True, "KnnAlgoParamEfSearch": 128}},
                "Mappings": {
                    "Properties": {
                        "vector": {
                            "Type": "knn_vector",
                            "Dimension": 512,
                            "Method": {"Engine": "faiss", "Name": "hnsw", "SpaceType": "l2"},
                        },
                        "text": {"Type": "text"},
                        "metadata": {"Type": "text", "Index": False},
                    }
                },
            },
        },
        "Base": {
            "Type": "AWS::Bedrock::KnowledgeBase",
            "DependsOn": ["Index"],
            "Properties": {
                "Name": "notes",
                "RoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
                "KnowledgeBaseConfiguration": {
                    "Type": "VECTOR",
                    "VectorKnowledgeBaseConfiguration": {
                        "EmbeddingModelArn": "arn:aws:bedrock:eu-west-1::foundation-model/"
                        "amazon.titan-embed-text-v2:0",
                        "EmbeddingModelConfiguration": {
                            "BedrockEmbeddingModelConfiguration": {"Dimensions": 512}
                        },
                    },
                },
                "StorageConfiguration": {
                    "Type": "OPENSEARCH_SERVERLESS",
                    "OpensearchServerlessConfiguration": {
                        "CollectionArn": {"Fn::GetAtt": ["Collection", "Arn"]},
                        "VectorIndexName": INDEX,
                        "FieldMapping": {
                            "VectorField": "vector",
                            "TextField": "text",
                            "MetadataField": "metadata",
                        },
                    },
                },
            },
        },
        "Guardrail": {"Type": "AWS::Bedrock::Guardrail", "Properties": guardrail()},
        "GuardrailOne": {
            "Type": "AWS::Bedrock::GuardrailVersion",
            "Properties": {"GuardrailIdentifier": {"Ref": "Guardrail"}},
        },
    }
    outputs: dict[str, Any] = {
        "Bucket": {"Value": {"Ref": "Bucket"}},
        "Base": {"Value": {"Ref": "Base"}},
        "Guardrail": {"Value": {"Fn::GetAtt": ["Guardrail", "GuardrailId"]}},
    }
    for name, chunking in CHUNKINGS.items():
        resources[name] = _data_source(name, chunking)
        outputs[name] = {"Value": {"Fn::GetAtt": [name, "DataSourceId"]}}
    return json.dumps({"Resources": resources, "Outputs": outputs})


def guardrail() -> dict[str, Any]:
    """A policy of every kind."""
    return {
        "Name": "notes",
        "BlockedInputMessaging": "This question is not answered here.",
        "BlockedOutputsMessaging": "This answer is not shown.",
        "ContentPolicyConfig": {
            "FiltersConfig": [
                {"Type": "PROMPT_ATTACK", "InputStrength": "HIGH", "OutputStrength": "NONE"},
                {"Type": "VIOLENCE", "InputStrength": "LOW", "OutputStrength": "LOW"},
            ]
        },
        "TopicPolicyConfig": {
            "TopicsConfig": [
                {
                    "Name": "Investment",
                    "Definition": "Advice on what to invest money in",
                    "Examples": ["Which shares should I buy?"],
                    "Type": "DENY",
                }
            ]
        },
        "WordPolicyConfig": {
            "WordsConfig": [{"Text": "Project Bluebird"}],
            "ManagedWordListsConfig": [{"Type": "PROFANITY"}],
        },
        "SensitiveInformationPolicyConfig": {
            "PiiEntitiesConfig": [
                {"Type": "EMAIL", "Action": "ANONYMIZE"},
                {"Type": "CREDIT_DEBIT_CARD_NUMBER", "Action": "BLOCK"},
                {"Type": "IP_ADDRESS", "Action": "ANONYMIZE"},
            ],
            "RegexesConfig": [{"Name": "ticket", "Pattern": r"TCK-\d{4}", "Action": "ANONYMIZE"}],
        },
        "ContextualGroundingPolicyConfig": {
            "FiltersConfig": [
                {"Type": "GROUNDING", "Threshold": 0.7},
                {"Type": "RELEVANCE", "Threshold": 0.5},
            ]
        },
    }


def _policy(kind: str, content: Any) -> dict[str, Any]:
    return {
        "Type": "AWS::OpenSearchServerless::SecurityPolicy",
        "Properties": {
            "Name": f"{COLLECTION}-{kind}",
            "Type": kind,
            "Policy": json.dumps(content),
        },
    }


def _data_source(name: str, chunking: dict[str, Any]) -> dict[str, Any]:
    return {
        "Type": "AWS::Bedrock::DataSource",
        "Properties": {
            "Name": name,
            "KnowledgeBaseId": {"Ref": "Base"},
            "DataDeletionPolicy": "DELETE",
            "DataSourceConfiguration": {
                "Type": "S3",
                "S3Configuration": {
                    "BucketArn": {"Fn::GetAtt": ["Bucket", "Arn"]},
                    "InclusionPrefixes": [f"{name}/"],
                },
            },
            "VectorIngestionConfiguration": {"ChunkingConfiguration": chunking},
        },
    }
