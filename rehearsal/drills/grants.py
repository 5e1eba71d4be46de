"""Drills that take something away which an application needs, and give it back."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rehearsal.drills import accounts
from rehearsal.drills.logins import ACCEPTED, REFUSED, login
from rehearsal.drills.scene import NotApplicableError
from rehearsal.drills.sites import OK, caller, invoke

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rehearsal.drills.scene import Scene
    from rehearsal.drills.stage import LoginEndpoint, Site

UNAVAILABLE = "an error of the server"
SERVER_ERROR = 500
# Paths that need the cache, by the module of the handler. The catalogue answers from its database without it.
PATHS = {"leaderboard": "api/boards/all-time?player=ann", "sessions": "api/session"}


def grant(scene: Scene) -> None:
    """Take the grant to connect from a role, and give it back: from a role of the drill, then from a function's."""
    endpoints = [endpoint for endpoint in scene.stage.login_endpoints() if endpoint.iam_users]
    if not endpoints:
        raise NotApplicableError("no user of the stage logs in with IAM")
    for endpoint in endpoints:
        scene.require_engine(endpoint.cache)
        _grant_of_a_role(scene, endpoint)
    for site in _cache_sites(scene)[:1]:
        with _answering(scene, site) as call:
            _grant_of_a_function(scene, site, call)


def _grant_of_a_role(scene: Scene, endpoint: LoginEndpoint) -> None:
    user = next(iter(endpoint.iam_users))
    granted = accounts.connect_grant(endpoint, user)
    with accounts.role(scene, granted) as role:

        def outcome() -> str:
            return login(endpoint.settings, user, accounts.iam_token(scene, role, endpoint, user))

        scene.expect("a role with the grant", ACCEPTED, outcome(), of=endpoint.resource)
        accounts.allow(scene, role, [{**statement, "Resource": [endpoint.arn]} for statement in granted])
        half = "a role with the grant of the cache but not of the user"
        scene.expect(half, REFUSED, outcome(), of=endpoint.resource)
        accounts.allow(scene, role, [{"Effect": "Deny", "Action": "*", "Resource": "*"}])
        scene.expect("a role without the grant", REFUSED, outcome(), of=endpoint.resource)
        accounts.allow(scene, role, granted)
        scene.expect("the role with the grant again", ACCEPTED, outcome(), of=endpoint.resource)


def _cache_sites(scene: Scene) -> list[Site]:
    """The sites that answer from a cache alone, to which their functions log in with IAM."""
    found = {name: scene.stage.site(name) for name in PATHS}
    return [site for site in found.values() if site and site.function.environment.get("ELASTICACHE_AUTH") == "iam"]


def _grant_of_a_function(scene: Scene, site: Site, call: Any) -> None:
    iam, role = scene.client("iam"), site.function.role
    attached = iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]
    inline = iam.list_role_policies(RoleName=role)["PolicyNames"]
    documents = {name: iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"] for name in inline}
    for policy in attached:
        iam.detach_role_policy(RoleName=role, PolicyArn=policy["PolicyArn"])
    for name in inline:
        iam.delete_role_policy(RoleName=role, PolicyName=name)
    try:
        scene.expect("a function without its grant", UNAVAILABLE, call(), of=site.resource)
    finally:
        for policy in attached:
            iam.attach_role_policy(RoleName=role, PolicyArn=policy["PolicyArn"])
        for name, policy_document in documents.items():
            iam.put_role_policy(
                RoleName=role, PolicyName=name, PolicyDocument=accounts.document(policy_document["Statement"])
            )
    scene.expect("the function with its grant again", OK, call(), of=site.resource)


def inbound_rule(scene: Scene) -> None:
    """Revoke the inbound rule that admits a function to its cache, and authorize it again."""
    sites = _cache_sites(scene)
    if not sites:
        raise NotApplicableError("no function of the stage serves an HTTP API from a cache")
    site = sites[0]
    rules = list(_admitting(scene, site))
    if not rules:
        raise NotApplicableError(f"no inbound rule admits {site.resource} by its security groups")
    ec2 = scene.client("ec2")
    with _answering(scene, site) as call:
        scene.expect("a function with the inbound rule", OK, call(), of=site.resource)
        for group, rule in rules:
            ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=[rule])
        try:
            scene.expect("the function without the inbound rule", UNAVAILABLE, call(), of=site.resource)
        finally:
            for group, rule in rules:
                ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])
        scene.expect("the function with the inbound rule again", OK, call(), of=site.resource)


def _admitting(scene: Scene, site: Site) -> Iterator[tuple[str, dict[str, Any]]]:
    """The inbound rules of the nodes' security groups that name a security group of the function."""
    name = site.function.environment["ELASTICACHE_CACHE_NAME"]
    member = scene.stage.member(scene.stage.describe(name)["MemberClusters"][0])
    nodes = [group["SecurityGroupId"] for group in member["SecurityGroups"]]
    for group in scene.client("ec2").describe_security_groups(GroupIds=nodes)["SecurityGroups"]:
        for rule in group["IpPermissions"]:
            for pair in rule["UserIdGroupPairs"]:
                if pair["GroupId"] in site.function.security_groups:
                    kept = {key: rule[key] for key in ("IpProtocol", "FromPort", "ToPort") if key in rule}
                    described = {key: pair[key] for key in ("GroupId", "Description") if key in pair}
                    yield group["GroupId"], {**kept, "UserIdGroupPairs": [described]}


@contextmanager
def _answering(scene: Scene, site: Site) -> Iterator[Any]:
    """A function that calls the site in a new execution environment, which holds no connection yet."""
    functions = scene.client("lambda")
    before = functions.get_function_configuration(FunctionName=site.function.name)
    variables = before.get("Environment", {}).get("Variables", {})
    turns = iter(range(1, 1000))

    def configure(environment: dict[str, str]) -> None:
        functions.update_function_configuration(FunctionName=site.function.name, Environment={"Variables": environment})

    with accounts.role(scene, invoke(scene, [site])) as role:
        allowed = caller(scene, role)

        def call() -> int | str:
            configure({**variables, "REHEARSAL_TURN": str(next(turns))})
            status = allowed.call(site.url, PATHS[_module(site)]).status
            return UNAVAILABLE if status >= SERVER_ERROR else status

        try:
            yield call
        finally:
            configure(variables)


def _module(site: Site) -> str:
    return site.function.handler.split(".")[1]
