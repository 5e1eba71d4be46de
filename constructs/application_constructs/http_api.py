"""An HTTP API in front of a function, with IAM authorization."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from aws_cdk import Names, Stack
from aws_cdk import aws_apigatewayv2 as apigatewayv2
from aws_cdk.aws_apigatewayv2_authorizers import HttpIamAuthorizer
from aws_cdk.aws_apigatewayv2_integrations import HttpLambdaIntegration
from constructs import Construct

from elasticache_constructs.checks.situations import Situation, accept
from elasticache_constructs.checks.tokens import is_unresolved
from elasticache_constructs.shared.encryption_key import checked_key
from elasticache_constructs.shared.grants import grant
from elasticache_constructs.shared.logs import log_group

if TYPE_CHECKING:
    from aws_cdk import aws_iam as iam
    from aws_cdk import aws_kms as kms
    from constructs import IConstruct

    from application_constructs.function import WorkloadFunction

_LONGEST_NAME = 64
_STAGE = "$default"  # the one whose name is not in the path
# One JSON object a request: who, what, how it went. Neither headers nor bodies.
_LOGGED = {
    "time": "$context.requestTime",
    "requestId": "$context.requestId",
    "ip": "$context.identity.sourceIp",
    "caller": "$context.identity.userArn",
    "method": "$context.httpMethod",
    "path": "$context.path",
    "status": "$context.status",
    "error": "$context.error.message",
    "milliseconds": "$context.responseLatency",
    "bytes": "$context.responseLength",
}
_ARN_IS_JOINED = (
    "The permission names both the account and the API's own ARN. The Guard rule takes text or a plain reference for "
    "them, and no Fn::Join."
)


class FunctionApi(Construct):
    """An HTTP API that sends every path to one function, with IAM authorization.

    Callers sign requests with Signature Version 4, under a role with `grant_invoke`. Requests are rate limited, and an
    encrypted log records each one. CORS is not configured: browser pages of another origin cannot call the API.

    Each API is a separate site, so an application's paths and cookies begin at ``/``.

    Args:
        scope: The parent.
        construct_id: The id in the parent.
        function: The function that answers requests.
        encryption_key: Encrypts the access log. The policy of a key of the app is extended for CloudWatch Logs; that of
            an imported key must allow it already, and synth warns.
        requests_per_second: Default: 50, with bursts of twice as many.

    See https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-access-control-iam.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        function: WorkloadFunction,
        encryption_key: kms.IKey,
        requests_per_second: int = 50,
    ) -> None:
        key = checked_key(encryption_key, of=scope)
        super().__init__(scope, construct_id)
        name = Names.unique_resource_name(self, max_length=_LONGEST_NAME, separator="-")
        self._api = apigatewayv2.HttpApi(self, "Api", api_name=name, create_default_stage=False)
        route = apigatewayv2.HttpRoute(
            self,
            "Everything",
            http_api=self._api,
            route_key=apigatewayv2.HttpRouteKey.DEFAULT,
            integration=HttpLambdaIntegration("Function", function.function),
            authorizer=HttpIamAuthorizer(),
        )
        _limit(route.node.find_child("Function-Permission"))
        group = log_group(self, "Log", key=key, vended_name=f"{name}/access-log")
        apigatewayv2.CfnStage(
            self,
            "Stage",
            api_id=self._api.api_id,
            stage_name=_STAGE,
            auto_deploy=True,
            default_route_settings=apigatewayv2.CfnStage.RouteSettingsProperty(
                throttling_rate_limit=requests_per_second,
                throttling_burst_limit=2 * requests_per_second,
                detailed_metrics_enabled=True,
            ),
            access_log_settings=apigatewayv2.CfnStage.AccessLogSettingsProperty(
                destination_arn=group.log_group_arn, format=json.dumps(_LOGGED)
            ),
        )

    @property
    def url(self) -> str:
        """Where the application's ``/`` is."""
        return f"{self._api.api_endpoint}/"

    def grant_invoke(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let a role call the application, by every method and on every path.

        Args:
            grantee: A role, function or whatever else has one, of the API's own account.

        Raises:
            ConfigurationError: If the app does not write the grantee's policy.
        """
        return grant(
            "grant_invoke",
            grantee,
            of=self,
            actions=["execute-api:Invoke"],
            resource_arns=[self._api.arn_for_execute_api("*", "/*", _STAGE)],
        )


def _limit(permission: IConstruct) -> None:
    """Restrict the permission to the account as well; the CDK sets the API's ARN only."""
    account = Stack.of(permission).account
    permission.source_account = account  # type: ignore[attr-defined]
    if is_unresolved(account):
        accept(permission, {Situation.LAMBDA_PERMISSION_WITH_UNKNOWN_ACCOUNT: _ARN_IS_JOINED})
