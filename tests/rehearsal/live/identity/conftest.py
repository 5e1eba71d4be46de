"""A live emulator, which judges, and callers in its account."""

from __future__ import annotations

import importlib
import json
import secrets
import time
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any

import boto3  # type: ignore[import-untyped]
import pytest

from rehearsal import emulator, workspace
from rehearsal.extension import seam
from rehearsal.live import identity, journal
from rehearsal.live.control import Controller

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rehearsal.live.run import Run

ACCOUNT, REGION = "111122223333", "eu-west-1"

Document = dict[str, Any]


def policy(*statements: Document) -> str:
    """A policy."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action: Any, resource: Any = "*", **more: Any) -> Document:
    """A statement that allows."""
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: Any, resource: Any = "*", **more: Any) -> Document:
    """A statement that denies."""
    return {**allow(action, resource, **more), "Effect": "Deny"}


def trust(principal: Any, **more: Any) -> str:
    """A trust policy."""
    return policy({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal, **more})


@dataclass(frozen=True)
class Judge:
    """A live emulator and its account.

    Attributes:
        server: The emulator.
    """

    server: emulator.Emulator
    _clients: Document = field(default_factory=dict)  # of the root user; making one takes longer than a call

    def client(self, service: str, credentials: Document | None = None) -> Any:
        """A client of an API.

        Args:
            service: Its name.
            credentials: Of a session. Default: of the account's root user.
        """
        if credentials is None and service in self._clients:
            return self._clients[service]
        given = credentials or {"AccessKeyId": ACCOUNT, "SecretAccessKey": self.server.secret}
        made = boto3.client(
            service,
            region_name=REGION,
            endpoint_url=self.server.endpoint,
            verify=str(self.server.ca_file),
            aws_access_key_id=given["AccessKeyId"],
            aws_secret_access_key=given["SecretAccessKey"],
            aws_session_token=given.get("SessionToken"),
        )
        if credentials is None:
            self._clients[service] = made
        return made

    def role(self, *statements: Document, principal: Any = None, **more: Any) -> str:
        """Make a role with a policy; returns its ARN."""
        name = f"role-{next(self._numbers)}"
        iam = self.client("iam")
        document = trust(principal or {"AWS": ACCOUNT})
        arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document, **more)["Role"]["Arn"]
        if statements:
            iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=policy(*statements))
        return arn

    def session(self, role: str, credentials: Document | None = None, **more: Any) -> Document:
        """Assume a role; returns the credentials."""
        sts = self.client("sts", credentials)
        given: Document = sts.assume_role(RoleArn=role, RoleSessionName="test", **more)["Credentials"]
        return given

    def user(self, *statements: Document) -> tuple[str, Document]:
        """Make a user with an access key; returns its ARN and the credentials."""
        name = f"user-{next(self._numbers)}"
        iam = self.client("iam")
        arn = iam.create_user(UserName=name)["User"]["Arn"]
        if statements:
            iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=policy(*statements))
        return arn, iam.create_access_key(UserName=name)["AccessKey"]

    def as_role(self, service: str, *statements: Document, **more: Any) -> Any:
        """A client with a new role that has these grants."""
        return self.client(service, self.session(self.role(*statements), **more))

    def refusals(self) -> list[Document]:
        """What was refused so far, as the journal has it."""
        directory = self.server.live
        assert directory is not None
        return [entry for entry in journal.read(directory.path / "journal.jsonl", "grant") if not entry["allowed"]]

    @property
    def control(self) -> Controller:
        """The control socket."""
        directory = self.server.live
        assert directory is not None
        return Controller(directory.path / "control")

    _numbers = count()


@pytest.fixture(scope="session")
def judge() -> Iterator[Judge]:
    """A live emulator."""
    place = workspace.prepare()
    with emulator.running(place, emulator.Live(ACCOUNT, REGION)) as server:
        yield Judge(server)
    workspace.remove(place)


@pytest.fixture
def installed(run: Run, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """The module in this process, for one test: what it replaces in the emulator is put back."""
    for private in identity.TOUCHES:
        module = importlib.import_module(f"ministack.{private.module}")
        if callable(value := getattr(module, private.name)):
            monkeypatch.setattr(module, private.name, value)
    monkeypatch.setattr(identity.emulator.rds_iam, "evaluate", identity.emulator.rds_iam.evaluate)
    for resource_type, handler in seam.handlers().items():
        monkeypatch.setitem(seam.handlers(), resource_type, dict(handler))
    identity.install(run)
    with run.in_account():
        yield run


@dataclass(frozen=True)
class Account:
    """Roles of the account of the installed module.

    Attributes:
        id: Id of the account.
    """

    id: str

    def role(self, name: str, *statements: Document, principal: Any = None) -> str:
        """Make a role with a policy; returns its ARN."""
        arn = f"arn:aws:iam::{self.id}:role/{name}"
        document = trust(principal or {"Service": "lambda.amazonaws.com"})
        policies = {"own": policy(*statements)}
        identity.emulator.iam._roles[name] = {
            "RoleName": name,
            "Arn": arn,
            "InlinePolicies": policies,
            "AttachedPolicies": [],
            "AssumeRolePolicyDocument": document,
        }
        return arn

    def grant(self, name: str, *statements: Document) -> None:
        """Replace the policy of a role."""
        identity.emulator.iam._roles[name]["InlinePolicies"] = {"own": policy(*statements)}

    def session(self, role: str, name: str = "one") -> Document:
        """Assume a role; returns the credentials."""
        given = {
            "AccessKeyId": f"ASIA{secrets.token_hex(8).upper()}",
            "SecretAccessKey": secrets.token_hex(20),
            "SessionToken": secrets.token_hex(20),
        }
        identity.emulator.sts.register_session(
            given["AccessKeyId"],
            {
                "Arn": f"arn:aws:sts::{self.id}:assumed-role/{role.rsplit('/', 1)[-1]}/{name}",
                "UserId": f"AROA:{name}",
                "SecretAccessKey": given["SecretAccessKey"],
                "SessionToken": given["SessionToken"],
                "Expiration": time.time() + 3600,
                "AccountId": self.id,
                "PrincipalType": "AssumedRole",
            },
        )
        return given


@pytest.fixture
def account(installed: Run) -> Iterator[Account]:
    """The account, without roles."""
    made = identity.emulator
    yield Account(installed.account)
    stores = (made.iam._roles, made.kms._keys, made.lambda_service._functions, made.ec2._vpc_endpoints)
    for store in (*stores, made.ec2._route_tables, made.rds._instances):
        store.clear()
