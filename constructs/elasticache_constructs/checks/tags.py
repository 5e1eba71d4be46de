"""Checks of tags."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import jsii
from aws_cdk import Annotations, AspectPriority, Aspects, IAspect, Stack

from elasticache_constructs.checks.argument_types import Kind, check_kind, check_seen
from elasticache_constructs.checks.errors import ConfigurationError, reference
from elasticache_constructs.checks.tokens import is_unresolved

if TYPE_CHECKING:
    from constructs import IConstruct

_PAGE = "https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html"
_LONGEST_NAME, _LONGEST_VALUE = 128, 256


def check_tag(name: str, value: str) -> None:
    """Refuse a tag that AWS refuses.

    Raises:
        ConfigurationError: If its name is empty, longer than 128 characters or reserved by AWS, its value longer
            than 256, or one of them has characters that are not letters, digits, spaces or one of ``_ . : / = + - @``.
    """
    for what, text in (("name", name), ("value", value)):
        check_kind("", f"tags[{name!r}]" if what == "value" else "a tag's name", text, Kind(of=str, example="'shop'"))
        if is_unresolved(text):
            continue
        check_seen(f"tags[{name!r}]", text)
        longest = _LONGEST_NAME if what == "name" else _LONGEST_VALUE
        if len(text) > longest or not re.fullmatch(r"[\w\s.:/=+@-]*", text) or (what == "name" and not text.strip()):
            raise ConfigurationError(
                got=f"tags[{name!r}] = {value!r}",
                allowed=f"a tag's {what} has letters, digits, spaces and _ . : / = + - @, {longest} at most"
                + (" and one at least" if what == "name" else ""),
                fix=f"Write the {what} without the other signs, and shorter than that",
                page=_PAGE,
            )
    if not is_unresolved(name) and name.lower().startswith("aws:"):
        raise ConfigurationError(
            got=f"tags[{name!r}]",
            allowed="names that begin with aws: are AWS's own",
            fix=f"Use tags[{(name[4:] or 'owner')!r}]",
            page=_PAGE,
        )


def warn_of_stack_tags(user_group: IConstruct) -> None:
    """Warn at synth if the stack of a user group has tags itself: CloudFormation passes them on to every resource.

    A user group that has them fails the whole stack as soon as one of them changes.
    """
    Aspects.of(user_group).add(_StackTags(), priority=AspectPriority.READONLY)


@jsii.implements(IAspect)
class _StackTags:
    def visit(self, node: IConstruct) -> None:
        """Look at the stack once everything else has written its tags."""
        stack = Stack.of(node)
        while stack.nested_stack_parent is not None:
            stack = stack.nested_stack_parent
        names = ", ".join(sorted(stack.tags.tag_values()))
        if names:
            Annotations.of(node).add_warning_v2(
                "elasticache-constructs:TAG-03",
                f"the stack {stack.node.path} has its own tags ({names}), which CloudFormation passes on to the "
                "user group; a later change of one fails the stack (https://github.com/aws/aws-cdk/issues/15378). Set "
                'the context "@aws-cdk/core:explicitStackTags": true and use Tags.of(...).add(...), which leaves user '
                f"groups out, in place of Stack(tags=...). {reference('TAG-03')}",
            )
