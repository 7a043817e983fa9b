"""One deployment: the components of a package, in the order that they need each other."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from xml.etree.ElementTree import Element

from simulators.salesforce.metadata.access import put_permission_set
from simulators.salesforce.metadata.archive import (
    Package,
    PackageInvalid,
    children,
    parse,
    read_package,
    text,
)
from simulators.salesforce.metadata.objects import (
    put_business_process,
    put_field,
    put_object,
    put_record_type,
    remove,
)
from simulators.salesforce.metadata.queues import put_group, put_queue
from simulators.salesforce.metadata.stage import Problem, Result, Stage
from simulators.salesforce.metadata.value_sets import put_value_set
from simulators.salesforce.org import Org

Put = Callable[[Stage, str, Element, Result], None]
# Type, folder, ending, and what puts it in; in the order of their needs.
_FILES: tuple[tuple[str, str, str, Put], ...] = (
    ("StandardValueSet", "standardValueSets", "standardValueSet", put_value_set),
    ("CustomObject", "objects", "object", put_object),
    ("Queue", "queues", "queue", put_queue),
    ("Group", "groups", "group", put_group),
    ("PermissionSet", "permissionsets", "permissionset", put_permission_set),
)
_WITHIN: tuple[tuple[str, str, Put], ...] = (
    ("CustomField", "fields", put_field),
    ("BusinessProcess", "businessProcesses", put_business_process),
    ("RecordType", "recordTypes", put_record_type),
)


@dataclass
class Outcome:
    """What a deployment came to; `error` where the package itself was no good."""

    results: list[Result] = field(default_factory=list)
    error: str = ""

    @property
    def failures(self) -> list[Result]:
        """The components that cannot be deployed."""
        return [each for each in self.results if each.problem]

    @property
    def success(self) -> bool:
        """Whether all is well."""
        return not self.error and not self.failures


def run_deployment(org: Org, content: bytes, *, check_only: bool, rollback: bool) -> Outcome:
    """Work through a package, and commit it unless it is only checked or something failed.

    Without `rollback` what is good stays (never so in production: facts, 8.1).
    """
    outcome = Outcome()
    try:
        package = read_package(content)
        stage = Stage(org)
        for result, put in _components(package, stage):
            outcome.results.append(_tried(stage, result, put))
        outcome.results += _missing(package, outcome.results)
    except PackageInvalid as invalid:
        outcome.error = str(invalid)
        return outcome
    if not check_only and (outcome.success or not rollback):
        stage.commit()
    return outcome


def _tried(stage: Stage, result: Result, put: Callable[[Result], None]) -> Result:
    try:
        put(result)
    except Problem as problem:
        result.problem = str(problem)
        result.created = result.changed = False
    return result


def _components(
    package: Package, stage: Stage
) -> Iterator[tuple[Result, Callable[[Result], None]]]:
    roots = {
        (kind, name): (path, parse(body, path))
        for kind, folder, ending, _ in _FILES
        for path, body in sorted(package.files.items())
        if (name := _named(path, folder, ending)) is not None
    }
    for kind, _, _, put in _FILES:
        mine = [(n, path, root) for (k, n), (path, root) in roots.items() if k == kind]
        if kind == "CustomObject":
            yield from _objects(stage, mine, put)
            yield from _removals(package, stage)
            continue
        for name, path, root in mine:
            yield Result(kind, name, path), partial(put, stage, name, root)


def _objects(
    stage: Stage, files: list[tuple[str, str, Element]], put: Put
) -> Iterator[tuple[Result, Callable[[Result], None]]]:
    """All objects before all fields: a field may refer to any of them."""
    for name, path, root in files:
        if name.endswith("__c") and (text(root, "label") or name not in stage.objects):
            yield Result("CustomObject", name, path), partial(put, stage, name, root)
    for kind, tag, put_inner in _WITHIN:
        for name, path, root in files:
            for each in children(root, tag):
                full = f"{name}.{text(each, 'fullName')}"
                yield Result(kind, full, path), partial(put_inner, stage, name, each)


def _removals(package: Package, stage: Stage) -> Iterator[tuple[Result, Callable[[Result], None]]]:
    for kind in ("PermissionSet", "CustomField", "CustomObject"):
        for name in package.removed.get(kind, ()):

            def gone(result: Result, kind: str = kind, name: str = name) -> None:
                remove(stage, kind, name)
                result.deleted = True

            yield Result(kind, name, "destructiveChanges.xml"), gone


def _missing(package: Package, results: list[Result]) -> Iterator[Result]:
    """What the manifest lists and no file holds, and the other way round."""
    held = {(each.type, each.name) for each in results if each.file != "destructiveChanges.xml"}
    listed = {(kind, name) for kind, names in package.members.items() for name in names}
    objects = {path.rpartition("/")[2].removesuffix(".object") for path in package.files}
    for kind, name in sorted(listed - held):
        if name != "*" and not (kind == "CustomObject" and name in objects):
            problem = (
                f"An object '{name}' of type {kind} was named in package.xml, but was not found "
                "in zipped directory"
            )
            yield Result(kind, name, "package.xml", problem)
    wild = {kind for kind, name in listed if name == "*"}
    whole = {name for kind, name in listed if kind == "CustomObject"}
    for each in [r for r in results if r.file != "destructiveChanges.xml"]:
        inside = each.type in {kind for kind, _, _ in _WITHIN} and each.name.split(".")[0] in whole
        if (each.type, each.name) not in listed and each.type not in wild and not inside:
            each.problem = each.problem or f"{each.name} Not in package.xml"


def _named(path: str, folder: str, ending: str) -> str | None:
    place, _, base = path.rpartition("/")
    name, _, last = base.rpartition(".")
    return name if place == folder and last == ending else None
