"""Names that are generated from a construct's path."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aws_cdk import Names

if TYPE_CHECKING:
    from constructs import IConstruct

SHORT_STACK_ID = {
    "Fn::Select": [0, {"Fn::Split": ["-", {"Fn::Select": [2, {"Fn::Split": ["/", {"Ref": "AWS::StackId"}]}]}]}]
}
"""Suffix that distinguishes a stack from an earlier, deleted stack of the same name."""


def unique_name(scope: IConstruct, *, longest: int) -> str:
    """A name that no other construct has, in lower case; a long one is shortened in the middle.

    Adjacent hyphens are merged: the service refuses two in a row.
    """
    return re.sub("-+", "-", Names.unique_resource_name(scope, max_length=longest, separator="-")).lower()
