"""What will not move by itself, could not be read, or needs a decision, each with what to do."""

from collections.abc import Iterable, Iterator, Sequence

from service.discover.facts import (
    AttachmentFacts,
    AttributeFacts,
    ConversationFacts,
    ForecastSummary,
    GapFacts,
    KindFacts,
    SourceRuleFacts,
    TagFacts,
    TeamFacts,
    UserFacts,
    VolumeFacts,
)
from service.discover.target import Target

MOST_PICKLIST_VALUES = 500
_CHANNELS = {
    "email": "Email-to-Case",
    "form": "Web-to-Case",
    "chat": "Messaging for In-App and Web",
    "voice": "Service Cloud Voice, or a telephony integration",
}
_MESSAGING = "Messaging channels of Digital Engagement, as far as they have this one"
_KEY_STEP = "Make a key with the role, and run discover again."


def unread_gaps(texts: Iterable[str]) -> Iterator[GapFacts]:
    """What could not be read or counted."""
    for text in dict.fromkeys(texts):
        yield GapFacts(area="reading", what=text, count=None, next_step=_KEY_STEP)


def channel_gaps(conversations: ConversationFacts) -> Iterator[GapFacts]:
    """Channels in use: their talks move, the channel itself is built anew."""
    for each in conversations.by_channel:
        if each.records:
            counterpart = _CHANNELS.get(each.value, _MESSAGING)
            yield GapFacts(
                area="channels",
                what=f"Channel {each.value} must be set up in Salesforce",
                count=each.records,
                next_step=f"Build it with {counterpart}.",
            )


def schema_gaps(kinds: Iterable[KindFacts], volumes: Sequence[VolumeFacts]) -> Iterator[GapFacts]:
    """Masked attributes, attributes without a home, klasses that are disabled or not in the map."""
    stay = {each.kind for each in volumes if not each.moves}
    for kind in kinds:
        if kind.name in stay:
            continue
        masked = [each for each in kind.attributes if each.sensitive]
        if masked:
            yield GapFacts(
                area="masking",
                what=f"{kind.name} has sensitive attributes: {_names(masked)}. Their values come masked "
                "unless the key may read them",
                count=len(masked),
                next_step="Use a key with Read Sensitive, or leave them out of the map.",
            )
        homeless = [
            a for a in kind.attributes if a.home is None and not a.deleted and _used(a.filled)
        ]
        if homeless:
            yield GapFacts(
                area="fields",
                what=f"{kind.name} has custom attributes without a field: {_names(homeless)}",
                count=len(homeless),
                next_step="Run deskferry map propose; it finds or makes a field for each.",
            )
        lost = [each for each in kind.attributes if each.deleted and each.filled]
        if lost:
            yield GapFacts(
                area="fields",
                what=f"{kind.name} has deleted attributes that records still hold: {_names(lost)}",
                count=len(lost),
                next_step="They stay behind unless you name them in the map.",
            )
    for each in volumes:
        if each.status is not None and not each.moves:
            yield GapFacts(
                area="klasses",
                what=f"{each.kind} is {each.status} and is not moved",
                count=each.records,
                next_step="Leave it, or set move: true in the map that map propose writes.",
            )


def people_gaps(
    users: UserFacts | None, teams: TeamFacts | None, tags: TagFacts | None
) -> Iterator[GapFacts]:
    """Users and teams without one counterpart, and too many tags for a picklist."""
    for what, facts, mend in (
        (
            "users",
            users,
            (
                "Make them in Salesforce, or choose one for each with users assign. migrate refuses "
                "while they are open, unless unmatched_users or salesforce.default_owner says what then."
            ),
        ),
        (
            "teams",
            teams,
            "migrate makes the queues that are missing; give each of several its name.",
        ),
    ):
        if facts is not None and (facts.unmatched or facts.several):
            yield GapFacts(
                area="people",
                what=f"Of the {what} {facts.unmatched:,} have no counterpart in Salesforce, "
                f"{facts.several:,} have several",
                count=facts.unmatched + facts.several,
                next_step=mend,
            )
    if tags is not None and tags.live + tags.deleted > MOST_PICKLIST_VALUES:
        yield GapFacts(
            area="tags",
            what=f"There are more tags than a picklist can hold ({MOST_PICKLIST_VALUES})",
            count=tags.live + tags.deleted,
            next_step="They are kept as text on the record.",
        )


def attachment_gaps(attachments: AttachmentFacts | None) -> Iterator[GapFacts]:
    """Files stay behind in this version."""
    if attachments is not None and attachments.files:
        yield GapFacts(
            area="files",
            what="Attachments are not moved by this version",
            count=attachments.files,
            next_step="Keep Kustomer's files within reach until they are.",
        )


def automation_gaps(rules: Iterable[SourceRuleFacts], target: Target) -> Iterator[GapFacts]:
    """Settings that are built by hand, those that nobody could list, and what will fire."""
    for each in rules:
        if each.state == "read" and not each.count:
            continue
        said = {
            "read": "must be built in Salesforce by hand",
            "refused": "could not be listed: the key lacks the role",
            "absent": "could not be listed: this org has no such endpoint",
            "unlisted": "cannot be listed: Kustomer's API has no way that we know",
        }[each.state]
        yield GapFacts(
            area="automation",
            what=f"{each.title} {said}",
            count=each.count,
            next_step=f"Counterpart: {each.counterpart}.",
        )
    firing = sum(each.fires is True for each in target.rules)
    unsure = sum(each.fires is None for each in target.rules)
    if firing or unsure:
        yield GapFacts(
            area="salesforce",
            what=f"{firing:,} flows, triggers and rules fire on loaded rows; of {unsure:,} it cannot be "
            "told",
            count=firing + unsure,
            next_step="Exempt the integration user, or switch them off for the load.",
        )


def target_gaps(target: Target, forecast: ForecastSummary) -> Iterator[GapFacts]:
    """What the org lacks: fields, rights, room; and what only a person can look up."""
    missing = sum(len(each.missing) for each in target.objects)
    if missing or not all(each.there for each in target.objects):
        yield GapFacts(
            area="salesforce",
            what="The map fills fields or objects that the integration user does not see",
            count=missing,
            next_step="Run deskferry schema plan, then schema deploy.",
        )
    if not target.audit:
        yield GapFacts(
            area="salesforce",
            what="Creation dates and authors cannot be set: records would carry the date of the load",
            count=None,
            next_step="Enable Set Audit Fields upon Record Creation, and grant it to the user.",
        )
    dependent = sorted(f"{o.object}.{f}" for o in target.objects for f in o.dependent_picklists)
    if dependent:
        yield GapFacts(
            area="salesforce",
            what=f"Dependent picklists: {', '.join(dependent)}",
            count=len(dependent),
            next_step="Make sure that the values that the map writes go together.",
        )
    if target.person_accounts:
        yield GapFacts(
            area="salesforce",
            what="The org has person accounts; customers become Contacts and Leads all the same",
            count=None,
            next_step="Decide whether that is what you want before anything is loaded.",
        )
    for each in forecast.figures:
        if each.key in ("data-storage", "file-storage") and each.suffices is False:
            yield GapFacts(
                area="storage",
                what=f"{each.title} does not suffice",
                count=None,
                next_step="Buy storage, free some, or move less.",
            )
    yield GapFacts(
        area="salesforce",
        what="Whether Salesforce sends e-mail when rows come (Deliverability) cannot be read",
        count=None,
        next_step="Set Deliverability to No access or System email only for the load.",
    )


def _used(filled: float | None) -> bool:
    """Whether an attribute may hold something: it was filled in the sample, or nothing was sampled."""
    return filled is None or filled > 0


def _names(attributes: Iterable[AttributeFacts]) -> str:
    names = [each.name for each in attributes]
    rest = f" and {len(names) - 8} more" if len(names) > 8 else ""
    return ", ".join(names[:8]) + rest
