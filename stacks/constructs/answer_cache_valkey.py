"""Answers kept in memory, in the network."""

from __future__ import annotations

from aws_cdk import Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticache as elasticache
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.constructs.acknowledged import acknowledge
from stacks.settings_answer_cache import AnswerCacheSettings

# https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/search-features-limits.html
ENGINE, VERSION, FAMILY = "valkey", "8.2", "valkey8"
PORT = 6380
# Keys and commands of lambda_src/chat/cache_on_valkey.py, by category: reading and writing under
# one prefix, which includes FT.CREATE and FT.SEARCH.
ACCESS = "on ~answer:* -@all +@read +@write +@connection +@transaction -@dangerous"


class ValkeyAnswerCache(Construct):
    """A Valkey replication group that searches vectors, reached over TLS by IAM.

    Node-based: ElastiCache Serverless for Valkey has no vector search
    (https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/search-features-limits.html),
    and would idle at 100 MB, 6 USD a month. So this one is paid for around the clock, and its
    small nodes give 30 % of their memory to the search, which that page asks for.

    - The function's role is the user: no password exists that could be lost, and a token is good
      for 15 minutes. The user's id is its name, which IAM wants
      (https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/auth-iam.html). Nobody else is in
      the user group, and Valkey needs no default user there.
    - What is full forgets what was used longest ago: a cache that refuses writes helps nobody.
    - No snapshots: what is lost is made again by asking.

    Attributes: `endpoint` (rediss://host:port), `name`, `user`, `permissions`, `security_group`.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: AnswerCacheSettings,
        vpc: ec2.IVpc,
        subnets: ec2.SubnetSelection,
        client: ec2.ISecurityGroup,
    ) -> None:
        super().__init__(scope, construct_id)
        stack = Stack.of(self)
        self.security_group = ec2.SecurityGroup(
            self,
            "SecurityGroup",
            vpc=vpc,
            description="Cache of answers: Valkey from the function chat",
            allow_all_outbound=False,
        )
        self.security_group.add_ingress_rule(client, ec2.Port.tcp(PORT), "The function chat")
        client.add_egress_rule(self.security_group, ec2.Port.tcp(PORT), "The cache of answers")
        user = elasticache.CfnUser(
            self,
            "User",
            engine=ENGINE,
            user_id=f"{stack.stack_name}-chat".lower(),
            user_name=f"{stack.stack_name}-chat".lower(),
            access_string=ACCESS,
            authentication_mode={"Type": "iam"},
        )
        users = elasticache.CfnUserGroup(
            self,
            "Users",
            engine=ENGINE,
            user_group_id=f"{stack.stack_name}-cache".lower(),
            user_ids=[user.ref],
        )
        group = self._group(settings, vpc=vpc, subnets=subnets, users=users)
        self.user = user.ref
        self.name = group.ref
        self.endpoint = (
            f"rediss://{group.attr_primary_end_point_address}:{group.attr_primary_end_point_port}"
        )
        arns = [
            stack.format_arn(
                service="elasticache",
                resource=f"{kind}:{name}",
            )
            for kind, name in (("replicationgroup", self.name), ("user", self.user))
        ]
        self.permissions = [iam.PolicyStatement(actions=["elasticache:Connect"], resources=arns)]

    def _group(
        self,
        settings: AnswerCacheSettings,
        *,
        vpc: ec2.IVpc,
        subnets: ec2.SubnetSelection,
        users: elasticache.CfnUserGroup,
    ) -> elasticache.CfnReplicationGroup:
        placed = elasticache.CfnSubnetGroup(
            self,
            "Subnets",
            description="Cache of answers",
            subnet_ids=vpc.select_subnets(subnet_group_name=subnets.subnet_group_name).subnet_ids,
        )
        parameters = elasticache.CfnParameterGroup(
            self,
            "Parameters",
            cache_parameter_group_family=FAMILY,
            description="Cache of answers",
            properties={"maxmemory-policy": "allkeys-lru", "reserved-memory-percent": "30"},
        )
        several = settings.cache_replicas > 0
        group = elasticache.CfnReplicationGroup(
            self,
            "Group",
            replication_group_description="Cache of answers",
            engine=ENGINE,
            engine_version=VERSION,
            cache_node_type=settings.cache_node_type,
            num_cache_clusters=1 + settings.cache_replicas,
            automatic_failover_enabled=several,
            multi_az_enabled=several,
            port=PORT,
            cache_subnet_group_name=placed.ref,
            cache_parameter_group_name=parameters.ref,
            security_group_ids=[self.security_group.security_group_id],
            user_group_ids=[users.ref],
            transit_encryption_enabled=True,
            transit_encryption_mode="required",
            at_rest_encryption_enabled=True,
            auto_minor_version_upgrade=True,
        )
        if not several:
            acknowledge(
                group,
                "AwsSolutions::AwsSolutions-AEC4",
                reason="Replicas are a setting (assistant.cache_replicas). Without them the cache "
                "goes with its node, which costs answers their speed and nothing else.",
            )
        acknowledge(
            group,
            "AwsSolutions::AwsSolutions-AEC6",
            reason="Users are known by IAM (user group), which takes the place of a password.",
        )
        return group
