"""How much schema an org may have (facts, 8.4)."""

from simulators.salesforce.definitions import ObjectDef
from simulators.salesforce.metadata.stage import Problem, Stage

_FIELDS = {"Professional Edition": 100, "Enterprise Edition": 500, "Developer Edition": 500}
_OBJECTS = {"Professional Edition": 50, "Enterprise Edition": 200, "Developer Edition": 400}
_MAIL_FIELDS, _EXTERNAL, _RELATIONS, _MASTERS = 50, 25, 40, 2
_LONG_CHARS = 1_638_400


def check_object(stage: Stage, each: ObjectDef) -> None:
    """Raise `Problem` when an object has more than it may."""
    own = [known for name, known in each.known.items() if name.endswith("__c")]
    references = [known for known in own if known.type == "reference"]
    edition = stage.org.settings.edition
    most = _MAIL_FIELDS if each.name == "EmailMessage" else _FIELDS.get(edition, 800)
    for count, limit, what in (
        (len(own), most, "custom fields"),
        (sum(known.external_id for known in own), _EXTERNAL, "external id fields"),
        (len(references), _RELATIONS, "relationship fields"),
        (sum("M" in r.flags and "N" not in r.flags for r in references), _MASTERS, "masters"),
        (sum(known.length for known in own if known.long), _LONG_CHARS, "characters of long text"),
    ):
        if count > limit:
            raise Problem(
                f"You have reached the maximum number of {what} for {each.name} ({limit})"
            )


def check_objects(stage: Stage) -> None:
    """Raise `Problem` when the org has more custom objects than it may."""
    limit = _OBJECTS.get(stage.org.settings.edition, 2_000)
    if sum(name.endswith("__c") for name in stage.objects) > limit:
        raise Problem(f"reached maximum number of custom objects ({limit})")
