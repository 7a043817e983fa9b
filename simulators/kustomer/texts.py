"""Texts for generated records: built-in phrases, or real dialogues and mails from a folder."""

import gzip
import json
from pathlib import Path
from random import Random

PHRASES = (
    "Where is my order? It was promised for Tuesday.",
    "Danke für die schnelle Antwort – die Größe passt leider nicht.",
    "注文した商品がまだ届きません。確認していただけますか?",
    "Мне пришёл не тот размер, как его обменять?",
    'She said "it arrived, broken", and then, nothing;\r\nsecond line, after a CRLF',
    "J'ai été facturé deux fois ; pouvez-vous vérifier ?",
    "أريد استرداد المبلغ من فضلك",
    "Thanks! 🎉🎉 All good now 👍🏽",
    "=SUM(A1:A9) looks odd, & so do <b>tags</b> and #N/A",
    "\tTabbed, comma, \"quoted\" and 'single'",
)
NAMES = (
    ("Ada", "Park"),
    ("Zoë", "Müller-Lüdenscheidt"),
    ("太郎", "山田"),
    ("Олександр", "Шевченко"),
    ("محمد", "العلي"),
    ("Søren", "Ångström"),
    ("José María", "García de la Torre"),
    ("Nguyễn Thị", "Minh Khai"),
    ("O'Brien", 'Seán "Red"'),
    ("Anna", "Kowalska"),
    ("Li", "Wei"),
    ("Priya", "Venkataraman"),
)
SUBJECTS = (
    "Order 12",
    "Rücksendung, bitte",
    'Re: "urgent": invoice #4711',
    "返品について",
    "Fwd: Fwd: 🎁 gift card",
    "",
)


class Texts:
    """A seeded source of bodies."""

    def __init__(self, random: Random, folder: Path | None) -> None:
        self._random = random
        self._bodies = list(PHRASES)
        if folder is not None:
            self._bodies.extend(_real(folder))

    def body(self) -> str:
        """One body; now and then several joined."""
        body = self._random.choice(self._bodies)
        if self._random.random() < 0.2:
            body += "\n\n" + self._random.choice(self._bodies)
        return body[:10_240] or "…"


def _real(folder: Path) -> list[str]:
    found: list[str] = []
    for name in ("dialogues.jsonl.gz", "emails.jsonl.gz"):
        path = folder / name
        if not path.exists():
            continue
        with gzip.open(path, "rt", encoding="utf-8") as file:
            for line in file:
                entry = json.loads(line)
                found.extend(turn["text"] for turn in entry.get("turns", ()))
                if entry.get("text"):
                    found.append(str(entry["text"]))
    return [text for text in found if text.strip()]
