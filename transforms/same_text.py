"""When two names are the same one to Salesforce: the form in which names are compared."""

import unicodedata


def same_text(value: str) -> str:
    """Return a name in the form by which it is known again: letter case and outer blanks do not count.

    `ß` and `ss` stay two names: only lower case is taken, nothing is folded.
    """
    return unicodedata.normalize("NFC", value.strip()).lower()
