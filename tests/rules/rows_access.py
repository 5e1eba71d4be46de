"""Users, what they may do, tokens, and the encryption in transit that logins need."""

from __future__ import annotations

from elasticache_constructs import (
    Access,
    DefaultUser,
    Engine,
    ExistingUser,
    ExistingUserGroup,
    IamUser,
    NodeType,
    PasswordUser,
    Permissions,
    TransitEncryption,
)
from tests.rules.row import Row, cluster, group

_APP = Permissions.read_write("app:*")
_REASON = "Clients without TLS are served until March."


def _users(count: int) -> Access:
    users = [IamUser(f"user-{number}", _APP) for number in range(count)]
    return Access.users(default=DefaultUser.with_token(), users=users)


def _with(*users: IamUser | PasswordUser | ExistingUser, default: DefaultUser | None = None) -> Access:
    return Access.users(default=default or DefaultUser.with_token(), users=users)


ROWS = (
    Row(
        "NAM-05",
        lambda: IamUser("App_User!!", _APP),
        (
            "IamUser('App_User!!'): a name begins with a letter and has lower-case letters, digits and single "
            "hyphens. Use 'app-user'."
        ),
        lambda: IamUser("app-user", _APP),
    ),
    Row(
        "NAM-08",
        lambda: PasswordUser("", _APP),
        (
            "PasswordUser(''): a name begins with a letter and has lower-case letters, digits and single hyphens."
            " Use 'user'."
        ),
        lambda: PasswordUser("a", _APP),
        carries="NAM-05",
    ),
    Row(
        "IAM-03",
        lambda: IamUser("default", _APP),
        (
            "IamUser('default'): the user named default is for clients that give no name, and is configured "
            "separately. Use Access.users(default=DefaultUser.with_token(), ...)."
        ),
        DefaultUser.with_token,
    ),
    Row(
        "RBC-05",
        lambda: PasswordUser("default", _APP),
        (
            "PasswordUser('default'): the user named default is for clients that give no name, and is configured "
            "separately. Use Access.users(default=DefaultUser.with_token(), ...)."
        ),
        DefaultUser.with_token,
    ),
    Row(
        "RBC-05",
        lambda: _with(IamUser("app", _APP), PasswordUser("app", _APP)),
        "Access.users with 'app' twice: each user of a group has a unique name. Rename one of the two.",
        lambda: _with(IamUser("app", _APP), PasswordUser("legacy", _APP)),
    ),
    Row(
        "RBC-07",
        lambda: group(engine=Engine.REDIS_7_1, access=_with(IamUser("app", _APP), default=DefaultUser.absent())),
        (
            "Access.users(default=DefaultUser.absent()) on redis 7.1: Redis takes user groups of engine redis only. "
            "Use Valkey, or a user group of engine redis: Access.users(default=DefaultUser.disabled(), ...)."
        ),
        lambda: group(engine=Engine.VALKEY_8_2, access=_with(IamUser("app", _APP), default=DefaultUser.absent())),
    ),
    Row(
        "NAM-06",
        lambda: ExistingUserGroup("Shop_Users"),
        (
            "ExistingUserGroup('Shop_Users'): the id of a user group begins with a letter and has lower-case letters, "
            "digits and single hyphens. Use the id that DescribeUserGroups shows."
        ),
        lambda: ExistingUserGroup("default.iam-user-group"),
    ),
    Row(
        "NAM-05",
        lambda: ExistingUser.iam("Orders App"),
        (
            "ExistingUser with the id 'Orders App': a user id begins with a letter and has lower-case letters, digits "
            "and single hyphens. Use the id that DescribeUsers shows."
        ),
        lambda: ExistingUser.iam("orders-app"),
    ),
    Row(
        "RBC-05",
        lambda: _with(ExistingUser.with_password("shop-default", name="default")),
        "Access.users with 'default' twice: each user of a group has a unique name. Rename one of the two.",
        lambda: _with(ExistingUser.with_password("shop-batch", name="batch")),
    ),
    Row(
        "RBC-02",
        lambda: group(engine=Engine.REDIS_5_0_6, node_type=NodeType("cache.r5.large"), access=_users(1)),
        (
            "Access.users on redis 5.0.6: a user group needs at least Redis OSS 6.0 or Valkey 7.2. Use a newer engine, "
            "or Access.auth_token()."
        ),
        lambda: group(engine=Engine.REDIS_6_2, access=_with(PasswordUser("app", _APP))),
    ),
    Row(
        "RBC-10",
        lambda: Permissions("on app:* +@read"),
        (
            "Permissions('on app:* +@read'): its words are on, off, ~keys, %R~keys, &channels, +command, "
            "+command|sub, +@category and their opposites. Correct 'app:*'."
        ),
        lambda: Permissions("on ~app:* +@read"),
    ),
    Row(
        "RBC-10",
        lambda: Permissions("on ~* +@reads"),
        (
            "Permissions('on ~* +@reads'): the categories are admin, all, bitmap, blocking, bloom, connection, "
            "dangerous, fast, geo, hash, hyperloglog, json, keyspace, list, pubsub, read, scripting, search, set, "
            "slow, sortedset, stream, string, transaction, write. Correct '+@reads' to '+@read', or add "
            "unlisted=True if it is newer than this package."
        ),
        lambda: Permissions("on ~* +@read"),
    ),
    Row(
        "RBC-10",
        lambda: Permissions("on ~* +gett"),
        (
            "Permissions('on ~* +gett'): no engine has gett. Correct '+gett' to '+get', or add unlisted=True if it is "
            "newer than this package."
        ),
        lambda: Permissions("on ~* +get"),
    ),
    Row(
        "RBC-10",
        lambda: group(engine=Engine.REDIS_7_1, access=_with(IamUser("app", Permissions("on ~app:* +@bloom")))),
        (
            "Permissions('on ~app:* resetchannels -@all +@bloom') on redis 7.1: +@bloom needs at least Valkey 8.1. Use "
            "Valkey, or leave '+@bloom' out."
        ),
        lambda: group(engine=Engine.VALKEY_8_1, access=_with(IamUser("app", Permissions("on ~app:* +@bloom")))),
    ),
    Row(
        "RBC-10",
        lambda: group(engine=Engine.VALKEY_9_0, access=_with(IamUser("app", Permissions("on ~app:* +get db=0,1")))),
        (
            "Permissions('on ~app:* db=0,1 resetchannels -@all +get') on valkey 9.0: databases, as in db=0,1, need "
            "at least Valkey 9.1. Use a newer engine."
        ),
        lambda: group(engine=Engine.VALKEY_9_1, access=_with(IamUser("app", Permissions("on ~app:* +get db=0,1")))),
    ),
    Row(
        "RBC-13",
        lambda: Permissions("on ~app:* +@read -@all"),
        (
            "Permissions('on ~app:* +@read -@all'): rules are applied from left to right, and '-@all' takes '+@read' "
            "back, which comes before it. Leave out one of the two."
        ),
        lambda: Permissions("on ~app:* -@all +@read"),
    ),
    Row(
        "RBC-10",
        lambda: Permissions("on ~* (+get"),
        "Permissions('on ~* (+get'): a selector is a list of rules in one pair of parentheses. Close the parenthesis.",
        lambda: Permissions("on ~a:* +get (~b:* +set)"),
    ),
    Row(
        "RBC-10",
        Permissions.read_only,
        (
            "key patterns (): name one or more patterns, of keys only, without spaces, parentheses or a leading sign "
            "of the ACL syntax. Use '*' for every key, or preferably the application's own prefix, as in 'session:*'."
        ),
        lambda: Permissions.read_only("*"),
    ),
    Row(
        "RBC-10",
        lambda: Permissions.publish("events:* ~secret:*"),
        (
            "channel patterns ('events:* ~secret:*',): name one or more patterns, of channels only, without "
            "spaces, parentheses or a leading sign of the ACL syntax. Use '*' for every channel, or preferably "
            "the application's own prefix, as in 'session:*'."
        ),
        lambda: Permissions.publish("events:*", "news"),
    ),
    Row(
        "RBC-10",
        lambda: Permissions("on &news:* +publish").check_engine(Engine("redis", "6.0")),
        (
            "Permissions('on &news:* -@all +publish') on redis 6.0: channels, as in &news:*, need at least "
            "Redis OSS 6.2 or Valkey 7.2. Use a newer engine."
        ),
        lambda: Permissions("on &news:* +publish").check_engine(Engine.REDIS_6_2),
    ),
    Row(
        "RBC-10",
        lambda: group(engine=Engine.REDIS_6_2, access=_with(PasswordUser("app", Permissions("on %R~app:* +get")))),
        (
            "Permissions('on %R~app:* resetchannels -@all +get') on redis 6.2: selectors and read or write "
            "patterns, as in %R~app:*, need at least Redis OSS 7.0 or Valkey 7.2. Use a newer engine."
        ),
        lambda: group(engine=Engine.REDIS_7_0, access=_with(PasswordUser("app", Permissions("on %R~app:* +get")))),
    ),
    Row(
        "RBC-11",
        lambda: Permissions("~app:* +@read"),
        (
            "Permissions('~app:* +@read'): an access string has exactly one of on and off; without either the "
            "user cannot log in. Begin it with 'on'."
        ),
        lambda: Permissions("on ~app:* +@read"),
    ),
    Row(
        "RBC-11",
        lambda: _with(IamUser("app", Permissions("off ~app:* +@read")), default=DefaultUser.disabled()),
        (
            "Access.users with no enabled user: at least one user must be able to log in. Enable one with 'on' in its "
            "access string, or use "
            "DefaultUser.with_token()."
        ),
        lambda: _with(IamUser("app", Permissions("on ~app:* +@read")), default=DefaultUser.disabled()),
    ),
    Row(
        "RBC-27",
        lambda: Access.users(default=DefaultUser.disabled()),
        (
            "Access.users with no enabled user: at least one user must be able to log in. Enable one with 'on' in its "
            "access string, or use "
            "DefaultUser.with_token()."
        ),
        lambda: Access.users(default=DefaultUser.with_token()),
        carries="RBC-11",
    ),
    Row(
        "RBC-12",
        lambda: Permissions("on >correct horse ~* +@read"),
        (
            "Permissions with a password in it: > and what follows it is not allowed: passwords are generated in "
            "Secrets "
            "Manager; they cannot be set or removed here. Leave it out."
        ),
        lambda: Permissions("on ~horse:* +@read"),
    ),
    Row(
        "RBC-12",
        lambda: Permissions("on >hunter2 ~* +@read"),
        (
            "Permissions with a password in it: > and what follows it is not allowed: passwords are generated in "
            "Secrets "
            "Manager; they cannot be set or removed here. Leave it out."
        ),
        lambda: Permissions("on ~* +@read"),
    ),
    Row(
        "RBC-12",
        lambda: Permissions("on nopass ~* +@read"),
        (
            "Permissions('on nopass ~* +@read'): 'nopass' is not allowed: passwords are generated in Secrets Manager; "
            "they cannot be set or removed here. Leave it out."
        ),
        lambda: Permissions("on ~* +@read"),
    ),
    Row(
        "RBC-14",
        lambda: Permissions("on ~* +config|get"),
        ("Permissions('on ~* +config|get'): ElastiCache reserves config|get and grants it to no user. Leave it out."),
        lambda: Permissions("on ~* +info"),
    ),
    Row(
        "RBC-22",
        lambda: _users(100),
        (
            "Access.users with 100 users and the default user: a user group has at most 100 users, including the "
            "default user. Let applications with the same permissions share a user."
        ),
        lambda: _users(99),
    ),
    Row(
        "IAM-01",
        lambda: group(engine=Engine.REDIS_6_2, access=_with(IamUser("app", Permissions("on ~app:* +@read")))),
        (
            "IamUser('app') on redis 6.2: IAM authentication needs at least Redis OSS 7.0 or Valkey 7.2. Use a newer "
            "engine, or a PasswordUser."
        ),
        lambda: group(engine=Engine.REDIS_7_0, access=_with(IamUser("app", Permissions("on ~app:* +@read")))),
    ),
    Row(
        "POS-07",
        lambda: Permissions("on ~* +@all"),
        (
            "Permissions('on ~* +@all'): +@all grants more than an application needs. Use "
            "Permissions.read_write('<prefix>:*'), or say why: Permissions('...', reason='...')."
        ),
        lambda: Permissions("on ~* +@all", reason="Engineers on call repair the cache with this user."),
    ),
    Row(
        "POS-07",
        lambda: Permissions("on ~* +@write"),
        (
            "Permissions('on ~* +@write'): +@write grants more than an application needs. Use "
            "Permissions.read_write('<prefix>:*'), or say why: Permissions('...', reason='...')."
        ),
        lambda: Permissions("on ~* +@write -@dangerous"),
    ),
    Row(
        "TLS-02",
        lambda: group(
            engine=Engine("redis", "3.2.10", unlisted=True),
            node_type=NodeType("cache.future.large", unlisted=True),
            access=Access.auth_token(),
        ),
        (
            "ReplicationGroup(engine=redis 3.2.10): TLS needs at least Redis OSS 4.0.10 or Valkey 7.2. Use "
            "Engine.REDIS_7_1 or Engine.VALKEY_8_2."
        ),
        lambda: group(
            engine=Engine("redis", "4.0.10"), node_type=NodeType("cache.r5.large"), access=Access.auth_token()
        ),
    ),
    Row(
        "TLS-03",
        lambda: cluster(engine=Engine.REDIS_7_1),
        (
            "MemcachedCluster(engine=redis 7.1): a Memcached cluster runs Memcached. Use ReplicationGroup for "
            "Redis and Valkey."
        ),
        lambda: group(engine=Engine.REDIS_7_1),
        carries="ENG-02",
    ),
    Row(
        "TLS-04",
        lambda: cluster(engine=Engine("memcached", "1.6.6"), node_type=NodeType("cache.m5.large")),
        ("MemcachedCluster(engine=memcached 1.6.6): TLS needs at least Memcached 1.6.12. Use Engine.MEMCACHED_1_6_22."),
        lambda: cluster(engine=Engine.MEMCACHED_1_6_12, node_type=NodeType("cache.m5.large")),
    ),
    Row(
        "TLS-06",
        lambda: group(
            engine=Engine.REDIS_6_2,
            access=Access.without_login(reason=_REASON),
            transit_encryption=TransitEncryption.preferred(reason=_REASON),
        ),
        (
            "TransitEncryption.preferred on redis 6.2: the TLS mode preferred needs at least Redis OSS 7.0 or "
            "Valkey 7.2. Upgrade the engine first, or use TransitEncryption.required()."
        ),
        lambda: group(
            engine=Engine.REDIS_7_0,
            access=Access.without_login(reason=_REASON),
            transit_encryption=TransitEncryption.preferred(reason=_REASON),
        ),
    ),
    Row(
        "TLS-11",
        lambda: group(access=Access.auth_token(), transit_encryption=TransitEncryption.preferred(reason=_REASON)),
        (
            "an AUTH token with TLS preferred: logins need TLS, required. Use TransitEncryption.required(), or "
            "until then Access.without_login(reason='...')."
        ),
        lambda: group(access=Access.auth_token()),
    ),
    Row(
        "TLS-12",
        lambda: group(transit_encryption=TransitEncryption.preferred(reason=_REASON)),
        (
            "users with TLS preferred: logins need TLS, required. Use TransitEncryption.required(), or until then"
            " Access.without_login(reason='...')."
        ),
        lambda: group(transit_encryption=TransitEncryption.required()),
    ),
    Row(
        "AUT-01",
        lambda: group(access=Access.auth_token(), transit_encryption=TransitEncryption.disabled(reason=_REASON)),
        (
            "an AUTH token with TLS disabled: logins need TLS, required. Use TransitEncryption.required(), or "
            "until then Access.without_login(reason='...')."
        ),
        lambda: group(
            access=Access.without_login(reason=_REASON), transit_encryption=TransitEncryption.disabled(reason=_REASON)
        ),
    ),
    Row(
        "CCR-01",
        lambda: cluster(engine=Engine.REDIS_7_1, nodes=1),
        (
            "MemcachedCluster(engine=redis 7.1): a Memcached cluster runs Memcached. Use ReplicationGroup for "
            "Redis and Valkey."
        ),
        lambda: cluster(nodes=1),
        carries="ENG-02",
    ),
    Row(
        "CCR-03",
        lambda: cluster(engine=Engine.REDIS_7_1, nodes=2),
        (
            "MemcachedCluster(engine=redis 7.1): a Memcached cluster runs Memcached. Use ReplicationGroup for "
            "Redis and Valkey."
        ),
        lambda: cluster(nodes=2),
        carries="ENG-02",
    ),
)
