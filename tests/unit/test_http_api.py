"""HTTP APIs: signed requests alone, limited and logged."""

from __future__ import annotations

import json

import pytest
from aws_cdk import aws_iam as iam

from application_constructs.http_api import FunctionApi
from elasticache_constructs import EncryptionKey
from tests.conftest import Bench, new_bench
from tests.unit.test_workload_function import function


@pytest.fixture(scope="module", name="plain")
def _plain() -> Bench:
    """An API with a caller that is admitted: only to be looked at."""
    bench = new_bench()
    key = EncryptionKey(bench.stack, "Key", description="API").key
    api = FunctionApi(bench.stack, "Api", function=function(bench), encryption_key=key)
    api.grant_invoke(iam.Role(bench.stack, "Caller", assumed_by=iam.AccountRootPrincipal()))
    return bench


def test_every_request_is_signed(plain: Bench) -> None:
    """There is one route, for everything, and it wants IAM."""
    route = plain.only("ApiGatewayV2::Route")["Properties"]

    assert ("$default", "AWS_IAM") == (route["RouteKey"], route["AuthorizationType"])


def test_no_other_origin_may_call(plain: Bench) -> None:
    """There is no CORS."""
    assert "CorsConfiguration" not in plain.only("ApiGatewayV2::Api")["Properties"]


def test_requests_are_limited(plain: Bench) -> None:
    """50 a second, and bursts of twice as many."""
    settings = plain.only("ApiGatewayV2::Stage")["Properties"]["DefaultRouteSettings"]

    assert (50, 100) == (settings["ThrottlingRateLimit"], settings["ThrottlingBurstLimit"])


def test_requests_are_logged_as_json(plain: Bench) -> None:
    """Each leaves who, what and how it went in an encrypted group, without headers and bodies."""
    logged = plain.only("ApiGatewayV2::Stage")["Properties"]["AccessLogSettings"]
    group = plain.resources("Logs::LogGroup")[logged["DestinationArn"]["Fn::GetAtt"][0]]

    assert {"requestId", "caller", "status"} <= json.loads(logged["Format"]).keys()
    assert "authorization" not in logged["Format"].lower()
    assert "KmsKeyId" in group["Properties"]
    assert group["Properties"]["LogGroupName"]["Fn::Sub"][0].startswith("/aws/vendedlogs/")


def test_only_this_api_may_call_the_function(plain: Bench) -> None:
    """The permission names the account and the API."""
    permission = plain.only("Lambda::Permission")["Properties"]
    ((api, _),) = plain.resources("ApiGatewayV2::Api").items()

    assert {"Ref": "AWS::AccountId"} == permission["SourceAccount"]
    assert {"Ref": api} in permission["SourceArn"]["Fn::Join"][1]


def test_grant_is_for_this_api(plain: Bench) -> None:
    """An admitted caller may call every path of this API's one stage, and no other API."""
    (statement,) = plain.only("IAM::Policy")["Properties"]["PolicyDocument"]["Statement"]
    ((api, _),) = plain.resources("ApiGatewayV2::Api").items()

    assert "execute-api:Invoke" == statement["Action"]
    assert [{"Ref": api}, "/$default/*/*"] == statement["Resource"]["Fn::Join"][1][-2:]
