"""A confirmation holds for a map and both schemas: what voids it, and what does not."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from connectors.clock import SystemClock
from connectors.errors import Unreachable
from connectors.language_model import LanguageModel
from service.config import Config, LanguageModelConfig
from service.confirm import MapChanged, MapUnconfirmed, refuse_unconfirmed
from service.map_facts import Facts, differences, map_digest, source_facts, target_facts
from service.mapped import MAPPING_FILE, default_mapping, map_text, text_digest
from service.propose import _ask
from state.ledger import Ledger
from tests.unit.transforms.target_shape import default_shape
from transforms.mapping import parse_mapping
from transforms.planned import planned
from transforms.schema.propose.org import Question
from transforms.schema.source import SourceKind, SourceSchema, read_attribute
from transforms.shape import FieldShape, ObjectShape, TargetShape

MAPPING = parse_mapping(default_mapping(), "m")


def changed(name: str, field: FieldShape) -> dict[str, ObjectShape]:
    shape = dict(default_shape())
    fields = {**shape[name].fields, field.name: field}
    return {**shape, name: ObjectShape(name, fields)}


def target(shape: TargetShape) -> Facts:
    return target_facts(MAPPING, shape)


def test_a_field_that_the_map_fills_is_compared_in_all_that_matters() -> None:
    before = target(default_shape())
    subject = default_shape()["Case"].fields["Subject"]
    for field, told in (
        (replace(subject, length=80), "Case.Subject: length was 255, is 80"),
        (replace(subject, type="textarea"), "Case.Subject: type was string, is textarea"),
        (replace(subject, createable=False), "Case.Subject: settable was yes, is no"),
        (FieldShape("Must__c", "string", 9, nillable=False), "Case.Must__c is new"),
    ):
        assert differences(before, target(changed("Case", field))) == [told]


def test_a_field_that_the_map_does_not_use_is_no_news() -> None:
    other = changed("Case", FieldShape("Other__c", "string", 80))
    assert differences(target(default_shape()), target(other)) == []


def test_making_the_maps_own_fields_and_values_voids_nothing() -> None:
    bare = {
        name: ObjectShape(
            name,
            {
                field: replace(each, picklist=each.picklist[:1])
                for field, each in there.fields.items()
                if field not in made
            },
        )
        for name, there in default_shape().items()
        for made in [
            {
                field
                for line in MAPPING.phases.values()
                for table, content in line.tables.items()
                if table == name
                for field in content.create
            }
        ]
    }
    assert "Kustomer_Id__c" not in bare["Case"].fields
    before = target(bare)
    assert before["Case"]["Kustomer_Id__c"]["unique"] is True
    assert differences(before, target(planned(MAPPING, bare))) == []


def source(**told: Any) -> Facts:
    attribute = read_attribute("tierStr", {"type": "string", **told})
    return source_facts(
        SourceSchema({"customer": SourceKind("customer", "Customer", {"tierStr": attribute})})
    )


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"enumeration": ["a"]}, "customer.tierStr has other values (0 before, 1 now)"),
        ({"tree": True}, "customer.tierStr: type was string, is tree"),
        ({"hasSensitiveAttributes": True}, "customer.tierStr: sensitive was no, is yes"),
        ({"deletedAt": "2024"}, "customer.tierStr: deleted was no, is yes"),
        ({"target": "order"}, "customer.tierStr: target was nothing, is kobject.order"),
    ],
)
def test_an_attribute_is_compared_in_all_that_matters(told: Any, said: str) -> None:
    assert differences(source(), source(**told)) == [said]


def test_a_label_is_no_news_and_a_kind_that_comes_or_goes_is() -> None:
    assert differences(source(), source(displayName="Tier")) == []
    assert differences({}, source()) == ["customer is new"]
    assert differences(source(), {}) == ["customer is gone"]


async def accepted(ledger: Ledger, text: str) -> None:
    async with ledger.write() as tx:
        await ledger.maps.accept(tx, digest=text_digest(text), form="", by="migrate", text="")


async def test_the_default_map_as_shipped_and_one_in_force_need_nobodys_word(
    tmp_path: Path,
) -> None:
    config = Config.model_construct(workspace=tmp_path)
    nobody: Any = SimpleNamespace()  # neither org is asked
    async with Ledger.open(tmp_path, clock=lambda: 9.0) as ledger:
        await refuse_unconfirmed(config, ledger, nobody, nobody)
        (tmp_path / MAPPING_FILE).write_text(default_mapping() + "# edited\n")
        with pytest.raises(MapUnconfirmed):
            await refuse_unconfirmed(config, ledger, nobody, nobody)
        (tmp_path / MAPPING_FILE).unlink()
        map_text(config)
        assert (tmp_path / MAPPING_FILE).stat().st_mode & 0o777 == 0o600
        await accepted(ledger, map_text(config))
        await refuse_unconfirmed(config, ledger, nobody, nobody)
        (tmp_path / MAPPING_FILE).write_text(default_mapping() + "# edited\n")
        with pytest.raises(MapChanged) as refused:
            await refuse_unconfirmed(config, ledger, nobody, nobody)
    assert "map confirm" in refused.value.next_step


async def test_the_newest_confirmation_counts_and_is_durable(tmp_path: Path) -> None:
    for by in ("Ada", "Zoë"):
        async with Ledger.open(tmp_path, clock=lambda: 9.0) as ledger, ledger.write() as tx:
            await ledger.confirmations.confirm(
                tx, digest=map_digest(MAPPING), text="t", source="{}", target="{}", by=by
            )
    async with Ledger.open(tmp_path, clock=lambda: 9.0, read_only=True) as ledger:
        latest = await ledger.confirmations.latest()
    assert latest is not None
    assert (latest.confirmed_by, latest.confirmed_at, latest.number) == ("Zoë", 9.0, 2)


async def test_a_model_that_fails_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: object) -> None:
        raise Unreachable("Nobody answers.")

    monkeypatch.setattr(LanguageModel, "choose", fail)
    config = LanguageModelConfig(base_url="http://127.0.0.1:9/v1", model="small")
    question = Question("customer", "xStr", "X", "string", {}, None, 0.5, ("X__c",))
    hints, warnings = await _ask(config, SystemClock(), [question])
    assert hints == {}
    assert warnings == ["The language model was left out: Nobody answers."]
