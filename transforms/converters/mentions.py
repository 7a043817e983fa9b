"""The converter for texts in which users are mentioned (kustomer facts, 6.6).

A note lists the ids of the users that it mentions, and its text marks them as `__Name__`.
"""

import re
from typing import Any

from transforms.converters.cells import as_text, clean, fitted
from transforms.converters.context import ConverterContext
from transforms.converters.lists import as_list
from transforms.record import Cell, Record

_MARK = re.compile(r"__(?=\S)([^\n]+?)(?<=\S)__")


def mentions(context: ConverterContext) -> Cell:
    """Text in which mentioned users stand as `@Name`; those that it does not mark follow in a last line.

    A mark is a user's when it holds the name of a user that the note lists, or the id of any user. Other
    marks stay as they are, and so do ids that nobody knows.
    """
    get, limit = context.get, context.length

    def cell(record: Record) -> str:
        value = get(record)
        if value is None:
            return ""
        text = clean(value if isinstance(value, str) else as_text(value))
        if not text or text.isspace():
            return ""
        if "__" in text or "userMentions" in record.relationships:
            text = _shown(text, record)
        return fitted(text, limit)

    return cell


def _shown(text: str, record: Record) -> str:
    names = record.lookups.users
    listed = _listed(record.relationships.get("userMentions"))
    by_name = {clean(names[each]): each for each in listed if each in names}
    seen: set[str] = set()

    def named(mark: re.Match[str]) -> str:
        inner = mark[1]
        user = by_name.get(inner) or (inner if inner in names else None)
        if user is None:
            return mark[0]
        seen.add(user)
        return f"@{clean(names[user])}"

    text = _MARK.sub(named, text)
    left = [each for each in listed if each not in seen]
    if not left:
        return text
    shown = (f"@{clean(names[each])}" if each in names else clean(each) for each in left)
    return f"{text}\n({', '.join(shown)})"


def _listed(related: Any) -> list[str]:
    """The ids of the users that a note mentions, each once."""
    data = related.get("data") if isinstance(related, dict) else None
    ids = (each.get("id") for each in as_list(data) if isinstance(each, dict))
    return list(dict.fromkeys(each for each in ids if isinstance(each, str) and each))
