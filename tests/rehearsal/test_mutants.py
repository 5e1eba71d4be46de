"""Each mutant of the stacks is a change of the templates; that the rehearsal finds it is seen by running them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from rehearsal.mutants import MutantError, Templates, mutants, selected, without, without_action

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Synthesised


@pytest.fixture(name="assembly")
def _assembly(synthesised: Synthesised, tmp_path: Path) -> Path:
    """The templates of the dev stage, as an assembly has them."""
    for path, template in synthesised.templates.items():
        if path.startswith("dev/"):
            (tmp_path / f"{path.replace('/', '-')}.template.json").write_text(json.dumps(template))
    return tmp_path


def _read(directory: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in directory.glob("*.template.json")}


def test_each_mutant_changes_one_template(assembly: Path) -> None:
    """A mutant changes exactly one template, no two are the same, and the next begins with the stage as it was."""
    before = _read(assembly)
    made = {}
    for mutant in mutants(Templates(assembly)):
        templates = Templates(assembly)
        mutant.change(templates)
        templates.save()
        after = _read(assembly)
        changed = [name for name in before if json.loads(before[name]) != json.loads(after[name])]
        assert len(changed) == 1, mutant.name
        made[mutant.name] = after[changed[0]]
        for name, text in before.items():
            (assembly / name).write_text(text)
    assert len(set(made.values())) == len(made) > 30


def test_stacks_are_left_out_of_the_assembly(assembly: Path) -> None:
    """Only stacks of these names and those that depend on them are taken out of the manifest."""
    stack = {"type": "aws:cloudformation:stack"}
    names = ("redis", "database", "workload")
    artifacts: dict[str, Any] = {name: {**stack, "displayName": f"dev/cache-{name}"} for name in names}
    artifacts["tree"] = {"type": "cdk:tree", "displayName": "x-database"}
    artifacts["monitoring"] = {**stack, "displayName": "dev/cache-monitoring", "dependencies": ["redis", "database"]}
    (assembly / "manifest.json").write_text(json.dumps({"artifacts": artifacts}))
    Templates(assembly).leave_out("-database", "-workload")
    assert {"redis", "tree"} == set(json.loads((assembly / "manifest.json").read_text())["artifacts"])


def test_every_action_of_the_rotation_has_its_mutant(assembly: Path, synthesised: Synthesised) -> None:
    """One mutant for each action that the policy allows, and none for those that it denies."""
    [policy] = [
        resource
        for name, resource in synthesised.resources("dev/cache-redis", "IAM::ManagedPolicy").items()
        if name.startswith("RedisRotationdefaultPolicy")
    ]
    actions = set()
    for statement in policy["Properties"]["PolicyDocument"]["Statement"]:
        if statement["Effect"] == "Allow":
            listed = statement["Action"]
            actions |= {listed} if isinstance(listed, str) else set(listed)
    names = {mutant.name for mutant in mutants(Templates(assembly))}
    assert {f"rotation-policy {action}" for action in actions} <= names
    assert sum(name.startswith("rotation-policy ") for name in names) == len(actions)


def test_a_mutant_without_its_object_is_an_error(assembly: Path) -> None:
    """A mutant that changes nothing would always be found, or never: it is refused."""
    templates = Templates(assembly)
    for change in (without_action("NoSuchPolicy", "s3:GetObject"), without("AWS::EC2::VPCEndpoint", "NoSuchEndpoint")):
        with pytest.raises(MutantError, match="Correct the mutant"):
            change(templates)


def test_mutants_are_selected_by_a_part_of_their_names(assembly: Path) -> None:
    """Without names, all are rehearsed."""
    every = mutants(Templates(assembly))
    assert len(selected(every, [])) == len(every)
    assert {"ingress-rule", "egress-rule"} == {mutant.name for mutant in selected(every, ["gress-rule"])}
