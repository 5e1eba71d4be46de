"""The page of the Guard rules: what each checks, with its message."""

from __future__ import annotations

import re

from website.places import ROOT

FILE = ROOT / "constructs" / "elasticache_rules" / "posture" / "elasticache.guard"
_RULE = re.compile(
    r"(?P<comment>(?:^#[^\n]*\n)*)^rule (?P<name>elasticache_\w+)(?P<body>.*?)^\}", re.MULTILINE | re.DOTALL
)
_ANY = re.compile(r"^rule (?P<name>\w+)(?P<body>.*?)^\}", re.MULTILINE | re.DOTALL)

_INTRODUCTION = """\
# Guard rules

These rules judge any template that has a cache, whatever made it: `add_posture_rules(app)` runs them at every synth
([how to](../checks.md)). A finding names its rule, which is the anchor of its entry here. The rules are read from
`elasticache.guard`.
"""


def page() -> str:
    """The page, in the order of the file."""
    text = FILE.read_text(encoding="utf-8")
    bodies = {rule["name"]: rule["body"] for rule in _ANY.finditer(text)}
    return "\n".join([_INTRODUCTION, *(_entry(rule, bodies) for rule in _RULE.finditer(text))])


def _entry(rule: re.Match[str], bodies: dict[str, str]) -> str:
    comment = " ".join(line.removeprefix("#").strip() for line in rule["comment"].splitlines())
    lines = [f":::{{guard-rule}} {rule['name']}", ""]
    if comment and "---" not in comment:
        lines += [comment, ""]
    for message in dict.fromkeys(_messages(rule["name"], bodies)):
        lines += ["```text", *(line.strip() for line in message.strip().splitlines()), "```", ""]
    return "\n".join([*lines, ":::", ""])


def _messages(name: str, bodies: dict[str, str]) -> list[str]:
    """The messages of a rule, and of those that it calls."""
    body = bodies[name]
    called = [each for each in re.findall(r"(\w+)\(", re.sub(r"<<.*?>>", "", body, flags=re.DOTALL)) if each in bodies]
    return [*re.findall(r"<<(.*?)>>", body, re.DOTALL), *(text for each in called for text in _messages(each, bodies))]
