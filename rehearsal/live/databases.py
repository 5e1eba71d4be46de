"""Database instances of RDS for PostgreSQL are real servers behind their endpoints.

CloudFormation's handlers start, change and stop them, and so does the API, but for `CreateDBInstance`. A parameter that
the engine refuses is refused by its parameter group, as on AWS. Instances of another engine stay records, and the
report says so.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from local_servers import processes
from rehearsal.extension.seam import (
    HANDLERS,
    REFUSED,
    Private,
    Properties,
    Provisioned,
    handlers,
    param,
    rds,
    secretsmanager,
)
from rehearsal.live.edge.edge import Endpoint, Target
from rehearsal.live.engines import postgresql
from rehearsal.live.engines.postgresql import EngineRefusalError, PostgreSql, UnknownParameterError

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from rehearsal.extension.seam import Action, Query, Response
    from rehearsal.live.run import Run

    Record = dict[str, Any]

TOUCHES = (
    HANDLERS,
    Private("services.rds", "_instances"),
    Private("services.rds", "_param_groups"),
    Private("services.rds", "_delete_db_instance", ("p",)),
    Private("services.rds", "_modify_db_instance", ("p",)),
    Private("services.rds", "_reboot_db_instance", ("p",)),
    Private("services.rds", "_modify_param_group", ("p",)),
    Private("services.rds", "_reset_param_group", ("p",)),
    Private("services.rds", "_error", ("code", "message", "status")),
    Private("services.rds", "_ACTION_MAP"),
    Private("services.secretsmanager", "_resolve", ("secret_id", "use_arn_scope")),
)

INSTANCE, PARAMETER_GROUP = "AWS::RDS::DBInstance", "AWS::RDS::DBParameterGroup"
ENGINE = "postgres"
FORCE_SSL = "rds.force_ssl"
FORCED_SINCE = 15  # the first version of the engine whose default is to require TLS


def install(run: Run) -> None:
    """Start a server for each instance of RDS for PostgreSQL from now on.

    Args:
        run: The live rehearsal.
    """
    databases = Databases(run)
    instance, group = handlers()[INSTANCE], handlers()[PARAMETER_GROUP]
    instance["create"] = databases.creating(instance["create"], instance["delete"])
    instance["update"] = databases.updating(instance["update"])
    instance["delete"] = databases.deleting(instance["delete"])
    group["create"] = _or_no_group(group["create"])
    # CloudFormation and the API change groups by these two functions.
    rds._modify_param_group = databases.of_group(databases.checking(rds._modify_param_group))
    rds._reset_param_group = databases.of_group(rds._reset_param_group)
    rds._ACTION_MAP |= {
        "ModifyDBParameterGroup": rds._modify_param_group,
        "ResetDBParameterGroup": rds._reset_param_group,
        "ModifyDBInstance": databases.after_api(rds._modify_db_instance),
        "RebootDBInstance": databases.after_api(rds._reboot_db_instance, reboot=True),
        "DeleteDBInstance": databases.after_api(rds._delete_db_instance),
    }
    run.control.register("database-versions", databases.facts)


@dataclass
class Running:
    """A server that runs for an instance.

    Attributes:
        server: The server.
        host: The name of its endpoint.
        wanted: The version that the instance has on AWS.
        without_counterpart: Parameters that the engine here does not take.
        guard: As root, deletes the server's directory when this process is killed.
    """

    server: PostgreSql
    host: str
    wanted: str
    without_counterpart: list[str] = field(default_factory=list)
    guard: subprocess.Popen[str] | None = None


class Databases:
    """The servers of a run.

    Args:
        run: The live rehearsal.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._running: dict[str, Running] = {}
        self._others: dict[str, str] = {}

    def creating(self, stock: Callable[..., Provisioned], undo: Callable[..., None]) -> Callable[..., Provisioned]:
        """The creation of an instance with its server; if that fails, there is no instance."""

        def create(logical_id: str, props: Properties, stack: str) -> Provisioned:
            name, attributes = stock(logical_id, props, stack)
            try:
                self.start(name, props.get("DBName"))
            except Exception as failed:
                rds._instances[name]["DeletionProtection"] = False
                undo(name, props)
                raise _failure(failed) from failed
            return name, attributes

        return create

    def updating(self, stock: Callable[..., Provisioned]) -> Callable[..., Provisioned]:
        """The update of an instance, of which the server gets the password and the parameters."""

        def update(physical_id: str, old: Properties, new: Properties, *rest: Any, **named: Any) -> Provisioned:
            name, attributes = stock(physical_id, old, new, *rest, **named)
            if name != physical_id:
                self.stop(physical_id)
            if name not in self._running:
                self.start(name, new.get("DBName"))
            else:
                self._change(name, password=new.get("MasterUserPassword") != old.get("MasterUserPassword"))
            return name, attributes

        return update

    def deleting(self, stock: Callable[..., None]) -> Callable[..., None]:
        """The deletion of an instance and its server, unless it has deletion protection."""

        def delete(physical_id: str, props: Properties) -> None:
            stock(physical_id, props)
            self.stop(physical_id)

        return delete

    def after_api(self, stock: Action, *, reboot: bool = False) -> Action:
        """An action of the API on an instance: the server follows it.

        Args:
            stock: The action.
            reboot: Whether the server starts again.
        """

        def action(query: Query) -> Response:
            answer = stock(query)
            for name in set(self._running) - set(rds._instances):
                self.stop(name)
            name = param(query, "DBInstanceIdentifier")
            if answer[0] < REFUSED and name in self._running:
                self._change(name, password=bool(param(query, "MasterUserPassword")), reboot=reboot)
            return answer

        return action

    def of_group(self, stock: Action) -> Action:
        """A change of a parameter group, which the servers of its instances follow."""

        def action(query: Query) -> Response:
            answer = stock(query)
            if answer[0] < REFUSED:
                group = param(query, "DBParameterGroupName")
                for name in [known for known in self._running if _group_of(rds._instances[known]) == group]:
                    self._change(name)
            return answer

        return action

    @staticmethod
    def checking(stock: Action) -> Action:
        """A change of a parameter group, if the engine takes its values."""

        def action(query: Query) -> Response:
            group = rds._param_groups.get(param(query, "DBParameterGroupName")) or {}
            family = str(group.get("DBParameterGroupFamily", ""))
            taken, _ = postgresql.split(_new_values(query) if family.startswith(ENGINE) else {})
            try:
                if taken:
                    postgresql.check_parameters(taken, family.removeprefix(ENGINE))
            except EngineRefusalError as refused:
                response: Response = rds._error("InvalidParameterValue", _reason(refused), REFUSED)
                return response
            return stock(query)

        return action

    def start(self, name: str, database: str | None) -> None:
        """Start the server of an instance and open its endpoint.

        Args:
            name: Identifier of the instance.
            database: Name of its first database, or None.

        Raises:
            EngineRefusalError: If the server refuses its configuration.
        """
        instance = rds._instances[name]
        if instance["Engine"] != ENGINE:
            self._others[name] = instance["Engine"]
            return
        taken, dropped = postgresql.split(_values(_group_of(instance)))
        directory, guard = self._directory(name)
        server = PostgreSql(name, directory, instance["EngineVersion"])
        self._running[name] = Running(
            server, instance["Endpoint"]["Address"], instance["EngineVersion"], dropped, guard
        )
        try:
            server.start(
                user=instance["MasterUsername"], password=_password(instance), database=database, parameters=taken
            )
            self._open(name, instance, server)
        except BaseException:
            self.stop(name)
            raise

    def stop(self, name: str) -> None:
        """Close the endpoint of an instance and stop its server; nothing if it has none."""
        self._others.pop(name, None)
        running = self._running.pop(name, None)
        if running is None:
            return
        self._run.addresses.point({}, remove=[running.host])
        self._run.edge.close(name)
        running.server.stop()
        self._run.journal.write("engine", engine="postgresql", instance=name, what="stopped")
        if running.guard is not None:
            processes.cancel(running.guard)

    def facts(self) -> Mapping[str, Any]:
        """The servers that run, with the versions that they have and should have, and instances without one."""
        return {
            "databases": [
                {
                    "instance": name,
                    "wanted": running.wanted,
                    "version": running.server.version,
                    "without_counterpart": running.without_counterpart,
                }
                for name, running in sorted(self._running.items())
            ],
            "without_engine": dict(self._others),
        }

    def _directory(self, name: str) -> tuple[Path, subprocess.Popen[str] | None]:
        """A directory whose path is short enough for a socket, and which the server's user can reach."""
        if os.geteuid() != 0:
            return self._run.engine_directory(f"pg-{hashlib.sha256(name.encode()).hexdigest()[:8]}"), None
        # Its deletion is prepared first, as this process may be killed at any time.
        directory = self._run.directory.parent / f"rehearsal-pg-{secrets.token_hex(6)}"
        deletion = processes.delete_after_this_process(directory)
        directory.mkdir(mode=0o700)
        return directory, deletion

    def _open(self, name: str, instance: Record, server: PostgreSql) -> None:
        address, host = self._run.addresses.new(), instance["Endpoint"]["Address"]
        placement = instance["DBSubnetGroup"]
        subnets = tuple(subnet["SubnetIdentifier"] for subnet in placement["Subnets"])
        self._run.edge.open(
            Endpoint(
                name=name,
                address=address,
                port=int(instance["Endpoint"]["Port"]),
                protocol="postgresql",
                upstream=str(server.socket),
                certificate=self._run.authority.certificate(host),
                target=Target(placement["VpcId"], subnets, lambda: _security_groups(name), f"database {name}"),
                login=server,
                also_plaintext=not _forces_tls(instance),
            )
        )
        self._run.addresses.point({host: address})
        self._run.journal.write("engine", engine="postgresql", instance=name, what="started", version=server.version)

    def _change(self, name: str, *, password: bool = False, reboot: bool = False) -> None:
        instance, running = rds._instances[name], self._running[name]
        taken, running.without_counterpart = postgresql.split(_values(_group_of(instance)))
        waiting = running.server.apply(taken)
        for group in instance.get("DBParameterGroups") or ():
            group["ParameterApplyStatus"] = "pending-reboot" if waiting and not reboot else "in-sync"
        if reboot:
            running.server.restart()
        if password:
            running.server.set_password(instance["MasterUsername"], _password(instance))
        endpoint = self._run.edge.endpoints[name]
        endpoint.also_plaintext = not _forces_tls(instance)
        if endpoint.port != int(instance["Endpoint"]["Port"]):
            endpoint.port = int(instance["Endpoint"]["Port"])
            self._run.edge.open(endpoint)


def _or_no_group(stock: Callable[..., Provisioned]) -> Callable[..., Provisioned]:
    """The creation of a parameter group; if a value is refused, there is no group."""

    def create(*arguments: Any, **named: Any) -> Provisioned:
        known = set(rds._param_groups)
        try:
            return stock(*arguments, **named)
        except ValueError:
            for name in set(rds._param_groups) - known:
                rds._param_groups.pop(name)
            raise

    return create


def _failure(failed: Exception) -> Exception:
    """What CloudFormation reports of a failed creation."""
    refused = isinstance(failed, EngineRefusalError)
    return ValueError(f"InvalidParameterValue: {_reason(failed)}") if refused else failed


def _reason(refused: Exception) -> str:
    return (
        f"Could not find parameter with name: {refused}" if isinstance(refused, UnknownParameterError) else str(refused)
    )


def _new_values(query: Query) -> dict[str, str]:
    """The parameters of a request that changes a group."""
    found = {}
    for kind in ("member", "Parameter"):
        number = 1
        while name := param(query, f"Parameters.{kind}.{number}.ParameterName"):
            found[name] = param(query, f"Parameters.{kind}.{number}.ParameterValue")
            number += 1
    return found


def _group_of(instance: Record) -> str:
    groups = instance.get("DBParameterGroups") or [{}]
    return str(groups[0].get("DBParameterGroupName", ""))


def _values(group: str) -> dict[str, str]:
    """The parameters that were set in a group."""
    found = (rds._param_groups.get(group) or {}).get("Parameters") or {}
    values = {name: value.get("ParameterValue") if isinstance(value, dict) else value for name, value in found.items()}
    return {name: str(value) for name, value in values.items() if value is not None}


def _forces_tls(instance: Record) -> bool:
    default = int(str(instance["EngineVersion"]).partition(".")[0]) >= FORCED_SINCE
    return _values(_group_of(instance)).get(FORCE_SSL, "1" if default else "0").lower() in ("1", "true", "on")


def _security_groups(name: str) -> list[str]:
    instance = rds._instances.get(name) or {}
    return [group["VpcSecurityGroupId"] for group in instance.get("VpcSecurityGroups") or ()]


def _password(instance: Record) -> str:
    """The administrator's password: that of the secret which RDS manages, else the given one."""
    arn = (instance.get("MasterUserSecret") or {}).get("SecretArn")
    if arn is None:
        return str(instance["_MasterUserPassword"])
    _, secret = secretsmanager._resolve(arn, use_arn_scope=True)
    current = next(version for version in secret["Versions"].values() if "AWSCURRENT" in version["Stages"])
    return str(json.loads(current["SecretString"])["password"])
