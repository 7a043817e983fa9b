"""What `deskferry schema` prints with `--json`."""

from service.cli.document import Document


class SchemaFieldFacts(Document):
    """A field: of a new one its form, of one that changes what is changed."""

    object: str
    field: str
    detail: str


class SchemaValuesFacts(Document):
    """Values that a picklist which is there lacks. `value_set` is null when the field has its own.

    `closed`: those of them that close a record.
    """

    object: str
    field: str
    value_set: str | None
    values: list[str]
    closed: list[str]


class SchemaAdmittedFacts(Document):
    """Record types that must admit new values of a field."""

    object: str
    field: str
    record_types: list[str]


class SchemaImpossibleFacts(Document):
    """Something that the org cannot take, and what to do about it."""

    place: str
    why: str
    next_step: str


class SchemaPlanFacts(Document):
    """What the org lacks of what the map needs.

    `new_access`: fields and objects that the running user does not see or cannot write now, new ones
    included. `granted`: how many fields the permission set lists. `there`: how many fields need nothing.
    `impossible`: nothing is sent while there is any.
    """

    org_id: str
    edition: str
    folder: str
    new_objects: list[str]
    new_fields: list[SchemaFieldFacts]
    changed_fields: list[SchemaFieldFacts]
    new_values: list[SchemaValuesFacts]
    record_types: list[SchemaAdmittedFacts]
    new_access: list[str]
    granted: int
    there: int
    impossible: list[SchemaImpossibleFacts]


class SchemaPlanDocument(SchemaPlanFacts):
    """`deskferry schema plan`. `nothing_to_do`: the org has all of it, visible and writable."""

    exit_code: int
    nothing_to_do: bool


class SchemaFailureFacts(Document):
    """A component that Salesforce refused, in its words, and what to do."""

    component: str
    name: str
    why: str
    next_step: str


class SchemaDeployDocument(Document):
    """`deskferry schema deploy`. `plan` is what it set out to do.

    `check` and `deployment` are Salesforce's ids, null where none was sent. `failures` are empty unless
    Salesforce refused; then nothing was changed. `assigned`: the permission set was given to the running
    user by this run. `proven`: every field that the map fills was seen visible and writable.
    """

    exit_code: int
    nothing_to_do: bool
    check_only: bool
    check: str | None
    deployment: str | None
    assigned: bool
    proven: bool
    failures: list[SchemaFailureFacts]
    plan: SchemaPlanFacts
