"""Custom resources of the CDK, under the roles of their providers' functions.

The CDK's own functions run on Node with the AWS SDK for JavaScript, 46 MB that this project does not need otherwise.
So each has a handler here that sends the same requests, signed with the credentials of the provider's role: a grant
that the role lacks fails the deployment, as on AWS.
"""

from __future__ import annotations

import base64
import contextlib
import importlib
import json
from typing import TYPE_CHECKING, Any

from rehearsal.extension import default_security_group
from rehearsal.extension.seam import HANDLERS, Properties, Provisioned, handlers, responses
from rehearsal.extension.triggers import TRIGGER
from rehearsal.live import functions
from rehearsal.live.functions import service_calls

if TYPE_CHECKING:
    from collections.abc import Callable

    from rehearsal.live.run import Run

boto3: Any = importlib.import_module("boto3")
config: Any = importlib.import_module("botocore.config")
exceptions: Any = importlib.import_module("botocore.exceptions")

TOUCHES = (HANDLERS,)

DEFAULT_TIMEOUT = 120_000  # milliseconds, of a trigger without Timeout
SYNCHRONOUS = "RequestResponse"
DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})


def _client(run: Run, service: str, provider: str, seconds: float) -> Any:
    """A client with the credentials of a provider's role."""
    record = service_calls.record_of(provider)
    keys = functions.credentials_of_run().of(record["config"])
    return boto3.client(
        service,
        region_name=responses.get_region(),
        endpoint_url=f"https://127.0.0.1:{run.gateway_port}",
        verify=str(run.authority.ca_file),
        aws_access_key_id=keys["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=keys["AWS_SESSION_TOKEN"],
        config=config.Config(read_timeout=seconds, retries={"total_max_attempts": 1}, proxies={}),
    )


def _trigger(run: Run) -> Callable[[str, Properties], None]:
    def call(logical_id: str, props: Properties) -> None:
        kind = props.get("InvocationType") or SYNCHRONOUS
        seconds = int(props.get("Timeout") or DEFAULT_TIMEOUT) / 1000
        client = _client(run, "lambda", props["ServiceToken"], seconds)
        asked = {"FunctionName": props["HandlerArn"], "InvocationType": kind}
        if kind == SYNCHRONOUS:
            asked["LogType"] = "Tail"
        try:
            answer = client.invoke(**asked)
        except exceptions.ClientError as error:
            raise ValueError(f"{logical_id}: {props['HandlerArn']}: {_text(error)}") from None
        except exceptions.ReadTimeoutError:
            raise ValueError(f"{logical_id}: {props['HandlerArn']} did not end within {seconds:.0f} s") from None
        if answer.get("FunctionError"):
            log = base64.b64decode(answer.get("LogResult", "")).decode(errors="replace")
            outcome = {"body": json.loads(answer["Payload"].read()), "log": log}
            raise ValueError(f"{logical_id}: {service_calls.cause(_name(props['HandlerArn']), outcome)}")

    return call


def _name(arn: str) -> str:
    return ":".join(arn.split(":")[6:])


def _text(error: Any) -> str:
    answer = error.response["Error"]
    return f"{answer.get('Code')}: {answer.get('Message')}"


def _register_trigger(run: Run) -> None:
    call = _trigger(run)
    checked = handlers()[TRIGGER]["create"]  # the extension's, which refuses a trigger without a function

    def create(logical_id: str, props: Properties, stack: str) -> Provisioned:
        made: Provisioned = checked(logical_id, props, stack)
        call(logical_id, props)
        return made

    def update(physical_id: str, _old: Properties, new: Properties, stack: str) -> Provisioned:
        return create(physical_id, new, stack)

    handlers()[TRIGGER].update(create=create, update=update)


def _restricting(run: Run, stock: Callable[..., Provisioned]) -> Callable[..., Provisioned]:
    """The rules that the CDK's function revokes, one request each; the emulator's own answer decides nothing."""

    def create(logical_id: str, props: Properties, stack: str) -> Provisioned:
        group = props["DefaultSecurityGroupId"]
        client = _client(run, "ec2", props["ServiceToken"], 60)
        outside = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
        inside = {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": group, "UserId": str(props["Account"])}]}
        requests = ((client.revoke_security_group_egress, outside), (client.revoke_security_group_ingress, inside))
        for revoke, rule in requests:
            with contextlib.suppress(exceptions.ClientError):
                _asked(logical_id, revoke, group, rule)
        return stock(logical_id, props, stack)

    return create


def _asked(logical_id: str, revoke: Callable[..., Any], group: str, rule: dict[str, Any]) -> None:
    try:
        revoke(GroupId=group, IpPermissions=[rule])
    except exceptions.ClientError as error:
        if error.response["Error"].get("Code") in DENIED:
            raise ValueError(f"{logical_id}: {_text(error)}") from None
        raise


def install(run: Run) -> None:
    """Send the requests of the CDK's functions."""
    _register_trigger(run)
    restrict = handlers()[default_security_group.RESTRICT]
    restrict["create"] = _restricting(run, restrict["create"])
