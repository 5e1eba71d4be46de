"""ADOPT.md: what was found, and what to do, in order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from elasticache_tools.adopt.account import GROUP
from elasticache_tools.adopt.module import STACK
from elasticache_tools.adopt.translation import token_secret

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from elasticache_tools.adopt.findings import Finding
    from elasticache_tools.adopt.inventory import Inventory
    from elasticache_tools.adopt.module import Adopted
    from elasticache_tools.adopt.selection import Refusal

MODULE, MAPPING, INVENTORY, GUIDE = "adopted.py", "mapping.json", "inventory.json", "ADOPT.md"


def guide(adopted: Sequence[Adopted], refusals: Sequence[Refusal], inventory: Inventory) -> str:
    """The text of the document."""
    return (
        "\n".join([*_beginning(adopted, refusals, inventory), *_steps(adopted, inventory), *_afterwards(adopted)])
        + "\n"
    )


def _beginning(adopted: Sequence[Adopted], refusals: Sequence[Refusal], inventory: Inventory) -> Iterator[str]:
    yield f"# Adopting {len(adopted)} {_caches(adopted)} of account {inventory.account} in {inventory.region}"
    yield ""
    yield f"`{MODULE}` describes the caches as they are, `{MAPPING}` says which is which, `{INVENTORY}` is what the"
    yield "service answered. None of them holds a secret. Nothing has been changed."
    if refusals:
        yield ""
        yield "Left out:"
        yield ""
        yield from (f"* {each}" for each in refusals)
    if inventory.importable is None:
        yield ""
        yield "CloudFormation was not asked whether this Region imports the types; `cdk import` says it in step 4."


def _steps(adopted: Sequence[Adopted], inventory: Inventory) -> Iterator[str]:
    yield ""
    yield "## Steps"
    yield ""
    yield f"1. Write the reasons: each line of `{MODULE}` with a TODO. The synth of a protected stack fails until then."
    tokens = [each.cache.name for each in adopted if each.translation.has_auth_token and each.cache.kind == GROUP]
    if tokens:
        yield "2. Put each AUTH token where CloudFormation reads it. Its owner does this: no API tells the token. Write"
        yield '   `{"username": "default", "password": "<the token>"}` to a file that only you can read:'
        yield ""
        yield "   ```sh"
        for name in tokens:
            yield f"   aws secretsmanager create-secret --region {inventory.region} \\"
            yield f"     --name {token_secret(name)} --secret-string file://token.json"
        yield "   ```"
        yield ""
        yield "   Another token in the secret would be set at the first deployment that changes the property."
    else:
        yield "2. There is no AUTH token to put into a secret."
    yield "3. Compare the code with the account once more. An import believes the template: what differs stays so."
    yield ""
    yield "   ```sh"
    yield f"   python -m elasticache_tools.adopt check . --region {inventory.region}"
    yield "   ```"
    yield ""
    yield "4. Import. This changes no cache. If it fails, CloudFormation rolls back, and the caches are as before."
    yield ""
    yield "   ```sh"
    yield f"   cdk import {STACK} --app 'python3 {MODULE}' --resource-mapping {MAPPING}"
    yield "   ```"
    yield ""
    yield "5. See what the first deployment does: new resources, and no line about a cache that stops it. Then deploy."
    yield ""
    yield "   ```sh"
    yield f"   cdk synth {STACK} --app 'python3 {MODULE}' --quiet"
    yield "   python -m elasticache_rules.change_gate cdk.out --deployed"
    yield f"   cdk deploy {STACK} --app 'python3 {MODULE}'"
    yield "   ```"
    yield ""
    yield "6. Remove the caches from what made them, without deleting them there: `terraform state rm`, or `Retain`"
    yield "   and then out of the old stack."


def _afterwards(adopted: Sequence[Adopted]) -> Iterator[str]:
    yield ""
    yield "## Findings"
    yield ""
    yield "Each is one deployment, with the gate before it. Leave an argument of `existing` out, and the construct"
    yield "makes that thing, in place. The id, the subnet group and the encryption at rest stay: without them the cache"
    yield "would be replaced."
    for each in adopted:
        findings = each.translation.findings
        yield ""
        yield f"### {each.cache.name}"
        yield ""
        if not findings:
            yield "Nothing to do."
            continue
        yield "| what is so | argument | what mends it |"
        yield "|---|---|---|"
        yield from map(_row, findings)
    yield ""
    yield "To undo the adoption, turn termination protection off and delete the stack: the caches stay, since their"
    yield "resources have the policy Retain."


def _row(finding: Finding) -> str:
    argument = f"`{finding.argument}`" if finding.argument else ""
    return f"| {_cell(finding.what)} | {argument} | {_cell(finding.mended)} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _caches(adopted: Sequence[Adopted]) -> str:
    return "cache" if len(adopted) == 1 else "caches"
