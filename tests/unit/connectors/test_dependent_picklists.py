"""Which values of a dependent picklist go with which of its controlling field, read from a describe."""

from typing import Any

import pytest

from connectors.errors import BadReply
from connectors.salesforce.describe import read_describe


def described(controlling: dict[str, Any], *bitmaps: str) -> Any:
    values = [
        {"active": True, "value": f"v{number}", "validFor": bits}
        for number, bits in enumerate(bitmaps)
    ]
    town = {
        "name": "Town__c",
        "type": "picklist",
        "controllerName": "Area__c",
        "picklistValues": values,
    }
    area = {"name": "Area__c", **controlling}
    return read_describe({"name": "Case", "fields": [town, area]}).fields["Town__c"]


def test_bits_are_counted_from_the_left_over_all_controlling_values_inactive_ones_too() -> None:
    entries = [{"value": f"c{number}", "active": number != 1} for number in range(9)]
    area = {"type": "picklist", "picklistValues": entries}
    town = described(area, "oAA=", "AIA=", "AA==", "")
    assert town.controller == "Area__c"
    assert town.valid_for == {
        "v0": {"c0", "c2"},
        "v1": {"c8"},
        "v2": frozenset(),
        "v3": frozenset(),
    }


def test_a_checkbox_controls_by_false_and_true() -> None:
    assert described({"type": "boolean"}, "gA==", "QA==").valid_for == {
        "v0": {"false"},
        "v1": {"true"},
    }


def test_a_controlling_field_that_the_user_does_not_see_controls_nothing() -> None:
    town = {"name": "Town__c", "type": "picklist", "controllerName": "Hidden__c"}
    assert read_describe({"name": "Case", "fields": [town]}).fields["Town__c"].controller == ""


def test_bits_that_are_none_are_no_describe() -> None:
    with pytest.raises(BadReply):
        described({"type": "boolean"}, "A")
