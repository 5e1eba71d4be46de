"""What an update would do to running resources, reported before it is deployed.

Needs neither the CDK nor jsii: it compares templates as JSON.
"""

from elasticache_rules.change_gate.assertion import assert_safe_to_deploy
from elasticache_rules.change_gate.changes import Change, Changes, Effect
from elasticache_rules.change_gate.comparison import compare
from elasticache_rules.change_gate.errors import GateError
from elasticache_rules.change_gate.stacks import compare_stacks
from elasticache_rules.change_gate.table import table

__all__ = [
    "Change",
    "Changes",
    "Effect",
    "GateError",
    "assert_safe_to_deploy",
    "compare",
    "compare_stacks",
    "table",
]
