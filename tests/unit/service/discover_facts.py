"""A small inventory, and a check of pages."""

from html.parser import HTMLParser

from connectors.salesforce.limits import Limit
from service.discover.facts import (
    AttributeFacts,
    CallFacts,
    ConversationFacts,
    DiscoverFacts,
    GapFacts,
    KindFacts,
    RelationFacts,
    ShareFacts,
    SourceRuleFacts,
    TargetFacts,
    TargetRuleFacts,
    VolumeFacts,
)
from service.discover.forecast import Stream, Terms, forecast

_VOID = frozenset({"meta", "br"})
EVIL = "<script>alert('&')</script>"


class Balance(HTMLParser):
    """Fails where a tag closes what is not open, and knows what is open still."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag, f"</{tag}> at {self.getpos()}"


def assert_well_formed(page: str) -> Balance:
    balance = Balance()
    balance.feed(page)
    balance.close()
    assert not balance.open
    return balance


def small_facts() -> DiscoverFacts:
    """Of everything one, named so that markup would show; nobody, and nothing sampled."""
    attribute = AttributeFacts(
        name="secretStr",
        label=EVIL,
        type="string",
        by_suffix="string",
        by_metadata=None,
        several=True,
        levels=False,
        target="kobject.order",
        choices=3,
        sensitive=True,
        deleted=True,
        known=False,
        filled=0.25,
        home=None,
    )
    streams = [Stream("notes", "CaseComment", 10, 10, "list")]
    told = forecast(
        streams,
        Terms(1_000, 0.5, 90, {"DataStorageMB": Limit(1, 0)}),
        files=None,
        file_bytes=None,
    )
    volume = VolumeFacts(
        name="notes",
        kind="note",
        records=None,
        counted_by="unknown",
        exact=False,
        by_list=None,
        by_search=None,
        by_archive=None,
        way=None,
        status="disabled",
        moves=False,
    )
    rule = SourceRuleFacts(
        kind="x",
        title=EVIL,
        counterpart="y",
        state="read",
        count=1,
        complete=False,
        ids=[EVIL],
    )
    target = TargetFacts(
        object="Case",
        there=False,
        fields=0,
        missing=["a", "b", "c", "d", "e"],
        closed=[],
        record_types=[EVIL],
        dependent_picklists=[],
    )
    kind = KindFacts(
        name="note", label=EVIL, status="disabled", sampled=0, objects=[], attributes=[attribute]
    )
    return DiscoverFacts(
        written_at=1_700_000_000.0,
        kustomer_org="60aa",
        salesforce_org="00D",
        edition="",
        person_accounts=True,
        calls=CallFacts(kustomer=1, searches=0, salesforce=1, seconds=1.0),
        requests_per_minute=1_000,
        volumes=[volume],
        users=None,
        teams=None,
        tags=None,
        attachments=None,
        conversations=ConversationFacts(
            by_status=[], by_channel=[ShareFacts(value=EVIL, records=None)], by_year=[]
        ),
        forecast=told,
        kinds=[kind],
        relations=[RelationFacts(kind="a", name=EVIL, target=None, several=True, by="relation")],
        targets=[target],
        source_automation=[rule],
        target_automation=[
            TargetRuleFacts(kind="flow", name=EVIL, object="Case", fires=None, why="?")
        ],
        gaps=[GapFacts(area="fields", what=EVIL, count=None, next_step=EVIL)],
    )
