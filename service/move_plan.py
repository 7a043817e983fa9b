"""The plan: which conversations go, and which of them go first. Kept in the ledger, with who and when.

A plan narrows what each stream brings; it is no other flow. What belongs to a conversation goes or stays
with it. A conversation that is in Salesforce already stays in the plan, whatever the filters say.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal, cast

from pydantic import BaseModel, ConfigDict

from state.ledger import Ledger, Tx

_FACT = "plan"
_FOLLOWED = "plan.followed"
DAY_MS = 86_400_000
HOT_STATUS = frozenset(("open", "snoozed"))


class MovePlan(BaseModel):
    """Filters of conversations, all of which must hold; of several values of one filter any will do.

    An empty filter lets all through. Dates are ISO days or moments in UTC: `created_since` and
    `touched_since` are their first moment, `created_before` the first one outside. Teams, brands and tags
    are Kustomer ids; `names` has what they are called. `people`: all customers and companies go, or only
    those of the conversations that do. `recent_days`: open and snoozed conversations and
    those touched in so many days go first; None: all go together. `set_at` is in epoch seconds.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    created_since: str | None = None
    created_before: str | None = None
    touched_since: str | None = None
    teams: tuple[str, ...] = ()
    brands: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    people: Literal["all", "chosen"] = "all"
    names: dict[str, str] = {}
    recent_days: int | None = None
    set_by: str = ""
    set_at: float | None = None

    @property
    def filters(self) -> bool:
        """Whether anything may be left out."""
        return self.scope() != MovePlan().scope()

    def scope(self) -> tuple[Any, ...]:
        """What decides which records go."""
        dates = (self.created_since, self.created_before, self.touched_since)
        return (
            self.people,
            *dates,
            *(tuple(sorted(each)) for each in (self.teams, self.brands, self.tags)),
        )

    def takes(self, record: Any) -> bool:
        """Whether a conversation goes by its own values. A date that it does not have lets it through."""
        attributes = mapping_of(mapping_of(record).get("attributes"))
        created, touched = attributes.get("createdAt"), attributes.get("updatedAt")
        return (
            _since(created, self.created_since)
            and _before(created, self.created_before)
            and _since(touched, self.touched_since)
            and _among(attributes.get("assignedTeams"), self.teams)
            and _among(attributes.get("tags"), self.tags)
            and _among([related_id(record, "brand")], self.brands)
        )

    def within(self, other: "MovePlan") -> bool:
        """Whether every record that this plan takes is one that `other` takes."""
        starts = (
            (self.created_since, other.created_since),
            (self.touched_since, other.touched_since),
        )
        later = all(
            theirs is None or (ours is not None and epoch_ms(ours) >= epoch_ms(theirs))
            for ours, theirs in starts
        )
        ours, theirs = self.created_before, other.created_before
        earlier = theirs is None or (ours is not None and epoch_ms(ours) <= epoch_ms(theirs))
        sets = (
            (self.teams, other.teams),
            (self.brands, other.brands),
            (self.tags, other.tags),
        )
        fewer = all(not theirs or (ours and set(ours) <= set(theirs)) for ours, theirs in sets)
        return bool(later and earlier and fewer and other.people in ("all", self.people))


def is_hot(record: Any, cutoff_ms: int) -> bool:
    """Whether a conversation is open, snoozed, or touched at `cutoff_ms` (epoch) or later."""
    attributes = mapping_of(mapping_of(record).get("attributes"))
    if attributes.get("status") in HOT_STATUS:
        return True
    touched = moment_ms(attributes.get("updatedAt"))
    return touched is not None and touched >= cutoff_ms


async def read_plan(ledger: Ledger) -> MovePlan:
    """Return the plan that was set last; one that takes all when none was."""
    return _read(await ledger.facts.get(_FACT))


async def followed_plan(ledger: Ledger) -> MovePlan:
    """Return the plan that what was read so far follows."""
    return _read(await ledger.facts.get(_FOLLOWED))


async def save_plan(tx: Tx, ledger: Ledger, plan: MovePlan) -> None:
    """Set the plan; the next `migrate` follows it."""
    await ledger.facts.set(tx, _FACT, plan.model_dump_json())


async def follow_plan(tx: Tx, ledger: Ledger, plan: MovePlan) -> None:
    """Note that what is read from now on follows `plan`."""
    await ledger.facts.set(tx, _FOLLOWED, plan.model_dump_json())


def epoch_ms(stamp: str) -> int:
    """An ISO day or moment in epoch ms, UTC where it names no zone; raises ValueError for others."""
    moment = datetime.fromisoformat(stamp.replace("Z", "+00:00"))
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return int(moment.timestamp()) * 1000 + moment.microsecond // 1000


def moment_ms(value: Any) -> int | None:
    """The moment that a record's value names, in epoch ms; None for anything else."""
    try:
        return epoch_ms(value) if isinstance(value, str) else None
    except ValueError:
        return None


def id_of(record: Any) -> str | None:
    """The id of a record; None for one without, or for what is no record."""
    found = mapping_of(record).get("id")
    return found if isinstance(found, str) and found else None


def related_id(record: Any, name: str) -> str | None:
    """The id of a record's relation of that name, if it has one."""
    data = mapping_of(
        mapping_of(mapping_of(mapping_of(record).get("relationships")).get(name)).get("data")
    )
    found = data.get("id")
    return found if isinstance(found, str) else None


def _read(text: str | None) -> MovePlan:
    return MovePlan.model_validate_json(text) if text else MovePlan()


def mapping_of(value: Any) -> Mapping[str, Any]:
    """The value if it is an object, else an empty one: records may be odd."""
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}


def _since(stamp: Any, first: str | None) -> bool:
    moment = moment_ms(stamp)
    return first is None or moment is None or moment >= epoch_ms(first)


def _before(stamp: Any, end: str | None) -> bool:
    moment = moment_ms(stamp)
    return end is None or moment is None or moment < epoch_ms(end)


def _among(ids: Any, wanted: tuple[str, ...]) -> bool:
    if not wanted:
        return True
    return isinstance(ids, list) and any(each in wanted for each in ids)
