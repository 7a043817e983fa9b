"""What is held or skipped, with which reason, and that neighbours go on."""

import pytest

from tests.unit.transforms import samples
from tests.unit.transforms.reading import LOOKUPS, held, mapped, rows_of
from tests.unit.transforms.samples import CONVERSATION, CUSTOMER
from transforms.compile import CompiledMapping
from transforms.errors import Hold
from transforms.table import joined


def test_one_odd_record_does_not_stop_its_neighbours(default_map: CompiledMapping) -> None:
    good, bad = samples.message(), samples.message(createdAt=5)
    block = default_map.phases["messages"]([good, bad, None, good], LOOKUPS)
    assert block.tables["EmailMessage"].keys == [good["id"], good["id"]]
    assert [record.reason for record in block.held] == ["bad-date", "no-id"]


def test_deleted_records_are_skipped(default_map: CompiledMapping) -> None:
    block = default_map.phases["customers"]([samples.customer(deleted=True)], LOOKUPS)
    (skipped,) = block.skipped
    assert (skipped.source_id, skipped.reason) == (CUSTOMER, "deleted")


@pytest.mark.parametrize(
    ("phase", "record", "reason", "field"),
    [
        ("messages", samples.message(sentAt="soon"), "bad-date", "MessageDate"),
        ("messages", samples.message(direction="sideways"), "unknown-value", "Incoming"),
        ("messages", samples.message(preview="\ud800"), "bad-text", "TextBody"),
        ("messages", samples.message(preview={"a": 1}), "wrong-type", "TextBody"),
        ("messages", samples.message(preview="x" * 131_073), "too-long", "TextBody"),
        ("messages", samples.message(conversation_id=None), "no-parent", "conversation"),
        ("notes", samples.note(conversation_id=None), "no-parent", "conversation"),
        ("notes", samples.note(body="\udfff" * 5000), "bad-text", ""),
        ("conversations", samples.conversation(status=None), "unknown-value", "Status"),
        ("conversations", samples.conversation(priority="urgent"), "not-a-number", ""),
        ("conversations", samples.conversation(priority=2.5), "out-of-range", ""),
        ("conversations", samples.conversation(assignedUsers=[5]), "wrong-type", "owner"),
        ("conversations", samples.conversation(assignedUsers=["a|b"]), "bad-reference", "owner"),
        ("conversations", samples.conversation(externalId="x" * 256), "too-long", ""),
        ("customers", samples.customer(emails=[{"email": ["a"]}]), "wrong-type", "Email"),
    ],
)
def test_what_cannot_be_mapped_is_held_with_its_field(
    default_map: CompiledMapping, phase: str, record: samples.Row, reason: str, field: str
) -> None:
    found = held(default_map, phase, record)
    assert found[0] == reason
    assert not field or found[1] == field


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"type": "note", "attributes": {}}, "no-id"),
        ({"type": "note", "id": 7, "attributes": {}}, "no-id"),
        ({"type": "note", "id": "a\nb", "attributes": {}}, "bad-id"),
        ({"type": "note", "id": "a" * 24, "attributes": []}, "no-attributes"),
        ({"type": "draft", "id": "a" * 24, "attributes": {}}, "wrong-type"),
        ("text", "no-id"),
    ],
)
def test_what_is_no_record_is_held(
    default_map: CompiledMapping, record: object, reason: str
) -> None:
    assert held(default_map, "notes", record)[0] == reason


def test_a_record_without_id_has_a_stable_name(default_map: CompiledMapping) -> None:
    phase = default_map.phases["notes"]
    first = phase([{"attributes": {"body": "x"}, "type": "note"}], LOOKUPS).held[0]
    again = phase([{"type": "note", "attributes": {"body": "x"}}], LOOKUPS).held[0]
    assert first.source_id == again.source_id
    assert first.source_id.startswith("noid-")
    assert len(first.source_id) == 21


def test_a_long_subject_is_shortened_and_kept_whole(default_map: CompiledMapping) -> None:
    long = 'A "long" subject ' * 20
    row = mapped(default_map, "conversations", "Case", samples.conversation(name=long))
    assert len(row["Subject"]) == 255
    assert row["Subject"].endswith("…")
    assert row["Kustomer_Full_Subject__c"] == long
    fits = '"' * 255
    row = mapped(default_map, "conversations", "Case", samples.conversation(name=fits))
    assert row["Subject"] == fits
    assert "Kustomer_Full_Subject__c" not in row


def test_a_long_note_is_split_and_nothing_of_it_is_lost(default_map: CompiledMapping) -> None:
    body = 'Größe "XL" für Ada 🙂\n' * 400
    phase = default_map.phases["notes"]
    block = phase([samples.note(body=body)], LOOKUPS)
    rows = block.tables["CaseComment"]
    texts = [row["CommentBody"] for row in rows_of(phase, block, "CaseComment")]
    assert rows.parts == list(range(len(texts)))
    assert len(texts) == 3
    assert texts[0].startswith("(1/3) ")
    assert all(len(text.encode()) <= 4000 for text in texts)
    assert "".join(text.removeprefix(f"({n}/3) ") for n, text in enumerate(texts, 1)) == body
    assert rows.parents[0] == [CONVERSATION] * 3
    assert len(set(rows.digests)) == 3


def test_a_note_that_only_its_quotes_make_long_is_not_split(default_map: CompiledMapping) -> None:
    row = mapped(default_map, "notes", "CaseComment", samples.note(body='"' * 4000))
    assert row["CommentBody"] == '"' * 4000


def test_a_row_over_the_bulk_limit_is_held() -> None:
    full = "x" * 131_072
    assert joined([full, full, full]).count(b"x") == 3 * 131_072
    with pytest.raises(Hold, match="row-too-long"):
        joined([full, full, full, "x" * 7_000])


def test_the_digest_follows_payload_and_parents_only(default_map: CompiledMapping) -> None:
    def digest(record: samples.Row) -> str:
        return default_map.phases["messages"]([record], LOOKUPS).tables["EmailMessage"].digests[0]

    assert digest(samples.message()) == digest(samples.message(rev=99))
    assert digest(samples.message()) != digest(samples.message(preview="other"))
    assert digest(samples.message()) != digest(samples.message(conversation_id="a" * 24))


def test_versions_are_epoch_milliseconds(default_map: CompiledMapping) -> None:
    block = default_map.phases["notes"](
        [samples.note(updatedAt="2026-03-04T05:06:07.089Z"), samples.note(updatedAt=None)], LOOKUPS
    )
    assert block.tables["CaseComment"].versions == [1772600767089, 0]
