"""What parliament says about a policy."""

from __future__ import annotations

import json
from typing import Any

import parliament

# Actions that take any of several kinds of resource. AWS's table, and parliament with it, marks all
# of them as required, and parliament then wants a statement to name one of each. What such actions
# may name is checked by the table of actions.
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonbedrock.html
ANY_KIND = (
    "bedrock:CreateEvaluationJob",
    "bedrock:CreateModelInvocationJob",
    "bedrock:GetInferenceProfile",
    "bedrock:GetPrompt",
    "bedrock:InvokeModel",
    "bedrock:InvokeModelWithResponseStream",
)
# A service that is younger than parliament's table; the table of actions knows it.
UNKNOWN_SERVICES = ("s3vectors:",)
# What AWS itself owns has no account's number.
# https://docs.aws.amazon.com/bedrock/latest/userguide/kb-permissions.html
OF_AWS = ":aws:data-automation-project/public-rag-default"
# A key of a function's session, whatever it calls, which parliament does not know.
# https://docs.aws.amazon.com/lambda/latest/dg/permissions-source-function-arn.html
OF_A_FUNCTION = "Unknown condition lambda:SourceFunctionArn for action"


def parliament_findings(document: Any) -> list[str]:
    """Findings about an identity policy whose intrinsic functions are resolved."""
    findings = parliament.analyze_policy_string(json.dumps(document)).findings
    return [
        str(finding)
        for finding in findings
        if not (
            _about_any_kind(finding)
            or _about_a_younger_service(finding)
            or _about_what_is_of_aws(finding)
            or _about_who_asks(finding)
        )
    ]


def _about_what_is_of_aws(finding: Any) -> bool:
    arn = str((finding.location or {}).get("string", ""))
    return finding.issue == "INVALID_ARN" and arn.endswith(OF_AWS)


def _about_who_asks(finding: Any) -> bool:
    return finding.issue == "UNKNOWN_CONDITION_FOR_ACTION" and OF_A_FUNCTION in str(finding)


def _about_a_younger_service(finding: Any) -> bool:
    action = str((finding.location or {}).get("string", ""))
    return finding.issue == "UNKNOWN_PREFIX" and action.startswith(UNKNOWN_SERVICES)


def _about_any_kind(finding: Any) -> bool:
    details = finding.detail if isinstance(finding.detail, list) else []
    return (
        finding.issue == "RESOURCE_MISMATCH"
        and bool(details)
        and all(each["action"] in ANY_KIND for each in details)
    )
