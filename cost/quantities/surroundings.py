"""What a stage has around its caches: database, keys, secrets, endpoints, alarms, dashboards."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from cost.items import HOURS_A_MONTH, Charge, Item
from cost.prices.keys import COUNTS, GB_MONTHS, HOURS, REGIONAL, PriceKey
from cost.quantities.reading import flag, times, whole_number, written
from elasticache_rules.templates.assembly import text as flattened

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cost.quantities.reading import Context
    from elasticache_rules.templates.app import Resource

_ENGINES = {"postgres": "PostgreSQL", "mysql": "MySQL", "mariadb": "MariaDB"}
_VOLUMES = {"gp2": ("General Purpose", "GP2"), "gp3": ("General Purpose-GP3", "GP3")}
# "The first and second rotation of the key adds $1/month ... capped at the second rotation."
_CHARGED_ROTATIONS = 2
_KMS_PAGE = "https://aws.amazon.com/kms/pricing/"
_ALARMS_PAGE = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_billing.html"
_HIGH_RESOLUTION_SECONDS = 60
_BAND = "ANOMALY_DETECTION_BAND"
_BAND_METRICS = 2
_BASIC_METRICS = 50
# https://aws.amazon.com/cloudwatch/pricing/, Database Insights
_FREE_INSIGHTS_DAYS = 7
# It matches as many metrics as there are.
_SEARCH = "SEARCH("


def db_instance(instance: Resource, context: Context) -> Iterator[Item]:
    """Instance, storage and the secret of a database of Amazon RDS."""
    del context
    engine, multi_az = _ENGINES.get(str(instance.get("Engine"))), flag(instance.get("MultiAZ"))
    kind = written(instance.get("DBInstanceClass"))
    if engine is None or kind is None or multi_az is None:
        yield _item(instance, "instance", "instance", reason="its engine, class or deployment has no exact key")
    else:
        deployment = "Multi-AZ" if multi_az else "Single-AZ"
        key = PriceKey(
            service="AmazonRDS",
            # The class is abbreviated in it: db.m7g.xl.
            usage=f"{REGIONAL}{'Multi-AZUsage' if multi_az else 'InstanceUsage'}:db\\..+",
            unit=HOURS,
            family="Database Instance",
            attributes=(
                ("instanceType", (kind,)),
                ("databaseEngine", (engine,)),
                ("deploymentOption", (deployment,)),
                ("licenseModel", ("No license required",)),
            ),
        )
        yield _item(instance, "instance", f"{engine}, {kind}, {deployment}", key=key, units=HOURS_A_MONTH)
        yield from _storage(instance, engine, deployment)
    yield from _insights(instance)
    if flag(instance.get("ManageMasterUserPassword")) is not False:
        yield _item(instance, "secret", "secret of the administrator", key=_SECRET, units=Decimal(1))


def _storage(instance: Resource, engine: str, deployment: str) -> Iterator[Item]:
    kind, size = written(instance.get("StorageType")), whole_number(instance.get("AllocatedStorage"))
    if kind not in _VOLUMES or size is None:
        yield _item(instance, "storage", "storage", reason=f"{size} GB of type {kind} have no exact key")
        return
    volume, named = _VOLUMES[kind]
    key = PriceKey(
        service="AmazonRDS",
        usage=f"{REGIONAL}RDS:{'Multi-AZ-' if deployment == 'Multi-AZ' else ''}{named}-Storage",
        unit=GB_MONTHS,
        family="Database Storage",
        attributes=(
            ("volumeType", (volume,)),
            ("deploymentOption", (deployment,)),
            ("databaseEngine", (engine, "Any")),
        ),
    )
    yield _item(instance, "storage", f"{kind}, {size} GB, {deployment}", key=key, units=Decimal(size))
    if any(instance.get(name) is not None for name in ("Iops", "StorageThroughput")):
        yield _item(instance, "throughput", "provisioned IOPS and throughput", reason="they have no exact key")
    maximum = whole_number(instance.get("MaxAllocatedStorage"))
    if maximum is not None and maximum > size:
        more = maximum - size
        text = f"storage added by itself, up to {maximum} GB"
        yield _item(instance, "storage added", text, charge=Charge.UP_TO, key=key, units=Decimal(more))


_SECRET = PriceKey(service="AWSSecretsManager", usage=f"{REGIONAL}AWSSecretsManager-Secrets", unit=COUNTS)


def _insights(instance: Resource) -> Iterator[Item]:
    kept = whole_number(instance.get("PerformanceInsightsRetentionPeriod"))
    if (kept is not None and kept > _FREE_INSIGHTS_DAYS) or instance.get("DatabaseInsightsMode") == "advanced":
        reason = "insights that are kept longer than a week or are advanced have no exact key"
        yield _item(instance, "insights", "Database Insights", reason=reason)


def secret(resource: Resource, context: Context) -> Iterator[Item]:
    """A secret. Calls depend on use."""
    del context
    yield _item(resource, "secret", "secret", key=_SECRET, units=Decimal(1))
    if resource.get("ReplicaRegions") is not None:
        yield _item(resource, "replicas", "replicas", reason="they are charged in their own Regions")


def kms_key(resource: Resource, context: Context) -> Iterator[Item]:
    """A key, and what its first two rotations add. Requests depend on use."""
    del context
    key = PriceKey(service="awskms", usage=r"[a-z0-9-]+-KMS-Keys", unit=COUNTS)
    yield _item(resource, "key", "KMS key", key=key, units=Decimal(1))
    if flag(resource.get("EnableKeyRotation")) is not False:
        text = f"after {_CHARGED_ROTATIONS} yearly rotations"
        units = Decimal(_CHARGED_ROTATIONS)
        yield _item(resource, "rotations", text, charge=Charge.UP_TO, key=key, units=units, page=_KMS_PAGE)


def vpc_endpoint(resource: Resource, context: Context) -> Iterator[Item]:
    """An interface endpoint, for each Availability Zone. A gateway endpoint is free; data depend on use."""
    del context
    kind = resource.get("VpcEndpointType") or "Gateway"
    if kind == "Gateway":
        return
    key = PriceKey(service="AmazonVPC", usage=f"{REGIONAL}VpcEndpoint-Hours", unit=HOURS)
    subnets = resource.get("SubnetIds")
    service = flattened(resource.get("ServiceName")).rpartition(".")[2]
    if kind != "Interface" or not isinstance(subnets, list):
        yield _item(resource, "endpoint", f"endpoint of {service}", reason="its type or its subnets have no exact key")
        return
    text = f"endpoint of {service} in {times(len(subnets), 'Availability Zone')}"
    yield _item(resource, "endpoint", text, key=key, units=len(subnets) * HOURS_A_MONTH)


def nat_gateway(resource: Resource, context: Context) -> Iterator[Item]:
    """A NAT gateway. Data depend on use."""
    del context
    key = PriceKey(service="AmazonEC2", usage=f"{REGIONAL}NatGateway-Hours", unit=HOURS, family="NAT Gateway")
    yield _item(resource, "gateway", "NAT gateway", key=key, units=HOURS_A_MONTH)


def public_address(resource: Resource, context: Context) -> Iterator[Item]:
    """A public IPv4 address, in use or not."""
    del context
    key = PriceKey(service="AmazonVPC", usage=f"{REGIONAL}PublicIPv4:InUseAddress", unit=HOURS)
    yield _item(resource, "address", "public IPv4 address", key=key, units=HOURS_A_MONTH)


def alarm(resource: Resource, context: Context) -> Iterator[Item]:
    """A metric alarm, for each metric that it refers to; a PromQL or Metrics Insights alarm, whose series are use."""
    del context
    metrics = resource.list_of("Metrics")
    if not all(isinstance(each, dict) and {"Expression", "MetricStat"} & each.keys() for each in metrics):
        yield _item(resource, "alarm", "alarm", reason="its metrics are not in the template")
        return
    if resource.get("EvaluationCriteria") is not None:
        key = _cloudwatch("PromQLAlarmMonitorUsage")
        text = "PromQL alarm: what its query matches"
        yield _item(resource, "alarm", text, charge=Charge.BY_USE, key=key, page=_ALARMS_PAGE)
        return
    expressions = " ".join(flattened(each.get("Expression", "")) for each in metrics)
    if re.search(r"\bSELECT\b", expressions):
        key = _cloudwatch("MetricInsightAlarmUsage")
        text = "Metrics Insights alarm: each metric that its query matches"
        yield _item(resource, "alarm", text, charge=Charge.BY_USE, key=key, page=_ALARMS_PAGE)
        return
    count = sum("MetricStat" in each for each in metrics) if metrics else 1
    count += _BAND_METRICS if _BAND in expressions or resource.get("ThresholdMetricId") is not None else 0
    periods = [resource.get("Period"), *(each.get("MetricStat", {}).get("Period") for each in metrics)]
    seconds = [whole_number(each) for each in periods if each is not None]
    is_fast = any(each is not None and each < _HIGH_RESOLUTION_SECONDS for each in seconds)
    key = _cloudwatch("HighResAlarmMonitorUsage" if is_fast else "AlarmMonitorUsage")
    text = f"{'high-resolution ' if is_fast else ''}alarm on {times(count, 'metric')}"
    yield _item(resource, "alarm", text, key=key, units=Decimal(count), page=_ALARMS_PAGE)


def composite_alarm(resource: Resource, context: Context) -> Iterator[Item]:
    """A composite alarm, whatever it refers to."""
    del context
    key = _cloudwatch("CompositeAlarmMonitorUsage")
    yield _item(resource, "alarm", "composite alarm", key=key, units=Decimal(1), page=_ALARMS_PAGE)


def dashboard(resource: Resource, context: Context) -> Iterator[Item]:
    """A dashboard; one with more than 50 metrics is of another usage type. Three small ones an account are free."""
    del context
    metrics = _metrics_of(flattened(resource.get("DashboardBody")))
    if metrics is None:
        yield _item(resource, "dashboard", "dashboard", reason="its metrics cannot be counted in the template")
        return
    usage = "DashboardsUsageHour-Basic" if metrics <= _BASIC_METRICS else "DashboardsUsageHour"
    key = PriceKey(service="AmazonCloudWatch", usage=usage, unit=COUNTS, anywhere=True)
    yield _item(resource, "dashboard", f"dashboard with {times(metrics, 'metric')}", key=key, units=Decimal(1))


def function_version(resource: Resource, context: Context) -> Iterator[Item]:
    """A version or alias of a function, which is free unless it has provisioned concurrency."""
    del context
    if resource.get("ProvisionedConcurrencyConfig") is not None:
        yield _item(resource, "concurrency", "provisioned concurrency", reason="it has no exact key")


def parameter(resource: Resource, context: Context) -> Iterator[Item]:
    """A parameter of Systems Manager, which is free unless it is an advanced one."""
    del context
    if resource.get("Tier") not in (None, "Standard"):
        yield _item(resource, "parameter", "advanced parameter", reason="it has no exact key")


def _metrics_of(body: str) -> int | None:
    if _SEARCH in body:
        return None
    try:
        widgets = json.loads(body)["widgets"]
        return sum(len(_drawn(widget.get("properties", {}))) for widget in widgets)
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def _drawn(properties: dict[str, Any]) -> list[Any]:
    """The metrics of a widget, without the expressions among them."""
    metrics: list[Any] = properties.get("metrics", [])
    return [each for each in metrics if each and isinstance(each[0], str)]


def _cloudwatch(usage: str) -> PriceKey:
    return PriceKey(service="AmazonCloudWatch", usage=f"{REGIONAL}CW:{usage}", unit=COUNTS)


def _item(resource: Resource, part: str, text: str, **charge: Any) -> Item:
    return Item(stack=resource.template, resource=resource.logical_id, part=part, text=text, **charge)
