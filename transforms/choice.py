"""Which table a record goes to: the first rule that holds decides, and a default for all else.

The rule with two tables compiles to one look at one path; longer rules cost a look for each rule
that does not hold.
"""

from collections.abc import Callable, Sequence
from typing import Any

from transforms.map_lines import ChoiceLine, RuleLine, RulesLine
from transforms.mapping import PhaseLine
from transforms.record import Record, compile_path

Choice = Callable[[Record], str]
Condition = Callable[[Record], bool]


def chooser(line: PhaseLine) -> Choice:
    """Compile a phase's rule; total: every record goes to some table."""
    choose = line.choose
    if choose is None:
        only = next(iter(line.tables), "")
        return lambda record: only
    if isinstance(choose, ChoiceLine):
        get, present, absent = compile_path(choose.source), choose.present, choose.absent
        return lambda record: present if get(record) else absent
    return _by_rules(choose)


def _by_rules(line: RulesLine) -> Choice:
    rules: Sequence[tuple[Condition, str]] = [(_holds(each), each.table) for each in line.rules]
    default = line.default

    def choose(record: Record) -> str:
        for holds, table in rules:
            if holds(record):
                return table
        return default

    return choose


def _holds(rule: RuleLine) -> Condition:
    get = compile_path(rule.source)
    if rule.present is not None:
        wanted = rule.present
        return lambda record: bool(get(record)) is wanted
    if rule.over is not None:
        least = rule.over
        return lambda record: _is_over(get(record), least)
    values = frozenset(each.lower() for each in rule.wanted)
    return lambda record: any(_text(each) in values for each in _each(get(record)))


def _is_over(value: Any, least: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > least


def _each(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else (value,)


def _text(value: Any) -> str | None:
    """A value as rules name it: in any letter case, `true`, `false`, whole numbers without point."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip().lower() if isinstance(value, str | int | float) else None
