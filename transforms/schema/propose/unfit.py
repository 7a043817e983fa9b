"""The field of a table that keeps the values that do not fit their own."""

from transforms.schema.propose.org import Proposal
from transforms.schema.propose.table import UNFIT, Place

_FORM = {"type": "LongTextArea", "length": 32768, "label": "Kustomer Unfit"}


def propose_unfit(proposal: Proposal, place: Place) -> None:
    """Let a table keep such values, unless the map says already where; asking again changes nothing."""
    at = ("phases", place.phase, "tables", place.object)
    if place.unfit is not None or any(each.path == (*at, "unfit") for each in proposal.additions):
        return
    if place.shape is None or UNFIT not in place.shape.fields:
        proposal.add(*at, "create", UNFIT, value=dict(_FORM))
    proposal.add(*at, "unfit", value=UNFIT)
