"""The Python module with the constructs of the caches."""

from __future__ import annotations

import keyword
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from elasticache_tools.adopt.expressions import Call, Name, written

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from elasticache_tools.adopt.inventory import Inventory
    from elasticache_tools.adopt.selection import Cache
    from elasticache_tools.adopt.translation import Translation

STACK = "adopted-caches"
_NAMES = re.compile(r"\b([A-Z][A-Za-z]+)(?=[.(])")


@dataclass(frozen=True)
class Adopted:
    """A cache, its call, and its names in the module.

    Attributes:
        cache: The cache.
        translation: Its call.
        attribute: Its attribute of the stack.
        construct_id: Its construct id.
    """

    cache: Cache
    translation: Translation
    attribute: str
    construct_id: str


def named(pairs: Sequence[tuple[Cache, Translation]]) -> list[Adopted]:
    """The caches, each with its names in the module."""
    taken = {"Vpc", "Topic", "Key", "Alarms"}
    found = []
    for cache, translation in pairs:
        words = [word for word in re.split(r"[^a-z0-9]+", cache.name.lower()) if word]
        construct_id = "".join(word.capitalize() for word in words)
        number = 2
        whole = construct_id
        while whole in taken:
            whole, number = f"{construct_id}{translation.construct}{number if number > 2 else ''}", number + 1  # noqa: PLR2004 - the first repetition
        taken.add(whole)
        attribute = "_".join(words)
        if keyword.iskeyword(attribute) or attribute in ("node", "tags", "account", "region") or attribute[0].isdigit():
            attribute = f"{attribute}_cache"
        if whole != construct_id:
            attribute = f"{attribute}_{whole.removeprefix(construct_id).lower()}"
        found.append(Adopted(cache, translation, attribute, whole))
    return found


def module(adopted: Sequence[Adopted], inventory: Inventory, *, is_protected: bool) -> str:
    """The text of the module."""
    body = list(_body(adopted))
    text = "\n".join(body)
    constructs = sorted({*_NAMES.findall(text), "one_line_errors"} & _public(), key=_ruff_order)
    others = [
        line
        for line, mark in (
            ("from aws_cdk import aws_ec2 as ec2", "ec2."),
            ("from aws_cdk import aws_logs as logs", "logs.LogGroup."),
            ("from aws_cdk import aws_sns as sns", "sns."),
        )
        if mark in text
    ]
    lines = [
        f'"""Caches of account {inventory.account} in {inventory.region} that were made elsewhere.',
        "",
        "Each line with a reason is less than the secure default. ADOPT.md says what to do.",
        '"""',
        "",
        "from typing import Any",
        "",
        "import aws_cdk as cdk",
        *others,
        "from constructs import Construct",
        "from elasticache_constructs import (",
        *(f"    {name}," for name in constructs),
        ")",
        "",
        "# With termination protection, a reason that begins with TODO fails the synth.",
        f"PROTECTED = {is_protected}",
        "",
        "",
        "class AdoptedCaches(cdk.Stack):",
        '    """The caches. What is in `existing` cannot be changed, or is left as it is."""',
        "",
        "    def __init__(self, scope: Construct, construct_id: str, **kwargs: Any) -> None:",
        '        """Describe the caches as they are."""',
        "        super().__init__(scope, construct_id, **kwargs)",
        *body,
        "",
        "",
        "def build(app: cdk.App) -> AdoptedCaches:",
        '    """The stack, in the account and Region of the caches."""',
        "    return AdoptedCaches(",
        "        app,",
        f'        "{STACK}",',
        "        env=cdk.Environment(",
        f'            account="{inventory.account}",',
        f'            region="{inventory.region}",',
        "        ),",
        "        termination_protection=PROTECTED,",
        "    )",
        "",
        "",
        'if __name__ == "__main__":',
        "    with one_line_errors():",
        "        main = cdk.App()",
        "        build(main)",
        "        main.synth()",
    ]
    return "\n".join(lines) + "\n"


def _body(adopted: Sequence[Adopted]) -> Iterator[str]:
    vpcs: dict[str, list[str]] = {}
    for each in adopted:
        if each.translation.vpc_id is not None:
            vpcs.setdefault(each.translation.vpc_id, []).extend(each.translation.zones)
    vpc_names = _numbered("vpc", vpcs)
    for vpc_id, zones in vpcs.items():
        call = Call(
            "ec2.Vpc.from_vpc_attributes",
            (Name("self"), _construct_id(vpc_names[vpc_id])),
            {"vpc_id": vpc_id, "availability_zones": sorted(set(zones))},
            expanded=True,
        )
        yield _assignment(vpc_names[vpc_id], call)
    topic_names = _numbered("topic", {each.translation.topic_arn for each in adopted if each.translation.topic_arn})
    for arn, name in topic_names.items():
        call = Call("sns.Topic.from_topic_arn", (Name("self"), _construct_id(name), arn), expanded=True)
        yield _assignment(name, call)
    yield "        # For alarms, and for logs and secrets that are made later. Subscribe to the topic."
    key = Call("EncryptionKey", (Name("self"), "Key"), {"description": "Alarms of adopted caches"}, expanded=True)
    yield _assignment("key", key)
    yield _assignment("alarms", Call("AlarmTopic", (Name("self"), "Alarms"), {"key": Name("key")}))
    for each in adopted:
        said = each.translation
        vpc = {} if said.vpc_id is None else {"vpc": Name(vpc_names[said.vpc_id])}
        arguments: dict[str, object] = {**vpc, **said.arguments}
        if said.topic_arn:
            arguments["notification_topic"] = Name(topic_names[said.topic_arn])
        if said.construct != "MemcachedCluster":
            arguments["encryption_key"] = Name("key")
        arguments["alarm_topic"] = Name("alarms")
        call = Call(said.construct, (Name("self"), each.construct_id), arguments, expanded=True)
        yield ""
        yield _assignment(f"self.{each.attribute}", call)
        for key_of_tag, value in said.tags.items():
            tag = Call(f"cdk.Tags.of(self.{each.attribute}).add", (key_of_tag, value))
            yield f"        {written(tag, depth=2)}"


def _assignment(name: str, call: Call) -> str:
    return f"        {name} = {written(call, depth=2, before=len(name) + 3)}"


def _numbered(name: str, values: object) -> dict[str, str]:
    """A name for each value: ``vpc``, ``vpc_2``."""
    return {value: name if number == 1 else f"{name}_{number}" for number, value in enumerate(sorted(values), 1)}  # type: ignore[call-overload]


def _construct_id(name: str) -> str:
    return name.capitalize().replace("_", "")


def _public() -> set[str]:
    import elasticache_constructs  # noqa: PLC0415 - the CDK takes seconds

    return set(elasticache_constructs.__all__)


def _ruff_order(name: str) -> tuple[int, str]:
    """Constants, then classes, then functions, as ruff sorts imported names."""
    return (0 if name.isupper() else 1 if name[:1].isupper() else 2), name
