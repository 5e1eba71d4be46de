"""Invocations by services, their policies, metrics, dead letters, schedules and alarms, in this process."""

from __future__ import annotations

import asyncio
import contextlib
import json
import platform
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import pytest

from rehearsal.extension import seam
from rehearsal.live import alarms, deliveries, functions, journal
from rehearsal.live.functions import embedded_metrics, invocations, service_calls
from rehearsal.live.functions.seam import apigateway, cloudwatch, eventbridge, lambda_service, sessions
from rehearsal.live.identity.emulator import iam
from rehearsal.live.service_principals import Source
from tests.rehearsal.live.functions.conftest import CONFIG, packed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rehearsal.live.run import Run

CODE = """
import json, os, time
def handler(event, context):
    if event.get("fail"): raise ValueError(os.environ["WHY"])
    if event.get("count"):
        metric = {"Namespace": "Own", "Dimensions": [["FunctionName"]], "Metrics": [{"Name": "Failed"}]}
        at = int(time.time() * 1000)
        print(json.dumps({"FunctionName": context.function_name, "Failed": 1,
                          "_aws": {"Timestamp": at, "CloudWatchMetrics": [metric]}}))
    return event
"""


ROLE = "AWS::IAM::Role"
TRUST = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}


def _create(*allowed: str, **properties: Any) -> str:
    """Create a function and its role by CloudFormation, with these actions allowed; returns the function's ARN."""
    account = seam.responses.get_account_id()
    statements = [{"Effect": "Allow", "Action": ["logs:*", *allowed], "Resource": "*"}]
    role = {
        "RoleName": "probe",
        "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [TRUST]},
        "Policies": [{"PolicyName": "own", "PolicyDocument": {"Version": "2012-10-17", "Statement": statements}}],
    }
    seam.handlers()[ROLE]["create"]("Role", role, "stack")
    asked = {
        "FunctionName": "probe",
        "Runtime": "python3.14",
        "Handler": "app.handler",
        "Role": f"arn:aws:iam::{account}:role/probe",
        "Timeout": 20,
        "MemorySize": 256,
        "Environment": {"Variables": {"WHY": "because"}},
        **properties,
    }
    _name, attributes = seam.handlers()["AWS::Lambda::Function"]["create"]("Logical", asked, "stack")
    lambda_service._functions["probe"]["code_zip"] = packed(app=CODE)
    return str(attributes["Arn"])


def _permit(function: str, source: Source) -> None:
    lambda_service._functions["probe"]["policy"]["Statement"].append(
        {
            "Sid": source.service,
            "Effect": "Allow",
            "Principal": {"Service": source.service},
            "Action": "lambda:InvokeFunction",
            "Resource": function,
            "Condition": {
                "ArnLike": {"AWS:SourceArn": source.arn},
                "StringEquals": {"AWS:SourceAccount": source.account},
            },
        }
    )


def _source(service: str = "events.amazonaws.com", name: str = "hourly") -> Source:
    account = seam.responses.get_account_id()
    return Source(service, f"arn:aws:events:eu-west-1:{account}:rule/{name}", account)


def _entries(run: Run, kind: str) -> list[dict[str, Any]]:
    return journal.read(run.journal.path, kind)


def test_few_processes_stay_when_they_are_idle(installed: Run) -> None:
    """Those that were used last; a function whose process has ended gets another."""
    calls = invocations.Invocations(installed)
    names = [f"probe{number}" for number in range(invocations.MAX_IDLE + 2)]
    for name in (*names, names[0]):
        config = {**CONFIG, "FunctionName": name, "Role": "arn:aws:iam::000000000000:role/probe"}
        outcome = calls.execute({"config": config, "code_zip": packed(app=CODE)}, {"to": name}, "request")
        assert outcome["body"] == {"to": name}
    assert {*functions.workers().values()} == {names[0], *names[-invocations.MAX_IDLE + 1 :]}


def test_settings_that_cloudformation_has_are_kept(installed: Run) -> None:
    """Network, key, dead letters and concurrency are the template's, on create and on update; a version shares them."""
    del installed
    props = {
        "VpcConfig": {"SubnetIds": [], "SecurityGroupIds": ["sg-1"]},
        "KmsKeyArn": "arn:key",
        "DeadLetterConfig": {"TargetArn": "arn:aws:sns:eu-west-1:000000000000:letters"},
        "Environment": {},
        "ReservedConcurrentExecutions": 3,
    }
    _create("sns:Publish", **props)
    config = lambda_service._functions["probe"]["config"]
    role = config["Role"]
    assert config["VpcConfig"]["SecurityGroupIds"] == ["sg-1"]
    assert (config["KMSKeyArn"], config["DeadLetterConfig"]) == ("arn:key", props["DeadLetterConfig"])
    assert lambda_service._reserved_concurrency({}, config) == 3
    base = {"FunctionName": "probe", "Runtime": "python3.14", "Handler": "app.handler", "Role": role}
    seam.handlers()["AWS::Lambda::Function"]["update"]("probe", {**base, **props}, base, "stack", "Logical")
    config = lambda_service._functions["probe"]["config"]
    assert config["VpcConfig"]["SecurityGroupIds"] == []
    assert "DeadLetterConfig" not in config
    assert lambda_service._reserved_concurrency({}, config) is None


def test_a_function_runs_under_keys_of_its_own_that_expire(installed: Run) -> None:
    """The keys are the same for each process of a function, cannot be derived from its name, and expire."""
    del installed
    _create()
    config = lambda_service._functions["probe"]["config"]
    given = functions.credentials_of_run().of(config)
    assert given == functions.credentials_of_run().of(config)
    session = sessions._sessions[given["AWS_ACCESS_KEY_ID"]]
    assert session["Arn"].endswith(":assumed-role/probe/probe")
    assert session["Expiration"] > time.time() + 3600
    assert given["AWS_SECRET_ACCESS_KEY"] != functions.credentials.Credentials().of(config)["AWS_SECRET_ACCESS_KEY"]


def test_what_functions_ran_on_is_told(installed: Run) -> None:
    """The report learns what functions were made for, and on which Python and processor they ran."""
    function = _create(Architectures=["arm64"])
    _permit(function, _source())
    assert installed.control.call("function-environments", {})["asked"] == []
    service_calls.invoke(function, {}, _source())
    told = installed.control.call("function-environments", {})
    assert told["asked"] == ["python3.14 on arm64"]
    assert told["ran"] == f"python{platform.python_version()} on {platform.machine()}"
    assert told["differences"] == []


@pytest.mark.parametrize(
    ("permitted", "reason"),
    [
        (_source, None),
        (lambda: _source(name="another"), "events.amazonaws.com is not authorized to perform: lambda:InvokeFunction"),
        (
            lambda: _source(service="sns.amazonaws.com"),
            "events.amazonaws.com is not authorized to perform: lambda:InvokeFunction",
        ),
    ],
)
def test_services_invoke_as_the_functions_policy_allows(installed: Run, permitted: Any, reason: str | None) -> None:
    """A service needs a statement for itself and for what it acts for."""
    del installed
    function = _create()
    _permit(function, permitted())
    if reason is None:
        assert service_calls.invoke(function, {"x": 1}, _source()) == {"x": 1}
    else:
        with pytest.raises(service_calls.InvocationError, match=reason):
            service_calls.invoke(function, {}, _source())


def test_a_failure_names_its_cause(installed: Run) -> None:
    """The error has the function's own error and the end of its log, and so has the journal."""
    function = _create()
    _permit(function, _source())
    with pytest.raises(service_calls.InvocationError, match=r"probe: ValueError: because") as caught:
        service_calls.invoke(function, {"fail": True}, _source())
    assert "Traceback" in str(caught.value)
    entry = _entries(installed, "function")[-1]
    assert (entry["failed"], entry["error"]) == (True, "ValueError: because")
    assert "Traceback" in entry["log"]


def test_an_answer_of_an_error_names_its_cause_too(installed: Run) -> None:
    """An HTTP answer of 500 or more is a failure in the journal, with the last line of the log, and no error metric."""
    function = _create()
    _permit(function, _source())
    code = "def handler(event, context):\n    print('no cache')\n    return {'statusCode': event['status']}"
    lambda_service._functions["probe"]["code_zip"] = packed(app=code)
    alarm = _alarm("Errors")
    for status in (404, 503):
        service_calls.invoke(function, {"status": status}, _source())
    fine, failed = _entries(installed, "function")
    assert (fine["failed"], failed["failed"]) == (False, True)
    assert failed["error"] == "it answered 503; its log ends: no cache"
    assert alarm["StateValue"] == "OK"


def _alarm(metric: str, namespace: str = "AWS/Lambda", function: str = "probe", **more: Any) -> dict[str, Any]:
    account = seam.responses.get_account_id()
    alarm = {
        "AlarmName": f"{metric} of {function}",
        "AlarmArn": f"arn:aws:cloudwatch:eu-west-1:{account}:alarm:{metric}",
        "Namespace": namespace,
        "MetricName": metric,
        "Dimensions": [{"Name": "FunctionName", "Value": function}],
        "Statistic": "Sum",
        "Period": 300,
        "EvaluationPeriods": 1,
        "Threshold": 1,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "TreatMissingData": "notBreaching",
        "StateValue": "INSUFFICIENT_DATA",
        "ActionsEnabled": True,
        **more,
    }
    cloudwatch.cloudformation_put_metric_alarm(alarm)
    return alarm


def _topic(policy: Mapping[str, Any] | None = None) -> str:
    arn, _ = seam.handlers()["AWS::SNS::Topic"]["create"]("Logical", {"TopicName": "alarms"}, "stack")
    if policy is not None:
        seam.sns._topics[arn]["attributes"]["Policy"] = json.dumps(policy)
    return str(arn)


def test_an_error_reaches_the_topic_of_its_alarm_only(installed: Run) -> None:
    """A function's error raises the alarm on its own dimensions, once; that of another function stays calm."""
    function = _create()
    _permit(function, _source())
    own, other = _alarm("Errors", AlarmActions=[_topic()]), _alarm("Errors", function="another")
    assert (own["StateValue"], other["StateValue"]) == ("OK", "OK")
    for _ in range(2):
        with pytest.raises(service_calls.InvocationError):
            service_calls.invoke(function, {"fail": True}, _source())
    assert (own["StateValue"], other["StateValue"]) == ("ALARM", "OK")
    subjects = [entry["subject"] for entry in _entries(installed, "delivery")]
    assert subjects == ['ALARM: "Errors of probe" in eu-west-1']


def test_metrics_in_logs_count(installed: Run) -> None:
    """A line in the embedded metric format raises an alarm on its metric."""
    del installed
    function = _create()
    _permit(function, _source())
    alarm = _alarm("Failed", namespace="Own")
    service_calls.invoke(function, {"count": True}, _source())
    assert alarm["StateValue"] == "ALARM"


def test_a_topic_that_does_not_admit_alarms_gets_none(installed: Run) -> None:
    """CloudWatch needs the topic's policy; what is refused is recorded with the reason."""
    account = seam.responses.get_account_id()
    statement = {"Effect": "Allow", "Principal": {"AWS": account}, "Action": "sns:Publish", "Resource": "*"}
    topic = _topic({"Statement": [statement]})
    _alarm("Errors", AlarmActions=[topic])
    alarms.record("AWS/Lambda", "Errors", (1.0,), dimensions={"FunctionName": "probe"})
    (entry,) = _entries(installed, "delivery")
    assert entry["allowed"] is False
    assert "cloudwatch.amazonaws.com is not authorized to perform: sns:Publish" in entry["reason"]


def test_a_topic_with_awss_own_key_gets_no_alarms(installed: Run) -> None:
    """CloudWatch cannot use the key `alias/aws/sns`."""
    del installed
    topic = _topic()
    seam.sns._topics[topic]["attributes"]["KmsMasterKeyId"] = "alias/aws/sns"
    source = Source("cloudwatch.amazonaws.com", "arn:alarm", seam.responses.get_account_id())
    assert "AWS's own, which cloudwatch.amazonaws.com may not use" in str(deliveries.refusal(topic, source))


@pytest.mark.parametrize(
    ("values", "more", "state"),
    [
        ([(0, 5)], {}, "ALARM"),
        ([(0, 0)], {}, "OK"),
        ([], {}, "OK"),
        ([], {"TreatMissingData": "missing"}, "INSUFFICIENT_DATA"),
        ([], {"TreatMissingData": "breaching"}, "ALARM"),
        ([], {"TreatMissingData": "ignore"}, "INSUFFICIENT_DATA"),
        ([(0, 5), (400, 0)], {"EvaluationPeriods": 2}, "OK"),
        ([(0, 5), (400, 0)], {"EvaluationPeriods": 2, "DatapointsToAlarm": 1}, "ALARM"),
        ([(0, 5), (400, 5)], {"EvaluationPeriods": 2}, "ALARM"),
        ([(400, 5)], {}, "OK"),
        ([(0, 1), (1, 1)], {"Threshold": 2}, "ALARM"),
        ([(0, 1), (1, 1)], {"Threshold": 2, "Statistic": "Average"}, "OK"),
        ([(0, 1)], {"ComparisonOperator": "LessThanThreshold", "Threshold": 2}, "ALARM"),
    ],
)
def test_alarms_are_judged_by_period(
    installed: Run, values: list[tuple[int, float]], more: dict[str, Any], state: str
) -> None:
    """Each period has one datapoint; DatapointsToAlarm of them must breach; missing ones count as the alarm says."""
    del installed
    now = time.time()
    for age, value in values:
        alarms.store("N", "M", (value,), dimensions={"FunctionName": "probe"}, at=now - age)
    assert _alarm("M", namespace="N", **more)["StateValue"] == state


def _line(directive: dict[str, Any], **values: Any) -> str:
    metadata = {"Timestamp": 1000, "CloudWatchMetrics": [{"Namespace": "N", "Metrics": [{"Name": "M"}], **directive}]}
    return json.dumps({"_aws": metadata, **values})


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (_line({"Dimensions": [["D"]]}, D="d", M=[1, 2]), [("N", "M", {"D": "d"}, (1.0, 2.0))]),
        (_line({"Dimensions": [["D"], []]}, D="d", M=1), [("N", "M", {"D": "d"}, (1.0,)), ("N", "M", {}, (1.0,))]),
        (_line({}, M=1), [("N", "M", {}, (1.0,))]),
        (_line({"Dimensions": [["D"]]}, M=1), []),
        (_line({}), []),
        ('{"M": 1}', []),
        ('not JSON with "_aws"', []),
    ],
)
def test_embedded_metric_format(line: str, found: list[Any]) -> None:
    """Valid lines count with each set of dimensions; a line whose dimension or metric has no value counts nothing."""
    read = [(m.namespace, m.name, dict(m.dimensions), m.values) for m in embedded_metrics.metrics_of(f"x\n{line}\n")]
    assert read == found


def test_no_reserved_concurrency_refuses(installed: Run) -> None:
    """A reserved concurrency of zero throttles each invocation, which the journal and the metrics tell."""
    function = _create(ReservedConcurrentExecutions=0)
    _permit(function, _source())
    alarm = _alarm("Throttles")
    with pytest.raises(service_calls.InvocationError, match="TooManyRequestsException"):
        service_calls.invoke(function, {}, _source())
    assert alarm["StateValue"] == "ALARM"
    (entry,) = _entries(installed, "function")
    assert "ReservedConcurrentExecutions" in entry["error"]


def test_dead_letters_after_three_attempts(installed: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """An asynchronous invocation that fails is tried three times; then the topic gets the event, if the role may."""
    monkeypatch.setattr(invocations, "RETRY_SECONDS", (0.0, 0.0))
    topic = _topic({"Statement": []})
    function = _create("sns:Publish", DeadLetterConfig={"TargetArn": topic})
    _permit(function, _source())
    sent: list[tuple[Any, ...]] = []
    monkeypatch.setattr(seam.sns, "_fanout", lambda *arguments: sent.append(arguments))
    running = functions.invocations_of_run()
    granted: dict[str, Any] = iam._roles["probe"]["InlinePolicies"]
    for policies in (granted, {}):
        iam._roles["probe"]["InlinePolicies"] = policies
        assert running.invoke_for(function, {"fail": True}, _source()) is None
        assert running.wait(30) == 0
    assert [entry["failed"] for entry in _entries(installed, "function")] == [True] * 6
    (refused,) = _entries(installed, "delivery")
    assert not refused["allowed"]
    assert "is not authorized to perform: sns:Publish" in refused["reason"]
    assert [(arguments[0], arguments[2]) for arguments in sent] == [(topic, '{"fail": true}')]
    assert sent[0][5]["ErrorMessage"]["Value"] == "ValueError: because"


def test_an_hour_passes(installed: Run) -> None:
    """Every enabled schedule is due and invokes its function, as the function's policy allows."""
    function = _create()
    rule, _ = seam.handlers()["AWS::Events::Rule"]["create"](
        "Sweep",
        {
            "Name": "hourly",
            "ScheduleExpression": "rate(1 hour)",
            "Targets": [{"Id": "Function", "Arn": function, "Input": '{"Step": "retire"}'}],
        },
        "stack",
    )
    assert rule
    with _only_this_account(installed):
        first = installed.control.call("pass-hour", {})
        _permit(function, _source())
        second = installed.control.call("pass-hour", {})
    assert first["fired"] == second["fired"] != []
    assert [entry["allowed"] for entry in _entries(installed, "schedule")] == [False, True]
    assert [entry["failed"] for entry in _entries(installed, "function")] == [False]


@contextlib.contextmanager
def _only_this_account(run: Run) -> Iterator[None]:
    """Let commands use the account of the test, with no rules of other tests."""
    account = seam.responses.get_account_id()
    rules = {key: rule for key, rule in eventbridge._rules._data.items() if key[0] == account}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(run), "in_account", lambda _run: seam.responses.request_scope(account, "eu-west-1"))
        patch.setattr(eventbridge._rules, "_data", rules)
        yield


@pytest.mark.parametrize(
    ("stage", "path", "status"), [("other", "/", 500), ("$default", "/", 200), ("$default", "/fail", 500)]
)
def test_http_apis(installed: Run, stage: str, path: str, status: int) -> None:
    """API Gateway needs the function's permission; of a failure the caller sees what AWS shows, and no more."""
    function = _create()
    account = seam.responses.get_account_id()
    permitted = f"arn:aws:execute-api:eu-west-1:{account}:abc/$default/*"
    _permit(function, Source("apigateway.amazonaws.com", permitted, account))
    code = "def handler(event, context):\n    return 1 / 0 if event['rawPath'] == '/fail' else {'statusCode': 200}"
    lambda_service._functions["probe"]["code_zip"] = packed(app=code)
    response = asyncio.run(
        apigateway._invoke_lambda_proxy({"integrationUri": function}, "abc", stage, path, "GET", {}, b"", {})
    )
    assert response[0] == status
    assert b"ZeroDivision" not in response[2]
    if status != HTTPStatus.OK:
        assert json.loads(response[2]) == {"message": "Internal Server Error"}
        assert _entries(installed, "function")[-1]["failed"]
