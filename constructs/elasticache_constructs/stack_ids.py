"""What tells a stack from another of the same name that was deleted before."""

from __future__ import annotations

SHORT_STACK_ID = {
    "Fn::Select": [0, {"Fn::Split": ["-", {"Fn::Select": [2, {"Fn::Split": ["/", {"Ref": "AWS::StackId"}]}]}]}]
}
"""The first eight digits of the stack's unique id, which is the last part of its ARN."""
