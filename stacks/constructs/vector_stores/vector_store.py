"""What every vector store has in common."""

from __future__ import annotations

import hashlib
import importlib
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import jsii
from aws_cdk import Aws, Fn, RemovalPolicy
from aws_cdk import aws_bedrock as bedrock
from aws_cdk import aws_iam as iam
from constructs import Construct, IDependable

from stacks.bundling import Bundle
from stacks.embedding_models import Embedding
from stacks.settings_knowledge import KnowledgeSettings

if TYPE_CHECKING:
    from aws_cdk import aws_ec2 as ec2
    from aws_cdk import aws_kms as kms


Configuration = bedrock.CfnKnowledgeBase.KnowledgeBaseConfigurationProperty
DESCRIPTION = "Groundwork: prepared documents"
Storage = bedrock.CfnKnowledgeBase.StorageConfigurationProperty


@dataclass(frozen=True, kw_only=True)
class VectorStoreInputs:
    """Settings, the vectors that will be kept, and what some stores need beside them.

    `setup_package` makes the package of the function behind custom resources, for stores that have
    one; `vpc` and `subnets` are for stores that live in a network.
    """

    settings: KnowledgeSettings
    embedding: Embedding
    setup_package: Callable[[], Bundle]
    vpc: ec2.IVpc
    subnets: ec2.SubnetSelection
    encryption_key: kms.IKey | None = None

    @property
    def removal_policy(self) -> RemovalPolicy:
        """What becomes of vectors when their stack, or what holds them, goes.

        Not what is new when its deployment is rolled back: it holds nothing, and would be paid for.
        https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html
        """
        kept = RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE
        return kept if self.settings.retain_data else RemovalPolicy.DESTROY

    def index_fingerprint(self, *graph: object) -> str:
        """Of what an index cannot change, and of what must not be mixed in one that is kept.

        Its data source leaves its vectors there when another way of chunking replaces it.
        """
        chunks = [self.settings.chunks] if self.settings.keeps_vectors else []
        return fingerprint(self.embedding, *graph, *chunks)


class VectorStore(Construct, metaclass=jsii.JSIIAbstractClass):
    """A store, in the order in which a knowledge base needs it.

    The constructor makes what can be made before the knowledge base has a role. The role gets
    `permissions` inline, so that it has them from its first moment. `admit` then makes what has to
    know the role: policies that name it, and the index behind them. `knowledge_base` comes last.
    """

    def __init__(self, scope: Construct, construct_id: str, *, inputs: VectorStoreInputs) -> None:
        super().__init__(scope, construct_id)
        self._inputs = inputs

    @property
    @abstractmethod
    def permissions(self) -> Mapping[str, Sequence[iam.PolicyStatement]]:
        """What the knowledge base's role may do here: policy name -> statements."""

    @property
    def settled(self) -> str:
        """What cannot change without another role for the knowledge base.

        A role that is changed in place loses the old store before the old data source, which is
        deleted last of all, has taken its vectors out of it.
        """
        return fingerprint(*self._inputs.settings.replacing)

    @property
    def job_permissions(self) -> Mapping[str, Sequence[iam.PolicyStatement]]:
        """What who starts ingestion jobs needs besides, because of the store."""
        return {}

    @abstractmethod
    def knowledge_base(
        self, scope: Construct, *, name: str, role: iam.IRole, configuration: Configuration
    ) -> tuple[str, str]:
        """A knowledge base on this store: its identifier and ARN."""

    def admit(self, role: iam.IRole) -> None:
        """Let the knowledge base's role in. Stores that ask IAM alone need nothing."""

    def accept(self, role: iam.IRole) -> None:
        """Acknowledge what judges find in `permissions` and is meant."""


class NativeVectorStore(VectorStore):
    """A store that AWS::Bedrock::KnowledgeBase knows, as it does all but one.

    The knowledge base is made from `storage_configuration`, after everything in `depends_on`.
    """

    def __init__(self, scope: Construct, construct_id: str, *, inputs: VectorStoreInputs) -> None:
        super().__init__(scope, construct_id, inputs=inputs)
        self.depends_on: list[IDependable] = []

    @property
    @abstractmethod
    def storage_configuration(self) -> Storage:
        """How a knowledge base finds the store; to be read after `admit`."""

    def knowledge_base(
        self, scope: Construct, *, name: str, role: iam.IRole, configuration: Configuration
    ) -> tuple[str, str]:
        """The knowledge base, made by CloudFormation."""
        resource = bedrock.CfnKnowledgeBase(
            scope,
            "Resource",
            name=name,
            description=DESCRIPTION,
            role_arn=role.role_arn,
            knowledge_base_configuration=configuration,
            storage_configuration=self.storage_configuration,
        )
        for needed in self.depends_on:
            resource.node.add_dependency(needed)
        return resource.attr_knowledge_base_id, resource.attr_knowledge_base_arn


def vector_store(scope: Construct, construct_id: str, *, inputs: VectorStoreInputs) -> VectorStore:
    """The store that settings choose.

    Its module, and with it the service's part of aws-cdk-lib, is imported only now: importing all
    of them would make every synth a second longer.

    Every store has logical ids of its own: two of them have an `Index`, and CloudFormation refuses
    to make a resource one of another type.
    """
    name = inputs.settings.vector_store
    module = importlib.import_module(f"stacks.constructs.vector_stores.{name}")
    own_id = f"{construct_id}On{name.title().replace('_', '')}"
    made: VectorStore = module.Store(scope, own_id, inputs=inputs)
    return made


def stack_suffix() -> str:
    """Eight digits of the stack's identifier, for names that are unique in an account.

    A stack that is deleted and made again gets others, so what a failed deletion has left over is
    in nobody's way.
    """
    return Fn.select(0, Fn.split("-", Fn.select(2, Fn.split("/", Aws.STACK_ID))))


def fingerprint(*parts: object) -> str:
    """Six digits that change with `parts`, for the names of what a change of them replaces.

    CloudFormation makes the new resource before it deletes the old one, whose name is still taken.
    """
    return hashlib.sha256("/".join(map(str, parts)).encode()).hexdigest()[:6]
