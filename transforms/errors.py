"""What is wrong with a map, all of it at once, and why a single record cannot be mapped."""

from collections.abc import Sequence
from typing import ClassVar, Literal

Recovery = Literal["retry", "hold", "stop", "refuse"]


class MappingError(Exception):
    """The root of the tree; `faults` holds one plain sentence per fault."""

    code: ClassVar[str] = "mapping-error"
    recovery: ClassVar[Recovery] = "refuse"
    next_step: ClassVar[str] = "Correct the mapping file and run the command again."

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("\n".join(faults))
        self.message = "\n".join(faults)
        self.faults = list(faults)


class MappingInvalid(MappingError):
    """The mapping file is not a mapping."""

    code = "mapping-invalid"


class MappingDoesNotFit(MappingError):
    """The mapping names fields or values that the target org does not have.

    `places`: for each fault the keys that lead to its line; empty when they are not known.
    """

    code = "mapping-does-not-fit"
    next_step = (
        "Run deskferry schema deploy, which makes and opens what the map needs; or correct the map."
    )

    def __init__(self, faults: Sequence[str], places: Sequence[tuple[str, ...]] = ()) -> None:
        super().__init__(faults)
        self.places = list(places)


class TagsDoNotFit(MappingError):
    """Tags cannot become what was asked for; `faults` are all that stands against it."""

    code = "tags-do-not-fit"
    next_step = (
        "Let Deskferry choose (--tags auto), choose --tags topics or --tags text, or tidy the tags up "
        "in Kustomer."
    )

    def __init__(self, wanted: str, faults: Sequence[str]) -> None:
        super().__init__(faults)
        self.message = f"Tags cannot become {wanted}: {'; '.join(faults)}."


class Hold(Exception):
    """One record cannot be mapped; its neighbours go on. Holds no value of the record.

    Reasons: `ambiguous-currency`, `ambiguous-number`, `bad-date`, `bad-email`, `bad-path`, `bad-phone`,
    `bad-reference`, `bad-text`, `bad-url`, `function-failed`, `invalid-combination`, `no-name`,
    `no-parent`, `not-a-number`, `other-currency`, `out-of-range`, `row-too-long`, `too-long`,
    `too-many-values`, `unknown-tag`, `unknown-user`, `unknown-value`, `wrong-type`.
    """

    code: ClassVar[str] = "record-held"
    recovery: ClassVar[Recovery] = "hold"
    next_step: ClassVar[str] = "Correct the record or the map, then retry the held records."

    def __init__(self, reason: str, field: str = "", detail: str = "") -> None:
        super().__init__(f"The record is held: {reason}.")
        self.reason = reason
        self.field = field
        self.detail = detail
