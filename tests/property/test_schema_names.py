"""Whatever the source calls its things, their names are legal and differ."""

import re

from hypothesis import given
from hypothesis import strategies as st

from transforms.schema.names import LONGEST, api_names, label, object_stems, shortened, stem, words

LEGAL = re.compile(r"[A-Za-z](?:_?[A-Za-z0-9])*\Z")


@given(st.dictionaries(st.text(max_size=60), st.none(), max_size=30), st.booleans())
def test_names_are_legal_distinct_and_the_same_in_any_order(
    keys: dict[str, None], reverse: bool
) -> None:
    wanted = {key: [stem(key), stem(key + "Str")] for key in sorted(keys, reverse=reverse)}
    names = api_names(wanted, prefix="Kustomer_", taken=["Kustomer_Id__c"])
    assert names.keys() == wanted.keys()
    assert len({name.lower() for name in names.values()}) == len(names)
    for name in names.values():
        assert LEGAL.match(name)
        assert len(name) <= LONGEST
        assert name.lower() != "kustomer_id"
    assert names == api_names(
        dict(sorted(wanted.items())), prefix="Kustomer_", taken=["kustomer_ID"]
    )


@given(st.text())
def test_a_label_has_its_length_and_is_never_empty(text: str) -> None:
    assert 0 < len(label(text)) <= 40


def test_names_read_as_their_source_does() -> None:
    assert stem("loyaltyTier") == "Loyalty_Tier"
    assert stem("order-item") == "Order_Item"
    assert stem("Größe des URLTyps") == "Grosse_Des_URL_Typs"
    assert stem("寸法", "sizeStr") == "Size_Str"
    assert stem("寸法").startswith("X")
    assert words("vip2Bool") == ["vip", "2", "Bool"]
    assert len(shortened("A" * 60)) == LONGEST


def test_two_that_want_one_name_both_give_way() -> None:
    wanted = {
        "orderRefStr": ["Order_Ref", "Order_Ref_Str"],
        "order_refStr": ["Order_Ref", "Order_Ref_Str"],
    }
    names = api_names(wanted, prefix="Kustomer_")
    assert "Kustomer_Order_Ref" not in names.values()
    assert len(set(names.values())) == 2


def test_a_klass_gives_its_name_to_its_object_and_has_a_second_one() -> None:
    assert object_stems("order-item") == ["Order_Item", "Kustomer_Order_Item"]
    wanted = {"kobject.order": object_stems("order")}
    assert api_names(wanted, taken=["Order__c"]) == {"kobject.order": "Kustomer_Order"}
