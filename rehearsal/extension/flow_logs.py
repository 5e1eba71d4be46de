"""`AWS::EC2::FlowLog`: the emulator's CloudFormation lacks it, and its API omits the log group and the role."""

from __future__ import annotations

import re

from rehearsal.extension.seam import (
    HANDLERS,
    Action,
    Private,
    Properties,
    Provisioned,
    Query,
    Response,
    ec2,
    new_id,
    provisioners,
    register,
)

TOUCHES = (
    HANDLERS,
    Private("services.ec2", "_flow_logs"),
    Private("services.ec2", "_now_ts", ()),
    Private("services.ec2", "_ACTION_MAP"),
    Private("services.ec2", "_describe_flow_logs", ("params",)),
    Private("services.cloudformation.provisioners", "_ec2_apply_tags", ("physical_id", "props", "old_props")),
)


def _create(_logical_id: str, props: Properties, _stack: str) -> Provisioned:
    flow_log = new_id("fl")
    ec2._flow_logs[flow_log] = {
        "FlowLogId": flow_log,
        "ResourceId": props["ResourceId"],
        "ResourceType": props["ResourceType"],
        "TrafficType": props.get("TrafficType", "ALL"),
        "LogDestinationType": props.get("LogDestinationType", "cloud-watch-logs"),
        "LogDestination": props.get("LogDestination", ""),
        "LogGroupName": props.get("LogGroupName", ""),
        "DeliverLogsPermissionArn": props.get("DeliverLogsPermissionArn", ""),
        "FlowLogStatus": "ACTIVE",
        "CreationTime": ec2._now_ts(),
    }
    provisioners._ec2_apply_tags(flow_log, props)
    return flow_log, {"Id": flow_log}


def _delete(flow_log: str, _props: Properties) -> None:
    ec2._flow_logs.pop(flow_log, None)


def _completing(stock: Action) -> Action:
    def complete(match: re.Match[bytes]) -> bytes:
        record = ec2._flow_logs[match[1].decode()]
        shown = {
            "logGroupName": record.get("LogGroupName"),
            "deliverLogsPermissionArn": record.get("DeliverLogsPermissionArn"),
        }
        return match[0] + "".join(f"<{name}>{value}</{name}>" for name, value in shown.items() if value).encode()

    def describe(query: Query) -> Response:
        status, headers, body = stock(query)
        return status, headers, re.sub(rb"<flowLogId>(fl-\w+)</flowLogId>", complete, body)

    return describe


def install() -> None:
    """Add the type, and return the log group and the role in DescribeFlowLogs."""
    register("AWS::EC2::FlowLog", _create, _delete)
    ec2._ACTION_MAP["DescribeFlowLogs"] = _completing(ec2._describe_flow_logs)
