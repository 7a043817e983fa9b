"""Turns counts and samples into the streams of the forecast: rows, sizes, lists."""

from collections.abc import Mapping, Sequence
from math import ceil

from service.discover.facts import AttachmentFacts, VolumeFacts
from service.discover.forecast import RECORD_BYTES, Stream
from service.discover.messages import Looks
from service.phases import phase_named
from service.planner import LIST
from transforms.mapping import Mapping as MapFile

_SENT_LEAST = 500.0  # bytes of a row in a job, where no sample tells


def streams_of(
    volumes: Sequence[VolumeFacts],
    mapping: MapFile,
    messages: Looks,
    notes: Looks,
    people: Mapping[str, int],
) -> list[Stream]:
    """The streams that are moved. `people`: users and teams, which are read and matched, not loaded."""
    found = [_people(name, count) for name, count in people.items()]
    for each in volumes:
        if not each.moves or each.records is None:
            continue
        line = mapping.phases.get(each.name)
        rows, stored = float(each.records), float(RECORD_BYTES)
        sent = _SENT_LEAST
        if each.kind == "message":
            stored = max(stored, messages.mean_bytes)
            sent = max(sent, messages.mean_bytes)
        elif each.kind == "note":
            rows *= notes.mean_parts
            sent = max(sent, notes.mean_bytes)
        found.append(
            Stream(
                name=each.name,
                object=", ".join(line.tables) if line else "a new custom object",
                records=each.records,
                rows=ceil(rows),
                way=each.way or LIST,
                stored_bytes=stored,
                sent_bytes=sent,
            )
        )
    return found


def _people(name: str, count: int) -> Stream:
    phase = phase_named(name)
    stream = phase.stream
    return Stream(
        name=name,
        object=", ".join(phase.objects),
        records=count,
        rows=0,
        way=LIST,
        page_size=stream.page_size,
        variants=len(stream.variants),
    )


def attachments_of(messages: Looks, records: int) -> AttachmentFacts | None:
    """What the files of the sampled messages come to for all of them; None without a sample."""
    if not messages.sampled:
        return None
    share = records / messages.sampled
    sizes = messages.files.values()
    return AttachmentFacts(
        sampled_messages=messages.sampled,
        sampled_files=len(sizes),
        sampled_bytes=sum(sizes),
        largest_bytes=max(sizes, default=0),
        files=round(len(sizes) * share),
        bytes=round(sum(sizes) * share),
    )
