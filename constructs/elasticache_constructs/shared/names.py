"""Names that are made up from where a construct stands."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aws_cdk import Names

if TYPE_CHECKING:
    from constructs import IConstruct

SHORT_STACK_ID = {
    "Fn::Select": [0, {"Fn::Split": ["-", {"Fn::Select": [2, {"Fn::Split": ["/", {"Ref": "AWS::StackId"}]}]}]}]
}
"""The first eight digits of the stack's unique id, which is the last part of its ARN."""


def unique_name(scope: IConstruct, *, longest: int) -> str:
    """One that no other construct has, in lower case, cut in the middle where it is too long.

    Hyphens that meet by the cut are one: the service refuses two together.
    """
    return re.sub("-+", "-", Names.unique_resource_name(scope, max_length=longest, separator="-")).lower()
