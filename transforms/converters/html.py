"""HTML to readable text, and text to HTML that shows the same.

The standard library's parser takes any text; what browsers do not show (scripts, styles, comments) is
left out, all else stays.
"""

import re
from html import escape
from html.parser import HTMLParser

from transforms.converters.cells import as_text, clean, fitted, quoted
from transforms.converters.context import ConverterContext
from transforms.errors import Hold
from transforms.record import Cell, Record

_HIDDEN = frozenset({"script", "style", "head", "title", "template"})
_VOID_HIDDEN = frozenset({"meta", "link", "base"})
_PARAGRAPH_TAGS = "p h1 h2 h3 h4 h5 h6 ul ol dl table blockquote pre section article"
_PARAGRAPHS = frozenset(_PARAGRAPH_TAGS.split())
_LINE_TAGS = (
    "div tr li dt dd header footer main aside nav figure figcaption address form fieldset center "
    "thead tbody tfoot caption body html"
)
_LINES = frozenset(_LINE_TAGS.split())
_BLANKS = re.compile(r"[ \t\n\r\f]+")
_LINK = re.compile(r"https?://[^\s<>\"']+[^\s<>\"'.,;:!?)\]]")


def html_to_text(context: ConverterContext) -> Cell:
    """HTML as text: a link keeps its address behind its words, a list its marks, a table its rows.

    Lines break where a browser breaks them; scripts and styles are left out, entities become their
    characters. Plain text comes out with its blanks joined.
    """
    get, limit = context.get, context.length
    default = quoted(context.default or "")

    def cell(record: Record) -> str:
        value = get(record)
        if value is None:
            return default
        made = clean(text_of(clean(as_text(value))))
        return fitted(made, limit) if made else default

    return cell


def text_to_html(context: ConverterContext) -> Cell:
    """Text as HTML that shows the same: characters of HTML escaped, line breaks kept, links made.

    `links: false` makes none.
    """
    get, limit = context.get, context.length
    links = bool(context.options.get("links", True))
    default = quoted(context.default or "")

    def cell(record: Record) -> str:
        value = get(record)
        if value is None:
            return default
        text = clean(as_text(value))
        if not text.strip():
            return default
        return fitted(_shown(text, links=links), limit)

    return cell


def text_of(html: str) -> str:
    """The text of a piece of HTML; raises `Hold` (bad-text) where the parser gives up."""
    reader = _Reader()
    try:
        reader.feed(html)
        reader.close()
    except (AssertionError, ValueError, RecursionError):
        raise Hold("bad-text") from None
    return reader.text()


def _shown(text: str, *, links: bool) -> str:
    made, at = [], 0
    for found in _LINK.finditer(text) if links else ():
        address = escape(found[0])
        made += [escape(text[at : found.start()]), f'<a href="{address}">{address}</a>']
        at = found.end()
    made.append(escape(text[at:]))
    # A run of blanks shows as one, and one at a line's start not at all, unless they are hard ones.
    lines = "".join(made).split("\n")
    return "<br>".join(re.sub(r"^ | (?= )", "&nbsp;", line) for line in lines)


class _Reader(HTMLParser):
    """Collects text. `_gap` is how many line ends are owed before the next word."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._made: list[str] = []
        self._gap = 0
        self._blank = False
        self._hidden: list[str] = []
        self._lists: list[int | None] = []
        self._links: list[tuple[str, int]] = []
        self._quotes = 0
        self._pre = 0
        self._first_cell = True

    def text(self) -> str:
        """What was read."""
        return "".join(self._made).strip("\n").rstrip()

    def parse_marked_section(self, i: int, report: int = 1) -> int:
        """`<![if mso]>` and whatever looks like it is no text, up to its bracket."""
        end = self.rawdata.find(">", i + 3)
        return end + 1 if end >= 0 else -1

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open a block, a list, a link; tags that mean nothing for text are passed over."""
        if tag in _HIDDEN:
            self._hidden.append(tag)
            return
        if tag == "body":
            self._hidden.clear()  # a head that was never closed
        if self._hidden or tag in _VOID_HIDDEN:
            return
        told = dict(attrs)
        if tag == "br":
            self._break()
        elif tag == "hr":
            self._owe(1)
            self._put("---")
            self._owe(1)
        elif tag == "img":
            self._words(told.get("alt") or "")
        elif tag == "a":
            self._links.append((told.get("href") or "", len(self._made)))
        elif tag in ("td", "th"):
            self._cell()
        else:
            self._open(tag)

    def _open(self, tag: str) -> None:
        if tag in _PARAGRAPHS:
            self._owe(1 if self._lists and tag in ("ul", "ol", "p") else 2)
        elif tag in _LINES:
            self._owe(1)
        if tag in ("ul", "ol"):
            self._lists.append(0 if tag == "ol" else None)
        elif tag == "li":
            self._item()
        elif tag == "tr":
            self._first_cell = True
        elif tag == "pre":
            self._pre += 1
        elif tag == "blockquote":
            self._quotes += 1

    def handle_endtag(self, tag: str) -> None:
        """Close what was opened; an end without a start does nothing."""
        if self._hidden:
            if tag in self._hidden:
                del self._hidden[self._hidden.index(tag) :]
            return
        if tag == "a" and self._links:
            self._address(*self._links.pop())
        if tag in ("ul", "ol") and self._lists:
            self._lists.pop()
        elif tag == "pre" and self._pre:
            self._pre -= 1
        if tag in _PARAGRAPHS:
            self._owe(1 if self._lists else 2)
        elif tag in _LINES:
            self._owe(1)
        if tag == "blockquote" and self._quotes:
            self._quotes -= 1

    def handle_data(self, data: str) -> None:
        """Words."""
        if self._hidden:
            return
        if not self._pre:
            self._words(data)
            return
        for number, line in enumerate(data.split("\n")):
            if number:
                self._break()
            if line:
                self._put(line)

    def _words(self, data: str) -> None:
        text = _BLANKS.sub(" ", data)
        if text.startswith(" "):
            self._blank = True
        words = text.strip(" ")
        if words:
            self._put(f" {words}" if self._blank and not self._gap and self._made else words)
            self._blank = text.endswith(" ")

    def _put(self, text: str) -> None:
        if self._gap and self._made:
            self._made.append("\n" * self._gap + "> " * self._quotes)
        elif self._quotes and not self._made:
            self._made.append("> " * self._quotes)
        self._gap, self._blank = 0, False
        self._made.append(text)

    def _owe(self, lines: int) -> None:
        self._gap = max(self._gap, lines)
        self._blank = False

    def _break(self) -> None:
        self._gap += 1
        self._blank = False

    def _cell(self) -> None:
        if not self._first_cell:
            self._put(" |")
            self._blank = True
        self._first_cell = False

    def _item(self) -> None:
        depth = max(len(self._lists) - 1, 0)
        mark = "- "
        if self._lists and self._lists[-1] is not None:
            number = self._lists[-1] + 1
            self._lists[-1] = number
            mark = f"{number}. "
        self._put("  " * depth + mark)

    def _address(self, href: str, at: int) -> None:
        shown = "".join(self._made[at:]).strip()
        address = href.removeprefix("mailto:").removeprefix("tel:").strip()
        if not address or address.startswith("#") or address in (shown, f"{shown}/"):
            return
        self._blank = bool(shown)
        self._words(f" ({address})" if shown else address)
