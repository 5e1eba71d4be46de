"""CDK's rule engine from a wheel, in place of the one that aws-cdk-lib compiles from WebAssembly at every synth.

The engine is AWS's, https://github.com/aws-cloudformation/cloudformation-validate, in the version that is inside
aws-cdk-lib. `NativeValidation` uses it as ``aws_cdk.CloudFormationValidatePlugin`` does, so its reports are the same.
"""

from __future__ import annotations

import ctypes
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import jsii

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

AWS_CDK_LIB = "2.275.0"
"""The release of aws-cdk-lib that the facts below are copied from. With another release CDK's own engine is used."""

ENGINE = "1.12.1"
"""The version of the engine in that release, and of the wheel."""

IGNORED_RULES = ("W3005", "W1020", "E1018", "W9002", "W9013", "W1103")
"""Rules that CDK leaves out."""

IGNORED_SERVICES = {"W3697": "AWS::AutoScaling"}
"""Rules that CDK leaves out for the resources of one service."""

_SEVERITIES = {"FATAL": "error", "ERROR": "error", "INFO": "informational", "DEBUG": "debug"}


def native_library() -> Any:
    """The module `cloudformation_validate`, or None where CDK's own engine has to do.

    That is: where the wheel is not installed (some platforms have none), does not load, or has another version than
    the engine in aws-cdk-lib; and with a release of aws-cdk-lib that this module does not know.
    """
    try:
        if (metadata.version("aws-cdk-lib"), metadata.version("cloudformation-validate")) != (AWS_CDK_LIB, ENGINE):
            return None
        import cloudformation_validate  # noqa: PLC0415 - an optional dependency
    except (ImportError, OSError, RuntimeError):
        return None
    return cloudformation_validate


def cdk_rules() -> Iterator[tuple[str, str]]:
    """Names and contents of the Rego files that CDK adds to the engine's own rules."""
    for file in sorted((files(__package__) / "cdk_rules").iterdir(), key=lambda file: file.name):
        yield file.name, file.read_text(encoding="utf-8")


@jsii.implements(cdk.IPolicyValidationPlugin)
class NativeValidation:
    """The validation plugin. Its engine is built in a thread, while the app builds its constructs.

    Args:
        library: What `native_library` found.
        guard_rules: Guard files that are checked in addition to CDK's rules, contents by name.
    """

    def __init__(self, library: Any, guard_rules: dict[str, str]) -> None:
        self._library = library
        self._threads = ThreadPoolExecutor(thread_name_prefix="cloudformation-validate")
        self._engine = self._threads.submit(_build, library, guard_rules)

    @property
    def name(self) -> str:
        """The name of CDK's own plugin, to which acknowledgements and CDK's feature flags refer."""
        return "CloudFormation Validate"

    @property
    def version(self) -> str | None:
        """The engine's version."""
        return str(self._library.version())

    @property
    def rule_ids(self) -> list[str] | None:
        """The rules of severity WARN and above that CDK does not leave out."""
        quiet = ("INFO", "DEBUG")
        rules = self._engine.result().list_rules()
        return [rule.id for rule in rules if rule.id not in IGNORED_RULES and rule.severity.name not in quiet]

    def validate(self, context: cdk.IPolicyValidationContext) -> cdk.PolicyValidationPluginReport:
        """Check every template. Equal findings at several resources are one violation, as in CDK's plugin."""
        found: dict[tuple[str, str, str], tuple[Any, list[cdk.PolicyViolatingResource]]] = {}
        stacks = context.stack_templates
        for stack, diagnostics in zip(stacks, self._threads.map(self._diagnostics, stacks), strict=True):
            for diagnostic in diagnostics:
                finding = (diagnostic.rule_id, _severity(diagnostic), _description(diagnostic))
                _, resources = found.setdefault(finding, (diagnostic, []))
                resources.append(_resource(diagnostic, stack))
        violations = [
            cdk.PolicyViolation(
                rule_name=rule,
                description=description,
                severity=severity,
                fix=first.suggested_fix,
                rule_metadata={"category": first.category} if first.category else None,
                violating_resources=resources,
            )
            for (rule, severity, description), (first, resources) in found.items()
        ]
        return cdk.PolicyValidationPluginReport(
            success=all(severity != "error" for _, severity, _ in found), violations=violations
        )

    def _diagnostics(self, stack: cdk.PolicyValidationStack) -> Sequence[Any]:
        library = self._library
        services = [library.ServiceFilter(rule_id=rule, service=name) for rule, name in IGNORED_SERVICES.items()]
        config = library.ValidateConfig(
            detail_level=library.DetailLevel.STANDARD,
            severity_level=library.Severity.WARN,
            pseudo_parameter_overrides=library.PseudoParameterOverrides(
                account_id=stack.account_id, region=stack.region
            ),
            exclude=library.RuleFilterConfig(ids=list(IGNORED_RULES), services=services),
        )
        found: Sequence[Any] = self._engine.result().validate_template(stack.template_path, config).diagnostics
        return found


def _build(library: Any, guard_rules: dict[str, str]) -> Any:
    engine = library.CompositeEngine(
        library.CompositeEngineConfig(
            rego_rules=[library.ExternalRuleSource(name=name, content=content) for name, content in cdk_rules()],
            guard_rules=[library.ExternalRuleSource(name=name, content=text) for name, text in guard_rules.items()],
        )
    )
    # Never freed: that takes as long as checking an app, and fails with a traceback once Python is shutting down. The
    # memory is the operating system's again when the process ends.
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(engine))
    return engine


def _severity(diagnostic: Any) -> str:
    return _SEVERITIES.get(diagnostic.severity.name, "warning")


def _description(diagnostic: Any) -> str:
    if not diagnostic.property_path:
        return str(diagnostic.message)
    return f"{diagnostic.property_path.removeprefix('Properties.')}: {diagnostic.message}"


def _resource(diagnostic: Any, stack: cdk.PolicyValidationStack) -> cdk.PolicyViolatingResource:
    entity = diagnostic.entity
    is_resource = entity is not None and entity.entity_type.name == "RESOURCE"
    logical_id = entity.logical_id if is_resource else None
    return cdk.PolicyViolatingResource(
        resource_logical_id=logical_id,
        construct_path=None if logical_id else stack.stack_construct_path,
        template_path=stack.template_path,
        locations=[diagnostic.property_path] if diagnostic.property_path else [],
    )
