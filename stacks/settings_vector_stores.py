"""Settings of vector stores: which one, and what each can be told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from stacks.settings_model import Capability, unit
from stacks.vector_index import DEFAULT_HNSW, Hnsw

OUTSIDE = ("pinecone", "redis_enterprise_cloud")
CREDENTIALS_ARN = (
    r"^$|^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:[A-Za-z0-9!/_+=.@-]+$"
)
KEY_ARN = r"^$|^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/[A-Za-z0-9-]+$"

# https://docs.aws.amazon.com/opensearch-service/latest/developerguide/serverless-collection-groups.html
# lists what may be set: 2, 4, 8, 16, and multiples of 16 up to 1,696.
SMALL_CAPACITIES, CAPACITY_STEP = (2, 4, 8), 16


def _settable(capacity: int) -> int:
    if capacity not in SMALL_CAPACITIES and capacity % CAPACITY_STEP:
        raise ValueError(
            f"{capacity} is none that OpenSearch Serverless takes: set 2, 4, 8, or a multiple of 16"
        )
    return capacity


class HnswSettings(Capability):
    """The graph that OpenSearch and PostgreSQL search"""

    hnsw_m: Annotated[
        int,
        Field(
            default=DEFAULT_HNSW.m,
            ge=2,
            le=100,
            description="Neighbours of a vector in the graph: memory and time to build.",
            json_schema_extra=unit("neighbours"),
        ),
    ]
    hnsw_ef_construction: Annotated[
        int,
        Field(
            default=DEFAULT_HNSW.ef_construction,
            ge=4,
            le=1000,
            description="Candidates while the graph is built: time to build against recall.",
            json_schema_extra=unit("candidates"),
        ),
    ]
    hnsw_ef_search: Annotated[
        int,
        Field(
            default=DEFAULT_HNSW.ef_search,
            ge=1,
            le=1000,
            description="Candidates of a search: latency against recall.",
            json_schema_extra=unit("candidates"),
        ),
    ]

    @property
    def hnsw(self) -> Hnsw:
        """The three together."""
        return Hnsw(
            m=self.hnsw_m,
            ef_construction=self.hnsw_ef_construction,
            ef_search=self.hnsw_ef_search,
        )


class OpenSearchServerlessSettings(HnswSettings):
    """opensearch_serverless"""

    serverless_generation: Annotated[
        Literal["nextgen", "classic"],
        Field(
            default="classic",
            description="opensearch_serverless: classic never stops, which docs/costs.md prices. "
            "nextgen scales to zero, in a collection group, and takes 10 to 30 seconds to wake; "
            "knowledge bases are reported to ingest into it and to get 403 when they search it, so "
            "it has to be confirmed.",
        ),
    ]
    confirm_nextgen: Annotated[
        bool,
        Field(
            default=False,
            description="opensearch_serverless, nextgen: you have tried that a knowledge base in "
            "your account finds something in such a collection.",
        ),
    ]
    standby_replicas: Annotated[
        bool,
        Field(
            default=True,
            description="opensearch_serverless, classic: keep a copy in another Availability Zone. "
            "Doubles the least capacity; cannot be changed afterwards. nextgen always has one.",
        ),
    ]
    serverless_max_capacity: Annotated[
        int,
        AfterValidator(_settable),
        Field(
            default=4,
            ge=2,
            le=1_696,
            description="opensearch_serverless, nextgen: most capacity of the collection group, "
            "for indexing and for searching each.",
            json_schema_extra=unit("OCU"),
        ),
    ]
    serverless_vpc_endpoint: Annotated[
        str,
        Field(
            default="",
            pattern=r"^$|^vpce-[0-9a-f]+$",
            description="opensearch_serverless: the account's endpoint for OpenSearch Serverless. "
            "When set, nobody but Bedrock and this endpoint reaches the collection, and programs "
            "of the account only from its VPC. Set it when the index is deployed, which "
            "CloudFormation makes from outside, and unset it before hnsw_ef_search changes or the "
            "store is replaced or destroyed. One endpoint per VPC is allowed, so it is not made "
            "here.",
            json_schema_extra=unit("identifier of an OpenSearch Serverless VPC endpoint"),
        ),
    ]
    deploying_role: Annotated[
        str,
        Field(
            default="",
            pattern=r"^$|^[A-Za-z0-9+=,.@_/-]+$",
            description="opensearch_serverless: the role with which CloudFormation creates the "
            "index. Empty for the execution role of `cdk bootstrap`.",
            json_schema_extra=unit("role name"),
        ),
    ]

    def serverless_problems(self, store: str) -> Iterator[str]:
        """What would be deployed and find nothing."""
        nextgen = (store, self.serverless_generation) == ("opensearch_serverless", "nextgen")
        if nextgen and not self.confirm_nextgen:
            yield (
                "serverless_generation is nextgen, which no page says that knowledge bases search, "
                "and which is reported to answer them 403: set it to classic, or vector_store to "
                "s3_vectors or aurora_postgresql, which rest at zero too; or, if you have tried "
                "it, set confirm_nextgen"
            )


class OtherStoreSettings(Capability):
    """opensearch_managed, aurora_postgresql, pinecone, redis_enterprise_cloud"""

    domain_instance_type: Annotated[
        str,
        Field(
            default="t3.medium.search",
            pattern=r"^[a-z0-9]+\.[a-z0-9]+\.search$",
            description="opensearch_managed: instance type of data nodes.",
            json_schema_extra=unit("instance type of OpenSearch Service"),
        ),
    ]
    domain_nodes: Annotated[
        int,
        Field(
            default=2,
            ge=1,
            le=80,
            description="opensearch_managed: data nodes, in as many zones, up to three.",
            json_schema_extra=unit("nodes"),
        ),
    ]
    domain_volume_gb: Annotated[
        int,
        Field(
            default=20,
            ge=10,
            le=3000,
            description="opensearch_managed: gp3 volume of each node.",
            json_schema_extra=unit("GB"),
        ),
    ]
    aurora_max_capacity: Annotated[
        float,
        Field(
            default=4,
            ge=1,
            le=256,
            multiple_of=0.5,
            description="aurora_postgresql: most capacity; the least is 0.",
            json_schema_extra=unit("ACU"),
        ),
    ]
    aurora_pause_seconds: Annotated[
        int,
        Field(
            default=600,
            ge=300,
            le=86_400,
            description="aurora_postgresql: time without connections after which it pauses. "
            "Waking takes about 15 seconds, after a day of rest 30 or more.",
            json_schema_extra=unit("seconds"),
        ),
    ]
    secret_arn: Annotated[
        str,
        Field(
            default="",
            pattern=CREDENTIALS_ARN,
            description="pinecone, redis_enterprise_cloud: secret with the credentials. pinecone: "
            "key apiKey; redis_enterprise_cloud: username, password, serverCertificate, "
            "clientCertificate, clientPrivateKey.",
            json_schema_extra=unit("ARN of a secret"),
        ),
    ]
    secret_key_arn: Annotated[
        str,
        Field(
            default="",
            pattern=KEY_ARN,
            description="pinecone, redis_enterprise_cloud: the KMS key of your own that the secret "
            "is encrypted with, whose policy has to let this account's IAM decide. Empty for AWS's "
            "own, aws/secretsmanager.",
            json_schema_extra=unit("ARN of a key, not of an alias"),
        ),
    ]
    endpoint: Annotated[
        str,
        Field(
            default="",
            pattern=r"^\S*$",
            description="pinecone: the index's URL, https://...; redis_enterprise_cloud: the "
            "database's public endpoint, host:port.",
            json_schema_extra=unit("URL or host:port"),
        ),
    ]

    redis_index: Annotated[
        str,
        Field(
            default="chunks",
            pattern=r"^[A-Za-z0-9_:-]+$",
            description="redis_enterprise_cloud: the index of the database.",
            json_schema_extra=unit("name"),
        ),
    ]

    def outside_problems(self, store: str) -> Iterator[str]:
        """What a store outside of AWS needs to be told."""
        if store not in OUTSIDE:
            return
        for name in ("secret_arn", "endpoint"):
            if not getattr(self, name):
                yield (
                    f"{name} is empty, but vector_store is {store}, which is not made by the "
                    f"stack: create it, and set {name}"
                )
        if store == "pinecone" and self.endpoint and not self.endpoint.startswith("https://"):
            yield f"endpoint ({self.endpoint}) is no https URL: copy the host of the index"
