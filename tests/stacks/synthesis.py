"""Synthesize every variant of the app that the tests look at, in one process.

Run as a program by the fixture in conftest.py, so that the JavaScript engine starts once per test
run and not once per test worker. Every variant is an App of its own: an App that was synthesized
once cannot take another stack (pitfall 42).
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from unittest import mock

REPOSITORY = Path(__file__).resolve().parents[2]
STACKS = ("Network", "Documents", "Fleet", "Functions", "Offline", "Knowledge", "Assistant")

# Variant -> overrides on top of cdk.json, as `-c` would give them.
VARIANTS: Mapping[str, Mapping[str, Any]] = {
    "dev": {},
    "prod": {"stage": "prod"},
    "nat": {
        "network.egress": "nat_gateway",
        "network.availability_zones": "3",
        "jobs.cold_starts": "snapstart",
        "api.authorization": "jwt",
        "api.jwt_issuer": "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_abcdefghi",
        "api.jwt_audience": "client-1,client-2",
        "offline.waf": "true",
        "offline.api_key_expires": "2027-06-30",
        "knowledge.vector_store": "s3_vectors",
        "assistant.cache": "valkey",
        "assistant.streaming": "false",
        "assistant.cache_replicas": "0",
        "assistant.inference_profile": "eu",
    },
    "keys": {
        "fleet.encryption": "customer_key",
        "documents.customer_key": "true",
        "fleet.idempotency_table": "true",
        "fleet.session_manager": "true",
        "fleet.alarm_email": "somebody@example.com",
        "jobs.warm_copies": "5",
        "jobs.reserved_concurrency": "20",
        "offline.customer_key": "true",
        "offline.threat_protection": "true",
        "offline.multi_factor": "required",
        "offline.api_key": "false",
        "offline.introspection": "false",
        "assistant.cache": "valkey",
        "assistant.streaming": "false",
        "assistant.model": "anthropic.claude-sonnet-4-5-20250929-v1:0",
        "assistant.inference_profile": "us",
        "assistant.evaluation": "true",
        "assistant.personal_data": "block",
        "assistant.denied_words": "swordfish,open sesame",
        "knowledge.vector_store": "opensearch_serverless",
        "knowledge.serverless_generation": "nextgen",
        "knowledge.confirm_nextgen": "true",
        "knowledge.rerank_model": "cohere.rerank-v3-5:0",
        "chat.search_type": "semantic",
        "chat.least_score": "0.5",
    },
    "quiet": {
        "network.flow_logs": "false",
        "jobs.cold_starts": "none",
        "knowledge.vector_store": "aurora_postgresql",
        "assistant.cache": "off",
        "assistant.guardrail": "false",
        "assistant.model": "anthropic.claude-haiku-4-5-20251001-v1:0",
        "assistant.inference_profile": "global",
    },
    "other-code": {},
}
CHANGED_CODE = "other-code"


def context(overrides: Mapping[str, Any]) -> dict[str, Any]:
    """The context that the CLI would hand to the app."""
    settings = json.loads((REPOSITORY / "cdk.json").read_text())
    return {**settings["context"], **overrides}


def stage_of(variant: str) -> str:
    return VARIANTS[variant].get("stage", "dev")


def synthesize(variant: str, directory: Path) -> None:
    """Write the cloud assembly of one variant."""
    from aws_cdk import App

    import app as composition
    from stacks.bundling import PROGRAM, Bundle, bundle_worker
    from stacks.function_bundling import FUNCTIONS, bundle_function

    def changed() -> Bundle:
        with tempfile.TemporaryDirectory() as scratch:
            program = Path(scratch) / "worker"
            shutil.copytree(PROGRAM, program)
            (program / "added_by_a_test.py").write_text("VALUE = 1\n")
            return bundle_worker(program=program)

    def changed_function(name: str, *, bytecode: bool) -> Bundle:
        with tempfile.TemporaryDirectory() as scratch:
            functions = Path(scratch) / "lambda_src"
            shutil.copytree(FUNCTIONS, functions)
            (functions / name / "added_by_a_test.py").write_text("VALUE = 1\n")
            return bundle_function(name, functions=functions, bytecode=bytecode)

    other = variant == CHANGED_CODE
    cdk = App(
        context=context(VARIANTS[variant]),
        outdir=str(directory),
        analytics_reporting=False,
        builtin_cloud_formation_validation=False,
    )
    with mock.patch.multiple(
        composition,
        bundle_worker=changed if other else bundle_worker,
        bundle_function=changed_function if other else bundle_function,
    ):
        composition.build(cdk)
    cdk.synth()


if __name__ == "__main__":
    target = Path(sys.argv[1])
    sys.path.insert(0, str(REPOSITORY))
    for each in VARIANTS:
        synthesize(each, target / each)
