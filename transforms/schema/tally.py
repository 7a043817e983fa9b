"""Profiles of all records: whole pages are counted column by column, in the stream of a migration.

It runs beside every record, so that it may cost next to nothing: a page is asked for one path after the
other, and a value that was met before is not looked at again. Distinct values are kept as tokens,
never as they are; letter case and blanks around a value do not count, as in a picklist. Pure.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

from transforms.mapping import Mapping as MapFile
from transforms.schema.profile import (
    LONGEST_VALUE,
    MOST_TOKENS,
    Profile,
    forms_of,
    is_moment,
)

CUSTOM = "attributes.custom."
_STANDARD = "attributes."
# Lines that take a value as it is; what other converters make of theirs has forms of its own.
_PLAIN = frozenset({"text", "date", "datetime", "decimal", "number", "boolean", "values", "join"})
# Kustomer writes these itself into every record.
_ITS_OWN = frozenset({"createdAt", "updatedAt"})
_MOST_KNOWN = 2 * MOST_TOKENS
_NO_FORMS: tuple[str, ...] = ()
_TEXTS, _LISTS, _WHOLE, _DICTS = {str}, {list}, {int}, {dict}

Token = Callable[[str], str]


@dataclass
class Counted:
    """Profiles by path, and of how many records. `seen` of each profile stands for `records`."""

    records: int = 0
    profiles: dict[str, Profile] = field(default_factory=dict)


def meaning(value: str) -> str:
    """What of a text counts where values are told apart."""
    return value.strip().lower()


def standard_paths(mapping: MapFile, phase: str) -> list[str]:
    """The attributes of Kustomer's own that the lines of a phase, or of those made of it, fill from."""
    found: dict[str, None] = {}
    for name, each in mapping.phases.items():
        if (each.of or name) != phase or not each.move:
            continue
        for table in each.tables.values():
            for line in table.fields.values():
                if line.convert in _PLAIN:
                    found.update(dict.fromkeys(line.source))
    own = (each.removeprefix(_STANDARD) for each in found if each.startswith(_STANDARD))
    return [
        _STANDARD + each
        for each in own
        if each != "custom" and each not in _ITS_OWN and "." not in each
    ]


class PageTally:
    """Counts the pages of one kind. `token` makes a text unreadable; `hidden` names have no tokens.

    Custom attributes are counted as they occur; of `paths` only what is cheap: the forms of texts (mail
    addresses, numbers, days) are not looked into.
    """

    def __init__(self, token: Token, paths: Iterable[str], hidden: Collection[str] = ()) -> None:
        self._token = token
        self._hidden = frozenset(hidden)
        self._records = 0
        self._standard = [
            (itemgetter(name), name, _Column(token, forms=False))
            for name in (path.removeprefix(_STANDARD) for path in paths)
        ]
        self._custom: dict[str, _Column] = {}

    def add(self, rows: Sequence[Any]) -> None:
        """Count one page. A record that is none counts as one that has nothing."""
        self._records += len(rows)
        found = _attributes_of(rows)
        for get, name, column in self._standard:
            column.add(_values_at(get, name, column, found))
        if customs := [custom for each in found if (custom := each.get("custom"))]:
            self._add_custom(customs)

    def _add_custom(self, customs: Iterable[Any]) -> None:
        columns: dict[str, list[Any]] = {}
        for custom in customs:
            if type(custom) is dict:
                for name, value in custom.items():
                    if name in columns:
                        columns[name].append(value)
                    else:
                        columns[name] = [value]
        for name, values in columns.items():
            mine = self._custom.get(name)
            if mine is None:
                keep = name not in self._hidden
                mine = self._custom[name] = _Column(self._token, keep=keep)
            mine.add(values)

    def take(self) -> Counted:
        """What was counted since the last time."""
        counted = Counted(self._records)
        self._records = 0
        named = [(_STANDARD + name, column) for _, name, column in self._standard]
        named += [(CUSTOM + name, column) for name, column in self._custom.items()]
        for path, column in named:
            profile = column.take()
            if profile is not None:
                counted.profiles[path] = profile
        return counted


class _Column:
    """One path: what is counted since the last taking, and which values were met at all."""

    def __init__(self, token: Token, *, forms: bool = True, keep: bool = True) -> None:
        self._token = token
        self._forms = forms
        self._keep = keep
        self._known: dict[str, tuple[str, tuple[str, ...]]] = {}
        self._tokens: set[str] = set()
        self._open = False
        self._profile = Profile()
        self._touched = False
        self.sparse = False

    def take(self) -> Profile | None:
        """The profile since the last time; None when there was nothing."""
        if not self._touched:
            return None
        taken = self._profile
        # The longest ones are those of the whole run: what was measured is not measured again.
        self._profile = Profile(chars=taken.chars, bytes=taken.bytes, open_ended=self._open)
        self._touched = False
        return taken

    def add(self, values: list[Any]) -> None:
        """Count the values of one page; None among them is no value."""
        if self._known and self._add_known(values):
            return
        kinds = set(map(type, values))
        kinds.discard(type(None))
        if kinds == _TEXTS:
            texts = list(filter(None, values))
            if self._open:
                self._add_texts(texts)
            else:
                self._add_counted(Counter(texts))
        elif kinds == _LISTS:
            self._add_lists([each for each in values if each])
        elif kinds == _WHOLE:
            self._add_whole(Counter(values))
        elif kinds:
            self._add_any(values)

    def _add_known(self, values: list[Any]) -> bool:
        """Count a page all of whose texts were met before; False, and nothing counted, for another."""
        try:
            counted = Counter(values)
        except TypeError:  # a list, or what has a structure
            return False
        counted.pop(None, None)
        counted.pop("", None)
        if not counted.keys() <= self._known.keys():
            return False
        if counted:
            total = counted.total()
            self._touched = True
            self._profile.filled += total
            self._profile.texts += total
            self._tell_apart(counted)
        return True

    def _add_whole(self, counted: Counter[Any]) -> None:
        counted.pop(None, None)
        self._touched = True
        self._profile.filled += counted.total()
        for number, count in counted.items():
            self._profile.number(number)
            self._profile.numbers += count - 1

    def _add_lists(self, lists: list[list[Any]]) -> None:
        texts = [each for listed in lists for each in listed]
        if set(map(type, texts)) != _TEXTS:
            self._add_any(lists)
            return
        profile = self._profile
        profile.filled += len(lists)
        profile.lists += len(lists)
        profile.longest_list = max(profile.longest_list, max(map(len, lists)))
        self._measure(texts, len(texts))
        self._tell_apart(Counter(texts))

    def _add_texts(self, texts: list[str]) -> None:
        """Count texts of which there are too many different ones to tell them apart."""
        if texts:
            self._profile.filled += len(texts)
            self._measure(texts, len(texts))
            if self._forms:
                self._look(texts)

    def _add_counted(self, counted: Counter[Any]) -> None:
        if counted:
            total = counted.total()
            self._profile.filled += total
            self._measure(counted, total)
            self._tell_apart(counted)

    def _add_any(self, values: list[Any]) -> None:
        texts = [each for each in values if type(each) is str and each]
        self._profile.filled += len(texts)
        texts += self._others(each for each in values if type(each) is not str)
        self._touched = self._touched or self._profile.filled > 0
        if texts:
            self._measure(texts, len(texts))
            self._tell_apart(Counter(texts))

    def _measure(self, texts: Collection[str], count: int) -> None:
        profile = self._profile
        self._touched = True
        profile.texts += count
        longest = max(map(len, texts))
        profile.chars = max(profile.chars, longest)
        profile.bytes = max(profile.bytes, longest)
        if longest * 4 > profile.bytes and not all(map(str.isascii, texts)):
            profile.bytes = max(profile.bytes, max(map(_bytes, texts)))

    def _look(self, texts: Iterable[str]) -> None:
        """Count the forms of texts, most of which have none."""
        profile = self._profile
        for text in texts:
            if not text[0].isalpha() or "@" in text or "\n" in text or text.startswith("http"):
                for name in _all_forms(text):
                    setattr(profile, name, getattr(profile, name) + 1)

    def _others(self, values: Iterable[Any]) -> list[str]:
        """Count what is no text; the texts in lists are handed back."""
        profile = self._profile
        texts: list[str] = []
        for value in values:
            if value is None or value == []:
                continue
            profile.filled += 1
            if type(value) is list:
                profile.lists += 1
                profile.longest_list = max(profile.longest_list, len(value))
                texts += [each for each in value if type(each) is str]
                self._scalars(each for each in value if type(each) is not str)
            else:
                self._scalars((value,))
        return texts

    def _scalars(self, values: Iterable[Any]) -> None:
        profile = self._profile
        for value in values:
            if isinstance(value, bool):
                profile.booleans += 1
            elif isinstance(value, int | float):
                profile.number(value)
            else:
                profile.objects += 1

    def _tell_apart(self, counted: Counter[str]) -> None:
        """Count forms and tokens of a page's distinct texts."""
        profile, known = self._profile, self._known
        for text, count in counted.items():
            told = known.get(text)
            if told is None:
                told = self._meet(text)
            token, forms = told
            for name in forms:
                setattr(profile, name, getattr(profile, name) + count)
            if token and not self._open:
                profile.values[token] += count

    def _meet(self, text: str) -> tuple[str, tuple[str, ...]]:
        """Look at a text for the first time, or once more where there are too many to remember."""
        forms = _all_forms(text) if self._forms else _NO_FORMS
        token = ""
        if self._keep and not self._open:
            if len(text) <= LONGEST_VALUE:
                token = self._token(meaning(text))
                self._tokens.add(token)
            if not token or len(self._tokens) > MOST_TOKENS:
                self._open_up()
        told = (token, forms)
        if not self._open and len(self._known) < _MOST_KNOWN:
            self._known[text] = told
        return told

    def _open_up(self) -> None:
        self._open = self._profile.open_ended = True
        self._profile.values.clear()
        self._tokens.clear()
        self._known.clear()


def _attributes_of(rows: Sequence[Any]) -> list[Any]:
    """The attributes of all records that have some; the straight way is that of good pages."""
    try:
        found = [row["attributes"] for row in rows]
    except (KeyError, TypeError, IndexError):
        found = [row.get("attributes") for row in rows if type(row) is dict]
    if set(map(type, found)) <= _DICTS:
        return found
    return [each for each in found if type(each) is dict]


def _values_at(get: Any, name: str, column: _Column, found: list[Any]) -> list[Any]:
    """One attribute of all records; None where a record lacks it, which costs half as much again."""
    if not column.sparse:
        try:
            return list(map(get, found))
        except KeyError:
            column.sparse = True
    return [each.get(name) for each in found]


def _bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def _all_forms(text: str) -> tuple[str, ...]:
    forms = forms_of(text)
    if "\n" in text:
        forms = (*forms, "multiline")
    if is_moment(text):
        midnight = ("midnights",) if "T00:00:00" in text else ()
        return (*forms, "moments", *midnight)
    return forms
