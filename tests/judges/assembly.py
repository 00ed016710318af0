"""Read a judged assembly: its templates, and the report that the judges of synth left in it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.stacks.reading import Template, resources

Templates = Mapping[str, Template]
# Who asks, filled in by IAM: judges do not know the ones of identity pools.
POLICY_VARIABLE = re.compile(r"\$\{cognito-identity\.amazonaws\.com:sub\}")
REFERRED_TO_BY_ARN = ("AWS::Lambda::Alias", "AWS::SecretsManager::Secret", "AWS::SNS::Topic")
KNOWLEDGE_BASE = "arn:aws:bedrock:eu-west-1:111122223333:knowledge-base/ABCDEFGHIJ"
BUILT_IN = "CloudFormation Validate"
REGION = "eu-west-1"
ACCOUNT = "111122223333"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A rule and the construct that it is about; accepted ones come with the reason."""

    rule: str
    description: str
    path: str
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Reports:
    """What the judges of one assembly said, by the judge's name."""

    findings: Mapping[str, tuple[Finding, ...]]
    accepted: Mapping[str, tuple[Finding, ...]]


def read_templates(assembly: Path) -> Templates:
    """Templates by the last part of the stack's name."""
    return {
        path.name.split(".")[0].split("-")[-1]: json.loads(path.read_text())
        for path in sorted(assembly.glob("*.template.json"))
    }


def read_reports(assembly: Path) -> Reports:
    plugins = json.loads((assembly / "validation-report.json").read_text())["pluginReports"]
    return Reports(
        findings={each["pluginName"]: tuple(_findings(each["violations"])) for each in plugins},
        accepted={
            each["pluginName"]: tuple(_findings(each.get("suppressedViolations", [])))
            for each in plugins
        },
    )


def _findings(violations: list[dict[str, Any]]) -> Iterator[Finding]:
    for violation in violations:
        for construct in violation["violatingConstructs"]:
            yield Finding(
                rule=violation["ruleName"],
                description=violation["description"],
                path=construct["constructPath"],
                reason=violation.get("reason", ""),
            )


class Resolver:
    """Intrinsic functions to plausible values, across the stacks of one variant.

    Judges of policies compare strings: `{"Fn::GetAtt": ["Queue", "Arn"]}` has to become an ARN.
    """

    ARNS: Mapping[str, str] = {
        "AWS::Bedrock::Guardrail": f"arn:aws:bedrock:{REGION}:{ACCOUNT}:guardrail/abcdefghij12",
        "AWS::Bedrock::KnowledgeBase": KNOWLEDGE_BASE,
        "AWS::Bedrock::Prompt": f"arn:aws:bedrock:{REGION}:{ACCOUNT}:prompt/ABCDEFGHIJ",
        "AWS::DynamoDB::Table": f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/Sample",
        "AWS::Events::Rule": f"arn:aws:events:{REGION}:{ACCOUNT}:rule/Sample",
        "AWS::KMS::Key": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/11111111-2222-3333-4444-555555555555",
        "AWS::IAM::Role": f"arn:aws:iam::{ACCOUNT}:role/Sample",
        "AWS::Lambda::Alias": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:Sample:live",
        "AWS::Logs::LogGroup": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:Sample:*",
        "AWS::OpenSearchServerless::Collection": (
            f"arn:aws:aoss:{REGION}:{ACCOUNT}:collection/abcdefghij0123456789"
        ),
        "AWS::OpenSearchService::Domain": f"arn:aws:es:{REGION}:{ACCOUNT}:domain/sample",
        "AWS::RDS::DBCluster": f"arn:aws:rds:{REGION}:{ACCOUNT}:cluster:sample",
        "Custom::RedisKnowledgeBase": KNOWLEDGE_BASE,
        "AWS::S3::Bucket": "arn:aws:s3:::sample",
        "AWS::S3Vectors::Index": f"arn:aws:s3vectors:{REGION}:{ACCOUNT}:bucket/sample/index/sample",
        "AWS::SecretsManager::Secret": (
            f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:sample-AbCdEf"
        ),
        "AWS::SNS::Topic": f"arn:aws:sns:{REGION}:{ACCOUNT}:Sample",
        "AWS::SQS::Queue": f"arn:aws:sqs:{REGION}:{ACCOUNT}:Sample",
    }
    PSEUDO: Mapping[str, str] = {
        "AWS::AccountId": ACCOUNT,
        "AWS::Partition": "aws",
        "AWS::Region": REGION,
        "AWS::StackId": f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/Sample/1a2b3c4d-0-0-0-1",
        "AWS::URLSuffix": "amazonaws.com",
    }

    def __init__(self, templates: Templates) -> None:
        self._types = {
            name: resource["Type"]
            for template in templates.values()
            for name, resource in template["Resources"].items()
        }
        self._exports = {
            output["Export"]["Name"]: output["Value"]
            for template in templates.values()
            for output in template.get("Outputs", {}).values()
            if "Export" in output
        }

    def __call__(self, value: Any) -> Any:
        """`value` with every intrinsic function resolved; KeyError names what is unknown."""
        if isinstance(value, list):
            return [self(item) for item in value]
        if isinstance(value, str):
            return POLICY_VARIABLE.sub("sample", value)
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            function, argument = next(iter(value.items()))
            if function == "Ref" or function.startswith("Fn::"):
                return self._resolved(function, argument)
        return {key: self(item) for key, item in value.items()}

    def _resolved(self, function: str, argument: Any) -> Any:
        if function == "Fn::Split":
            return str(self(argument[1])).split(argument[0])
        if function == "Fn::Join":
            return str(argument[0]).join(self(argument[1]))
        if function == "Fn::ImportValue":
            return str(self(self._exports[argument]))
        if function == "Fn::Sub":
            for name, value in self.PSEUDO.items():
                argument = argument.replace(f"${{{name}}}", value)
            return str(argument)
        if function == "Fn::Select":
            return str(self(argument[1])[argument[0]])
        if function == "Fn::GetAtt":
            return self._attribute(*argument)
        if argument in self.PSEUDO:
            return self.PSEUDO[argument]
        kind = self._types[argument]
        return self.ARNS[kind] if kind in REFERRED_TO_BY_ARN else "sample"

    def _attribute(self, name: str, attribute: str) -> str:
        if attribute == "MasterUserSecret.SecretArn":
            return self.ARNS["AWS::SecretsManager::Secret"]
        own = attribute in ("Arn", "DBClusterArn", "GuardrailArn", "IndexArn", "KnowledgeBaseArn")
        return self.ARNS[self._types[name]] if own else "sample"


def inline_policies(template: Template) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Role, name and document of every inline policy."""
    for role, properties in resources(template, "AWS::IAM::Role").items():
        for policy in properties.get("Policies", []):
            yield role, policy["PolicyName"], policy["PolicyDocument"]
    for policy in resources(template, "AWS::IAM::Policy").values():
        for role in policy["Roles"]:
            yield role["Ref"], policy["PolicyName"], policy["PolicyDocument"]
