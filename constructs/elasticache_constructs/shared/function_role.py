"""The role of a function that this package makes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_iam as iam

if TYPE_CHECKING:
    from constructs import Construct


class FunctionRole(iam.Role):
    """A function's role whose statements stand in one managed policy: an inline one is what the packs forbid.

    What the CDK would add while it makes the function is left out, since the policy has it, narrower. What is granted
    to the function from then on is added to the policy.

    Args:
        scope: The parent.

        construct_id: The id in the parent.

        policy: The policy. It comes with the role, so that the function finds it there when Lambda makes its network
            interfaces.
    """

    def __init__(self, scope: Construct, construct_id: str, *, policy: iam.ManagedPolicy) -> None:
        super().__init__(
            scope, construct_id, assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"), managed_policies=[policy]
        )
        self._policy = policy
        self._is_open = False

    def open(self) -> None:
        """From here on take grants: the function is made."""
        self._is_open = True

    def add_to_principal_policy(self, statement: iam.PolicyStatement) -> iam.AddToPrincipalPolicyResult:
        """Add a statement to the managed policy; grants of the CDK do so as well."""
        if self._is_open:
            self._policy.add_statements(statement)
        return iam.AddToPrincipalPolicyResult(statement_added=True, policy_dependable=self._policy)
