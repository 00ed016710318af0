"""Settings of the knowledge stack: vector store, embedding model, chunks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from stacks.embedding_models import EMBEDDING_MODELS, Embedding
from stacks.settings_chunking import ChunkingSettings
from stacks.settings_model import LogRetentionDays, unit
from stacks.settings_vector_stores import (
    OUTSIDE,
    OpenSearchServerlessSettings,
    OtherStoreSettings,
)


class KnowledgeSettings(ChunkingSettings, OpenSearchServerlessSettings, OtherStoreSettings):
    """The knowledge base, and the vector store that it searches."""

    vector_store: Annotated[
        Literal[
            "opensearch_serverless",
            "opensearch_managed",
            "aurora_postgresql",
            "s3_vectors",
            "pinecone",
            "redis_enterprise_cloud",
        ],
        Field(
            default="opensearch_serverless",
            description="Where vectors are kept. docs/costs.md compares what each costs idle, "
            "docs/decisions/0005-vector-store.md says which to choose.",
        ),
    ]
    embedding_model: Annotated[
        Literal[
            "amazon.titan-embed-text-v2:0",
            "amazon.titan-embed-text-v1",
            "cohere.embed-english-v3",
            "cohere.embed-multilingual-v3",
        ],
        Field(
            default="amazon.titan-embed-text-v2:0",
            description="What makes vectors of texts. The account needs access to it.",
        ),
    ]
    embedding_dimension: Annotated[
        int,
        Field(
            default=0,
            ge=0,
            le=4096,
            description="Numbers in a vector, of those that the model offers; 0 for the model's "
            "own choice. Less is cheaper to keep and to search, and finds a little less.",
            json_schema_extra=unit("numbers"),
        ),
    ]
    rerank_model: Annotated[
        Literal["", "amazon.rerank-v1:0", "cohere.rerank-v3-5:0"],
        Field(
            default="",
            description="Sort what was found once more, with a model that reads question and chunk "
            "together; empty for no reranking. Billed per query. Both are in ap-northeast-1, "
            "ca-central-1, eu-central-1 and us-west-2, Cohere's in us-east-1 as well; synth knows "
            "no Region, so elsewhere the first question fails.",
        ),
    ]
    retain_data: Annotated[
        bool,
        Field(
            default=True,
            description="Keep vectors, in their store, when the stack is deleted or the knowledge "
            "base replaced, and, as soon as `deployed` says that there are some, protect stack and "
            "store from deletion. What is kept is paid for "
            "until you delete it; nothing but you refers to it any more, and the documents would "
            "make it again. At pinecone and redis_enterprise_cloud the stack alone is protected. "
            "When off, vectors go with the stack. Changing it replaces the knowledge base.",
        ),
    ]
    customer_key: Annotated[
        bool,
        Field(
            default=False,
            description="Encrypt vectors with a KMS key of your own (1 USD a month and requests) "
            "instead of AWS's.",
        ),
    ]
    ingestion_log: Annotated[
        bool,
        Field(
            default=False,
            description="Keep Bedrock's own log of ingestion, a line per document, in CloudWatch "
            "Logs (billed per GB). The function `ingestion` reports failures in any case.",
        ),
    ]
    log_retention_days: Annotated[
        LogRetentionDays,
        Field(
            default=14,
            description="How long the logs of this stack are kept.",
            json_schema_extra=unit("days, a value that CloudWatch Logs accepts"),
        ),
    ]
    deployed: Annotated[
        str,
        Field(
            default="",
            description="What this stage has deployed: the stack's output Identity. Synth refuses "
            "settings that would replace it, and what is kept is protected from deletion. Empty "
            "until the first deployment is complete, so that one that fails can be done again, and "
            "where nothing is worth keeping.",
            json_schema_extra=unit("store/details/model/dimension/chunks"),
        ),
    ]
    confirm_replacement: Annotated[
        str,
        Field(
            default="",
            description="Accept that knowledge base and vectors are replaced by what is named "
            "here, and that all documents are ingested again.",
            json_schema_extra=unit("store/details/model/dimension/chunks"),
        ),
    ]

    @property
    def embedding(self) -> Embedding:
        """Model and dimension."""
        return Embedding(
            model_id=self.embedding_model,
            dimension=self.embedding_dimension
            or EMBEDDING_MODELS[self.embedding_model].dimensions[0],
        )

    @property
    def keeps_vectors(self) -> bool:
        """Whether vectors outlive their data source; what others keep is not ours to keep."""
        return self.retain_data and self.vector_store not in OUTSIDE

    @property
    def protects_stack(self) -> bool:
        """Whether the stack may not be deleted: there is something to keep.

        A stack that is new is not protected. When its creation fails, CDK deletes it before it
        makes it again, which CloudFormation would refuse
        (https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-protect-stacks.html).
        """
        return self.retain_data and bool(self.deployed)

    @property
    def protects_store(self) -> bool:
        """Whether the store may not be deleted: it is the one that is deployed.

        One that is new is not protected, so that it goes when its deployment fails.
        """
        return self.retain_data and self.deployed == self.identity

    @property
    def identity(self) -> str:
        """Everything whose change replaces the knowledge base.

        Chunks are, where vectors are kept: another kind has another index (see DataSource).
        """
        details: list[str] = []
        graph = self.vector_store in ("opensearch_managed", "aurora_postgresql")
        if self.vector_store == "opensearch_serverless":
            graph = self.serverless_generation == "classic"
            details.append(self.serverless_generation)
            if graph:
                details.append("standby" if self.standby_replicas else "single")
        if graph:
            details.append(f"hnsw-{self.hnsw_m}-{self.hnsw_ef_construction}")
        if self.vector_store in OUTSIDE:
            details.append(self.endpoint)
        elif self.customer_key:
            details.append("customer-key")
        parts = [self.vector_store, *details, self.embedding_model, str(self.embedding.dimension)]
        return "/".join([*parts, *([self.chunks] if self.keeps_vectors else [])])

    @property
    def replacing(self) -> tuple[str, ...]:
        """What no knowledge base survives a change of. The secret and the index of a third party's
        store are not in `identity`, which a stage records.
        """
        return self.identity, self.secret_arn, self.redis_index

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        problems = [
            *self._embedding_problems(),
            *self.chunking_problems(self.vector_store),
            *self.serverless_problems(self.vector_store),
            *self.outside_problems(self.vector_store),
            *self._replacement_problems(),
            *self._closed_problems(),
        ]
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def _embedding_problems(self) -> Iterator[str]:
        model = EMBEDDING_MODELS[self.embedding_model]
        if self.embedding_dimension and self.embedding_dimension not in model.dimensions:
            yield (
                f"embedding_dimension ({self.embedding_dimension}) is none that "
                f"{self.embedding_model} offers: set {' or '.join(map(str, model.dimensions))}, "
                "or 0"
            )
        if self.chunking != "none" and self.chunk_tokens > model.tokens:
            yield (
                f"chunk_tokens ({self.chunk_tokens}) exceeds what {self.embedding_model} reads "
                f"({model.tokens}): lower it"
            )

    def _replacement_problems(self) -> Iterator[str]:
        if self.deployed and self.deployed != self.identity != self.confirm_replacement:
            yield (
                f"deployed is {self.deployed}, and these settings make {self.identity}: the "
                "knowledge base would be replaced, and everything ingested again. Undo the change; "
                f"or set confirm_replacement to {self.identity}, deploy, and set deployed to the "
                "same. When nothing is deployed yet, set deployed alone"
            )

    def _closed_problems(self) -> Iterator[str]:
        """An index is made from outside of the VPC, where a closed collection is out of reach."""
        closed = self.serverless_vpc_endpoint and self.vector_store == "opensearch_serverless"
        if closed and self.deployed != self.identity:
            yield (
                f"serverless_vpc_endpoint is set, but deployed is {self.deployed or 'empty'}, so "
                f"the index of {self.identity} is still to be made, which CloudFormation cannot do "
                "in a collection that only a VPC reaches. Deploy without serverless_vpc_endpoint, "
                f"set deployed to {self.identity}, then set serverless_vpc_endpoint and deploy "
                "again"
            )
