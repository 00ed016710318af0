"""Chapter: synthesize, deploy, and in the end destroy, with the real CDK CLI."""

from __future__ import annotations

import json
from pathlib import Path

from local.demo.report import Report
from local.session import LocalAws

STAGE = "dev"
# A laptop's two cores hold a few instances of one process each. A backlog of a minute, not of five,
# makes the policy ask for them within the few minutes that the demo may take.
# The documents of one service become knowledge: a laptop's core embeds them in a minute.
INGESTED = "corpus/lambda/"
# The store is prod's, which searches words beside vectors.
SETTINGS = (
    "fleet.acceptable_latency_seconds=60",
    f"knowledge.inclusion_prefix={INGESTED}",
    "knowledge.vector_store=opensearch_serverless",
)


def stack_name(part: str) -> str:
    """The name of one of the app's stacks."""
    return f"Groundwork-{STAGE}-{part}"


def deploy(aws: LocalAws, report: Report) -> None:
    """Everything that an account would get."""
    report.chapter("Deploy: the real CDK CLI, the templates that an account gets")
    with report.timed("synthesize"):
        aws.cdk("synth", "--quiet", *context())
    resources = _resources(aws.folder.cdk_output)
    report.say(
        f"synthesized {len(resources)} stacks with {sum(resources.values())} resources: "
        f"stage {STAGE}, {', '.join(SETTINGS)}"
    )
    with report.timed("bootstrap"):
        aws.cdk("bootstrap")
    report.say("bootstrapped")
    with report.timed(f"deploy {len(resources)} stacks, {sum(resources.values())} resources"):
        aws.cdk("deploy", "--all", "--concurrency", "4", "--app", str(aws.folder.cdk_output))
    for name, state in sorted(aws.control("status")["stacks"].items()):
        report.say(f"{name}: {state}")


def destroy(aws: LocalAws, report: Report) -> None:
    """Delete what was deployed; the buckets are emptied first, as a person has to."""
    report.chapter("Destroy")
    with report.timed("empty the buckets, destroy the stacks"):
        for bucket in bucket_names(aws).values():
            _empty(aws, bucket)
        aws.cdk("destroy", "--all", "--app", str(aws.folder.cdk_output))
    left = [
        name
        for name, state in aws.control("status")["stacks"].items()
        if name.startswith("Groundwork-") and state != "DELETE_COMPLETE"
    ]
    report.check(not left, "nothing is left after cdk destroy")


def bucket_names(aws: LocalAws) -> dict[str, str]:
    """The documents bucket and the prepared documents bucket."""
    outputs = aws.outputs(stack_name("Documents"))
    return {
        "documents": outputs["DocumentsBucketName"],
        "prepared": outputs["PreparedDocumentsBucketName"],
    }


def context(*settings: str) -> list[str]:
    """The command line of a deployment with these settings beside the demo's own."""
    chosen = [f"stage={STAGE}", *SETTINGS, *settings]
    return [part for each in chosen for part in ("-c", each)]


def _resources(assembly: Path) -> dict[str, int]:
    return {
        path.name.removesuffix(".template.json"): len(json.loads(path.read_text())["Resources"])
        for path in assembly.glob("*.template.json")
    }


def _empty(aws: LocalAws, bucket: str) -> None:
    s3 = aws.client("s3")
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        versions = [
            {"Key": each["Key"], "VersionId": each["VersionId"]}
            for each in (*page.get("Versions", ()), *page.get("DeleteMarkers", ()))
        ]
        if versions:
            s3.delete_objects(Bucket=bucket, Delete={"Objects": versions, "Quiet": True})
