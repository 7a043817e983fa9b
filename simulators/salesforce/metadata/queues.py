"""Queues and public groups: they live among the records (facts, 7.6 and 8.2)."""

from simulators.salesforce.metadata.archive import Element, children, flag, text
from simulators.salesforce.metadata.stage import Problem, Result, Stage
from simulators.salesforce.store import Store

_NAME_CHARS, _DEVELOPER_CHARS = 40, 80


def put_queue(stage: Stage, developer_name: str, root: Element, result: Result) -> None:
    """Make or change a queue, what it takes, and its members. Raises `Problem`."""
    objects = [text(each, "sobjectType") for each in children(root, "queueSobject")]
    for name in objects:
        if name not in stage.objects:
            raise Problem(f"In field: sobjectType - no CustomObject named {name} found")
    users = [
        (each.text or "").strip()
        for members in children(root, "queueMembers")
        for listed in children(members, "users")
        for each in children(listed, "user")
    ]
    known = {u["Username"]: u["Id"] for u in stage.org.store.shelf("User").records.values()}
    for username in users:
        if username not in known:
            raise Problem(f"In field: user - no User named {username} found")
    _put(stage, "Queue", developer_name, root, result)
    members = [known[username] for username in users]
    stage.later.append(lambda: _keep_queue(stage.org.store, developer_name, objects, members))


def put_group(stage: Stage, developer_name: str, root: Element, result: Result) -> None:
    """Make or change a public group; members do not come by metadata. Raises `Problem`."""
    _put(stage, "Regular", developer_name, root, result)


def _put(stage: Stage, kind: str, developer_name: str, root: Element, result: Result) -> None:
    name = text(root, "name")
    if not 0 < len(name) <= _NAME_CHARS or len(developer_name) > _DEVELOPER_CHARS:
        raise Problem(f"Name: data value too large: {name[:60]} (max length={_NAME_CHARS})")
    store = stage.org.store
    old = _group(store, kind, developer_name)
    result.created = old is None
    result.changed = old is None or store.shelf("Group").records[old]["Name"] != name
    values = {
        "Name": name,
        "DeveloperName": developer_name,
        "Type": kind,
        "DoesSendEmailToMembers": flag(root, "doesSendEmailToMembers"),
    }

    def keep() -> None:
        if old is None:
            store.seed("Group", values)
        else:
            store.touch("Group", old, values)

    stage.later.append(keep)


def _group(store: Store, kind: str, developer_name: str) -> str | None:
    for each in store.shelf("Group").records.values():
        if each["Type"] == kind and each["DeveloperName"] == developer_name:
            return str(each["Id"])
    return None


def _keep_queue(store: Store, developer_name: str, objects: list[str], members: list[str]) -> None:
    queue = _group(store, "Queue", developer_name)
    assert queue is not None
    for name in objects:
        if not store.shelf("QueueSobject").twin({"QueueId": queue, "SobjectType": name}):
            store.seed("QueueSobject", {"QueueId": queue, "SobjectType": name})
    for member in members:
        if not store.shelf("GroupMember").twin({"GroupId": queue, "UserOrGroupId": member}):
            store.seed("GroupMember", {"GroupId": queue, "UserOrGroupId": member})
