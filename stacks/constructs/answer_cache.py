"""The semantic cache, as the function sees it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.constructs.answer_cache_s3_vectors import S3VectorsAnswerCache
from stacks.constructs.assistant_network import AssistantNetwork
from stacks.constructs.network import Network
from stacks.constructs.python_function import Placement
from stacks.settings_answer_cache import AnswerCacheSettings

SECONDS_PER_HOUR = 3600


@dataclass(frozen=True, kw_only=True)
class AnswerCache:
    """What the function is told, what it may do, and where it has to be; of no cache, nothing."""

    environment: Mapping[str, str]
    permissions: Mapping[str, Sequence[iam.PolicyStatement]] = field(default_factory=dict)
    placement: Placement | None = None


def answer_cache(
    scope: Construct,
    *,
    settings: AnswerCacheSettings,
    dimension: int,
    network: Network,
    endpoint_zones: int,
) -> AnswerCache:
    """The cache that `assistant.cache` names.

    The other one's module is not even imported: who does without Valkey does not load ElastiCache's
    part of the CDK.
    """
    told = {
        "CACHE": settings.cache,
        "CACHE_SIMILARITY": str(settings.cache_similarity),
        "CACHE_TTL_SECONDS": str(settings.cache_hours * SECONDS_PER_HOUR),
    }
    if settings.cache == "s3_vectors":
        on_s3 = S3VectorsAnswerCache(scope, "Cache", dimension=dimension)
        return AnswerCache(
            environment={**told, "CACHE_INDEX_ARN": on_s3.index_arn},
            permissions={"cache": on_s3.permissions},
        )
    if settings.cache == "valkey":
        return _valkey(
            scope, told, settings=settings, network=network, endpoint_zones=endpoint_zones
        )
    return AnswerCache(environment={"CACHE": "off"})


def _valkey(
    scope: Construct,
    told: Mapping[str, str],
    *,
    settings: AnswerCacheSettings,
    network: Network,
    endpoint_zones: int,
) -> AnswerCache:
    from stacks.constructs.answer_cache_valkey import ValkeyAnswerCache

    place = AssistantNetwork(
        scope,
        "Network",
        vpc=network.vpc,
        subnets=network.worker_subnets,
        endpoint_zones=endpoint_zones,
    )
    cache = ValkeyAnswerCache(
        scope,
        "Cache",
        settings=settings,
        vpc=network.vpc,
        subnets=network.worker_subnets,
        client=place.security_group,
    )
    return AnswerCache(
        environment={
            **told,
            "CACHE_ENDPOINT": cache.endpoint,
            "CACHE_NAME": cache.name,
            "CACHE_USER": cache.user,
        },
        permissions={"cache": cache.permissions},
        placement=Placement(
            vpc=network.vpc,
            subnets=network.worker_subnets,
            security_group=place.security_group,
        ),
    )
