"""What becomes of a row, why it is refused, and who writes."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FieldError:
    """Why a row was refused."""

    status_code: str
    message: str
    fields: tuple[str, ...] = ()

    def bulk_text(self) -> str:
        """The form in which bulk results tell it (facts, 3.9)."""
        return f"{self.status_code}:{self.message}:{','.join(self.fields)}{' ' if self.fields else ''}--"


class BadValue(Exception):
    """A value that its field refuses: status code, message, and the fields, joined by commas."""

    def __init__(self, code: str, message: str, field: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.message = message
        self.field = field

    def error(self) -> FieldError:
        """The refusal as results tell it."""
        return FieldError(
            self.code, self.message, tuple(self.field.split(",")) if self.field else ()
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one row."""

    record_id: str = ""
    created: bool = False
    errors: tuple[FieldError, ...] = ()

    @property
    def success(self) -> bool:
        """True when nothing was refused."""
        return not self.errors


@dataclass(frozen=True, slots=True)
class WriteContext:
    """Who writes: `rest` or `bulk`, and the job's id."""

    source: str
    job: str = ""
