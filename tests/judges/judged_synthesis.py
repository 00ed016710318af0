"""Synthesize the app with every judge that runs inside synth, and keep what they say.

Run as a program, `DIRECTORY [VARIANT ...]`, by the fixture in conftest.py. Judges of synth are
AWS's offline template validation in its strictest setting and the packs of cdk-nag. A finding of
any of them makes synth fail; the verdict is read from the report that synth leaves in the assembly.
`spoiled` is the dev stage with planted defects: judges that are silent about it are not listening.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.stacks.synthesis import VARIANTS, context

GATE = ("AwsSolutionsChecks", "ServerlessChecks")
REPORTED = (
    "HIPAASecurityChecks",
    "NIST80053R4Checks",
    "NIST80053R5Checks",
    "PCIDSS321Checks",
)
JUDGED = tuple(name for name in VARIANTS if name != "other-code")
SPOILED = "spoiled"
STRICT = {
    "@aws-cdk/core:validateAgainstDefaultRules": True,
    "@aws-cdk/core:strictCfnValidateErrors": True,
}
# Type -> property -> value: each is noticed by another judge (test_judges_of_synth.py).
DEFECTS: Mapping[str, Mapping[str, Any]] = {
    "AWS::CloudWatch::Alarm": {"comparison_operator": "Above"},
    "AWS::SQS::Queue": {"visibility_timeout": 90_000, "redrive_policy": None},
    "AWS::KMS::Key": {"enable_key_rotation": False},
}


def synthesize(variant: str, directory: Path) -> None:
    """Write the assembly of a variant, judged; a failed validation is told in its report."""
    from aws_cdk import App

    import app as composition

    cdk = App(
        context={
            **context(VARIANTS.get(variant, {})),
            **STRICT,
            "groundwork:nag": ",".join(GATE + REPORTED),
        },
        outdir=str(directory),
        analytics_reporting=False,
    )
    composition.build(cdk)
    if variant == SPOILED:
        spoil(cdk)
    try:
        cdk.synth()
    except RuntimeError as error:
        if "ValidationFailed" not in str(error):
            raise


def spoil(app: Any) -> None:
    """Plant DEFECTS, and grant a wildcard."""
    from aws_cdk import CfnResource
    from aws_cdk import aws_iam as iam

    for construct in app.node.find_all():
        if CfnResource.is_cfn_resource(construct):
            for name, value in DEFECTS.get(construct.cfn_resource_type, {}).items():
                setattr(construct, name, value)
        elif isinstance(construct, iam.Role) and "Permissions" in construct.node.path:
            construct.add_to_policy(iam.PolicyStatement(actions=["s3:*"], resources=["*"]))


if __name__ == "__main__":
    target = Path(sys.argv[1])
    for each in sys.argv[2:] or (*JUDGED, SPOILED):
        synthesize(each, target / each)
