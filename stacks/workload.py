"""The workload stack."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import aws_cdk as cdk

from application_constructs.bundling import PythonBundle
from application_constructs.database import CERTIFICATES
from application_constructs.function import WorkloadFunction
from application_constructs.http_api import FunctionApi
from elasticache_constructs import EncryptionKey

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_cdk import aws_ec2 as ec2
    from constructs import Construct

    from application_constructs.database import Database
    from elasticache_constructs import CacheNetwork, IamUser, ReplicationGroup
    from stages import WorkloadSettings

_ROOT = Path(__file__).parent.parent


class WorkloadStack(cdk.Stack):
    """The reference applications, each a function with its own HTTPS endpoint. Nothing here holds data."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: WorkloadSettings,
        network: CacheNetwork,
        cache: ReplicationGroup,
        database: Database,
        no_reserved_concurrency_reason: str | None,
        termination_protection: bool,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            description="Reference applications on the cache: catalogue, sessions, leaderboard",
            termination_protection=termination_protection,
        )
        self._network = network
        self._cache = cache
        self._unreserved_reason = no_reserved_concurrency_reason
        self._key = EncryptionKey(self, "Key", description="Logs and settings of the reference applications").key
        self._code = PythonBundle(
            sources=(_ROOT / "workloads", _ROOT / "client" / "elasticache_client", CERTIFICATES),
            requirements=_ROOT / "workloads" / "requirements.txt",
        ).code()

        catalogue_settings = database.connection_settings(settings.catalogue_database)
        prepare = self._function(
            "Prepare",
            "catalogue.prepare",
            catalogue_settings,
            groups=[database.client_security_group],
            concurrency=1,
        )
        catalogue = self._function(
            "Catalogue",
            "catalogue.handler",
            {
                **cache.connection_settings(settings.catalogue),
                **catalogue_settings,
                "CATALOGUE_CACHE_SWITCH": "false",  # no caller sends requests past the cache
            },
            groups=[cache.client_security_group, database.client_security_group],
        )
        for function in (prepare, catalogue):
            database.grant_connect(function, settings.catalogue_database)
        prepare.run_at_deployment()
        applications = {
            catalogue: settings.catalogue,
            self._cache_only("Sessions", "sessions.handler", settings.sessions): settings.sessions,
            self._cache_only("Leaderboard", "leaderboard.handler", settings.leaderboard): settings.leaderboard,
        }
        for function, user in applications.items():
            cache.grant_connect(function, user)
            name = function.node.id
            api = FunctionApi(
                self,
                f"{name}Api",
                function=function,
                encryption_key=self._key,
                requests_per_second=settings.requests_per_second,
            )
            cdk.CfnOutput(self, f"{name}Url", value=api.url, description="Answers requests that are signed")

    def _cache_only(self, name: str, module: str, user: IamUser) -> WorkloadFunction:
        return self._function(
            name, module, self._cache.connection_settings(user), groups=[self._cache.client_security_group]
        )

    def _function(
        self,
        name: str,
        module: str,
        environment: Mapping[str, str],
        *,
        groups: list[ec2.ISecurityGroup],
        concurrency: int = 10,
    ) -> WorkloadFunction:
        return WorkloadFunction(
            self,
            name,
            code=self._code,
            handler=f"workloads.{module}.handler",
            vpc=self._network.vpc,
            vpc_subnets=self._network.application_subnets,
            security_groups=groups,
            environment=environment,
            encryption_key=self._key,
            concurrency=concurrency,
            no_reserved_concurrency_reason=self._unreserved_reason,
        )
