"""What the functions chat and ingestion need beside a knowledge base, deployed with our prompts."""

from __future__ import annotations

import json
from typing import Any

from stacks.prompt_files import PromptFile, prompt_files

DIMENSION = 512


def template() -> str:
    """As CloudFormation takes it."""
    resources: dict[str, Any] = {
        "Conversations": _table("conversation", "turn"),
        "Progress": _table("id"),
        "Vectors": {"Type": "AWS::S3Vectors::VectorBucket", "Properties": {}},
        "Cache": {
            "Type": "AWS::S3Vectors::Index",
            "Properties": {
                "VectorBucketArn": {"Fn::GetAtt": ["Vectors", "VectorBucketArn"]},
                "IndexName": "answers",
                "DataType": "float32",
                "Dimension": DIMENSION,
                "DistanceMetric": "cosine",
                "MetadataConfiguration": {"NonFilterableMetadataKeys": ["entry"]},
            },
        },
        "Events": {"Type": "AWS::SQS::Queue"},
        "FailedDocuments": {"Type": "AWS::SQS::Queue"},
        "Told": {"Type": "AWS::SQS::Queue"},
        "Topic": {
            "Type": "AWS::SNS::Topic",
            "Properties": {
                "Subscription": [{"Protocol": "sqs", "Endpoint": {"Fn::GetAtt": ["Told", "Arn"]}}]
            },
        },
    }
    outputs: dict[str, Any] = {
        "Conversations": {"Value": {"Ref": "Conversations"}},
        "Progress": {"Value": {"Ref": "Progress"}},
        "Cache": {"Value": {"Fn::GetAtt": ["Cache", "IndexArn"]}},
        "Events": {"Value": {"Ref": "Events"}},
        "EventsArn": {"Value": {"Fn::GetAtt": ["Events", "Arn"]}},
        "FailedDocuments": {"Value": {"Ref": "FailedDocuments"}},
        "Told": {"Value": {"Ref": "Told"}},
        "Topic": {"Value": {"Ref": "Topic"}},
    }
    for prompt in prompt_files():
        name = prompt.name.title().replace("_", "")
        resources[name] = {"Type": "AWS::Bedrock::Prompt", "Properties": _prompt(prompt)}
        resources[f"{name}Version"] = {
            "Type": "AWS::Bedrock::PromptVersion",
            "Properties": {"PromptArn": {"Fn::GetAtt": [name, "Arn"]}},
        }
        outputs[f"Prompt{name}"] = {"Value": {"Fn::GetAtt": [f"{name}Version", "Arn"]}}
    return json.dumps({"Resources": resources, "Outputs": outputs})


def prompts(outputs: dict[str, str]) -> str:
    """The setting PROMPTS."""
    names = [prompt.name for prompt in prompt_files()]
    return json.dumps({name: outputs[f"Prompt{name.title().replace('_', '')}"] for name in names})


def _table(*keys: str) -> dict[str, Any]:
    kinds = ("HASH", "RANGE")
    return {
        "Type": "AWS::DynamoDB::Table",
        "Properties": {
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": k, "AttributeType": "S"} for k in keys],
            "KeySchema": [
                {"AttributeName": key, "KeyType": kind}
                for key, kind in zip(keys, kinds, strict=False)
            ],
        },
    }


def _prompt(prompt: PromptFile) -> dict[str, Any]:
    return {
        "Name": f"asking-{prompt.name}",
        "DefaultVariant": "chat",
        "Variants": [
            {
                "Name": "chat",
                "TemplateType": "CHAT",
                "TemplateConfiguration": {
                    "Chat": {
                        "System": [{"Text": prompt.system}],
                        "Messages": [
                            {"Role": role, "Content": [{"Text": text}]}
                            for role, text in prompt.messages
                        ],
                        "InputVariables": [{"Name": name} for name in prompt.variables],
                    }
                },
                "InferenceConfiguration": {
                    "Text": {
                        "MaxTokens": prompt.max_tokens,
                        "Temperature": prompt.temperature,
                        "StopSequences": list(prompt.stop_sequences),
                    }
                },
            }
        ],
    }
