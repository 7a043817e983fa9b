"""Single records of REST: describe, create, read, change, delete, upsert (facts, 5.1 and 5.5)."""

from collections.abc import Mapping
from typing import Any

from simulators.salesforce.bodies import attributes, values_of
from simulators.salesforce.calls import Answer, Call, Refused, not_found, refused, result
from simulators.salesforce.outcomes import BadValue, Outcome, WriteContext
from simulators.salesforce.schema import FieldDef, ObjectDef
from simulators.salesforce.store import Store
from simulators.salesforce.tables import TOOLING_ONLY

REST = WriteContext("rest")


class Records:
    """The resources under `sobjects`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def objects(self, call: Call) -> Answer:
        """The list of objects."""
        schema = self._store.schema
        shown = [schema.brief(e) for e in schema.objects.values() if e.name not in TOOLING_ONLY]
        return Answer(200, {"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": shown})

    def describe(self, call: Call, name: str) -> Answer:
        """One object's describe."""
        return Answer(200, self._store.schema.describe(self.definition(name)))

    def info(self, call: Call, name: str) -> Answer:
        """An object in brief."""
        brief = self._store.schema.brief(self.definition(name))
        return Answer(200, {"objectDescribe": brief, "recentItems": []})

    def create(self, call: Call, name: str) -> Answer:
        """Insert one record."""
        definition = self.definition(name)
        values = _values(definition, call.record())
        _not_in_body(values, "Id")
        if call.blob is not None:
            values["VersionData"] = call.blob
        return self._made(call, definition, self._store.insert(definition.name, values, REST))

    def create_through_upsert(self, call: Call, name: str) -> Answer:
        """Insert one record by the path of an upsert by Id (facts, 5.1)."""
        definition = self.definition(name)
        values = _values(definition, call.record())
        _not_in_body(values, "Id")
        outcome = self._store.upsert(definition.name, "Id", values, REST)
        return self._made(call, definition, outcome, upsert=True)

    def _made(
        self, call: Call, definition: ObjectDef, outcome: Outcome, *, upsert: bool = False
    ) -> Answer:
        if not outcome.success:
            raise refused(outcome)
        location = f"{call.base}/sobjects/{definition.name}/{outcome.record_id}"
        return Answer(201, result(outcome, created=upsert), {"Location": location})

    def read(self, call: Call, name: str, record_id: str) -> Answer:
        """Read one record, or some of its fields."""
        definition = self.definition(name)
        return Answer(200, self._shown(call, definition, record_id))

    def change(self, call: Call, name: str, record_id: str) -> Answer:
        """Change one record."""
        definition = self.definition(name)
        self._there(definition, record_id)
        values = _values(definition, call.record())
        _not_in_body(values, "Id")
        outcome = self._store.update(definition.name, {**values, "Id": record_id}, REST)
        if not outcome.success:
            raise refused(outcome)
        return Answer(204)

    def delete(self, call: Call, name: str, record_id: str) -> Answer:
        """Delete one record."""
        definition = self.definition(name)
        self._there(definition, record_id)
        outcome = self._store.delete(definition.name, record_id, REST)
        if not outcome.success:
            raise refused(outcome)
        return Answer(204)

    def read_by_key(self, call: Call, name: str, field: str, value: str) -> Answer:
        """Read the record that a key names."""
        definition = self.definition(name)
        if name.lower() == "contentversion" and field.lower() != "id":
            blob = self._blob(field, value)
            if blob is not None:
                return Answer(200, blob)
        key = _key(definition, field)
        ids = self._store.shelf(definition.name).holders(key.name, value)
        if not ids:
            raise not_found()
        if len(ids) > 1:
            return _several(call, definition, ids)
        return Answer(200, self._shown(call, definition, ids[0]))

    def upsert(self, call: Call, name: str, field: str, value: str) -> Answer:
        """Change the record that a key names, or insert one."""
        definition = self.definition(name)
        key = _key(definition, field)
        values = _values(definition, call.record())
        _not_in_body(values, key.name)
        _not_in_body(values, "Id")
        ids = self._store.shelf(definition.name).holders(key.name, value)
        if len(ids) > 1:
            return _several(call, definition, ids)
        if not ids and (key.name == "Id" or call.params.get("updateOnly", "").lower() == "true"):
            raise not_found()
        keyed = {**values, key.name: value}
        outcome = self._store.upsert(definition.name, key.name, keyed, REST)
        if not outcome.success:
            raise refused(outcome)
        return Answer(201 if outcome.created else 200, result(outcome, created=True))

    def definition(self, name: str) -> ObjectDef:
        """The object of a path; raises `Refused`."""
        found = self._store.schema.find(name)
        if found is None or found.name in TOOLING_ONLY:
            raise not_found()
        return found

    def shown(
        self, call: Call, definition: ObjectDef, record_id: str, fields: list[str]
    ) -> dict[str, Any] | None:
        """A record as REST shows it, or None when it is not there; raises `Refused`."""
        record = self._store.get(definition.name, record_id)
        if record is None:
            return None
        names = [_field(definition, each.strip()).name for each in fields] or list(record)
        marked = {"attributes": attributes(call.base, definition.name, record["Id"])}
        return marked | {name: record[name] for name in names}

    def _shown(self, call: Call, definition: ObjectDef, record_id: str) -> dict[str, Any]:
        fields = [each for each in call.params.get("fields", "").split(",") if each]
        shown = self.shown(call, definition, record_id, fields)
        if shown is None:
            raise not_found()
        return shown

    def _there(self, definition: ObjectDef, record_id: str) -> None:
        if self._store.shelf(definition.name).find(record_id) is None:
            raise not_found()

    def _blob(self, record_id: str, column: str) -> bytes | None:
        """The content of a version, where a path names it."""
        version = self._store.shelf("ContentVersion").find(record_id)
        if column.lower() != "versiondata" or version is None or version["IsDeleted"]:
            return None
        return self._store.blobs.get(version["Id"])


def _values(definition: ObjectDef, body: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return values_of(definition, body)
    except BadValue as bad:
        raise refused(Outcome(errors=(bad.error(),))) from None


def _not_in_body(values: Mapping[str, Any], field: str) -> None:
    if any(name.lower() == field.lower() for name in values):
        message = f"The {field} field should not be specified in the sobject data."
        raise Refused(400, "INVALID_FIELD", message)


def _key(definition: ObjectDef, field: str) -> FieldDef:
    known = definition.by_lower().get(field.lower())
    if known is None or not known.id_lookup:
        raise not_found(f"Provided external ID field does not exist or is not accessible: {field}")
    return known


def _field(definition: ObjectDef, name: str) -> FieldDef:
    known = definition.by_lower().get(name.lower())
    if known is None:
        message = f"No such column '{name}' on entity '{definition.name}'."
        raise Refused(400, "INVALID_FIELD", message)
    return known


def _several(call: Call, definition: ObjectDef, ids: list[str]) -> Answer:
    """A key that names several records: nothing is written (facts, 5.1)."""
    return Answer(300, [f"{call.base}/sobjects/{definition.name}/{each}" for each in ids])
