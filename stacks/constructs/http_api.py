"""An HTTP API in front of functions."""

from __future__ import annotations

import json

from aws_cdk import RemovalPolicy, Stack
from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.constructs.log_group import log_group
from stacks.constructs.service_alarm import Observed, ServiceAlarm
from stacks.settings_functions import ApiSettings

# A prefix for which CloudWatch Logs lets services in without adding a line per log group to one of
# the account's few resource policies, which takes 5,120 characters.
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-infrastructure-CWL.html
LOG_GROUPS = "/aws/vendedlogs/apigateway/"
# https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging-variables.html
ACCESS_LOG = {
    "requestId": "$context.requestId",
    "time": "$context.requestTime",
    "routeKey": "$context.routeKey",
    "status": "$context.status",
    "caller": "$context.identity.caller",
    "sourceIp": "$context.identity.sourceIp",
    "responseLatency": "$context.responseLatency",
    "integrationLatency": "$context.integrationLatency",
    "integrationError": "$context.integrationErrorMessage",
    "error": "$context.error.message",
}


class HttpApi(Construct):
    """Routes to aliases, behind IAM or JWT, throttled, with an access log.

    An HTTP API rather than a REST API: less than a third of the price and less latency, and nothing
    here needs what only REST APIs have
    (https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-vs-rest.html). Every
    route has its own permission to invoke the alias, and no other. A stage `$default` that deploys
    by itself, so there is no deployment to forget.

    L1 resources: the L2 spreads them over three modules, which all of synth would wait for.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        settings: ApiSettings,
        log_retention_days: int,
        encryption_key: kms.IKey | None,
        alarm_topic: sns.ITopic,
    ) -> None:
        super().__init__(scope, construct_id)
        self._settings = settings
        self._integrations: dict[str, apigateway.CfnIntegration] = {}
        self.api = apigateway.CfnApi(
            self, "Api", name=name, protocol_type="HTTP", description="Groundwork"
        )
        logs = log_group(
            self,
            "AccessLog",
            name=f"{LOG_GROUPS}{self.api.ref}",
            retention_days=log_retention_days,
            removal_policy=RemovalPolicy.DESTROY,
            encryption_key=encryption_key,
        )
        self.stage = apigateway.CfnStage(
            self,
            "Stage",
            api_id=self.api.ref,
            stage_name="$default",
            auto_deploy=True,
            access_log_settings=apigateway.CfnStage.AccessLogSettingsProperty(
                destination_arn=logs.log_group_arn,
                format=json.dumps(ACCESS_LOG),
            ),
            default_route_settings=apigateway.CfnStage.RouteSettingsProperty(
                detailed_metrics_enabled=False,
                throttling_rate_limit=settings.throttle_requests_per_second,
                throttling_burst_limit=settings.throttle_burst,
            ),
        )
        self._authorizer = self._jwt_authorizer() if settings.authorization == "jwt" else None
        ServiceAlarm(
            self,
            "ServerErrors",
            Observed(namespace="AWS/ApiGateway", names=["5xx"], dimensions={"ApiId": self.api.ref}),
            topic_arn=alarm_topic.topic_arn,
            threshold=0,
            periods=2,
            description="The API answers with server errors.",
        )

    @property
    def url(self) -> str:
        """Where the API answers."""
        return self.api.attr_api_endpoint

    def add_route(self, route: str, alias: lambda_.Alias) -> None:
        """Let `METHOD /path` invoke the alias."""
        method, _, path = route.partition(" ")
        construct_id = f"{method.title()}{''.join(filter(str.isalnum, path.title()))}"
        apigateway.CfnRoute(
            self,
            construct_id,
            api_id=self.api.ref,
            route_key=route,
            authorization_type="JWT" if self._authorizer else "AWS_IAM",
            authorizer_id=self._authorizer.ref if self._authorizer else None,
            target=f"integrations/{self._integration(alias).ref}",
        )
        alias.add_permission(
            f"Api{construct_id}",
            principal=iam.ServicePrincipal("apigateway.amazonaws.com"),
            source_arn=Stack.of(self).format_arn(
                service="execute-api",
                resource=self.api.ref,
                resource_name=f"*/{method}{_pattern(path)}",
            ),
        )

    def _integration(self, alias: lambda_.Alias) -> apigateway.CfnIntegration:
        key = alias.node.path
        if key not in self._integrations:
            self._integrations[key] = apigateway.CfnIntegration(
                self,
                f"Function{len(self._integrations) + 1}",
                api_id=self.api.ref,
                integration_type="AWS_PROXY",
                integration_uri=alias.function_arn,
                payload_format_version="2.0",
            )
        return self._integrations[key]

    def _jwt_authorizer(self) -> apigateway.CfnAuthorizer:
        return apigateway.CfnAuthorizer(
            self,
            "Tokens",
            api_id=self.api.ref,
            name="tokens",
            authorizer_type="JWT",
            identity_source=["$request.header.Authorization"],
            jwt_configuration=apigateway.CfnAuthorizer.JWTConfigurationProperty(
                issuer=self._settings.jwt_issuer, audience=list(self._settings.jwt_audience)
            ),
        )


def _pattern(path: str) -> str:
    """A path for an ARN, where a parameter is any text: /jobs/{id} becomes /jobs/*."""
    return "/".join("*" if part.startswith("{") else part for part in path.split("/"))
