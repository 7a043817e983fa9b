"""Cuts a long text into parts that fit a field measured in bytes."""


def split_text(text: str, limit: int) -> list[str]:
    """Cut text into parts of at most `limit` UTF-8 bytes, each headed `(1/3) `.

    No character is lost. Cuts fall after white space where the last fifth of a part has any, never
    inside a character. A text that fits is returned whole, without a head.
    """
    data = text.encode()
    if len(data) <= limit:
        return [text]
    head = len("(1/1) ")
    while True:
        pieces = _pieces(data, limit - head)
        needed = len(f"({len(pieces)}/{len(pieces)}) ")
        if needed <= head:
            break
        head = needed
    return [f"({number}/{len(pieces)}) {piece}" for number, piece in enumerate(pieces, 1)]


def _pieces(data: bytes, limit: int) -> list[str]:
    pieces = []
    start = 0
    while start < len(data):
        end = _cut(data, start, limit)
        pieces.append(data[start:end].decode())
        start = end
    return pieces


def _cut(data: bytes, start: int, limit: int) -> int:
    end = start + limit
    if end >= len(data):
        return len(data)
    while data[end] & 0xC0 == 0x80:
        end -= 1
    space = max(data.rfind(b" ", start, end), data.rfind(b"\n", start, end))
    return space + 1 if space + 1 > start + limit * 4 // 5 else end
