"""Reading what a deployment brings: a zip with `package.xml` and the files that it lists."""

import io
import zipfile
from dataclasses import dataclass, field
from xml.etree import ElementTree

NAMESPACE = "{http://soap.sforce.com/2006/04/metadata}"
MOST_FILES = 10_000
MOST_BYTES = 600_000_000
Element = ElementTree.Element


class PackageInvalid(Exception):
    """A package that cannot be worked on at all; its text says why."""


@dataclass(frozen=True)
class Package:
    """Members by type, those to be removed, and the files by path from the package's root."""

    version: str
    members: dict[str, list[str]]
    removed: dict[str, list[str]]
    files: dict[str, bytes] = field(repr=False)


def read_package(content: bytes) -> Package:
    """Read a zip; raises `PackageInvalid`."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = [each for each in archive.infolist() if not each.is_dir()]
            if len(entries) > MOST_FILES or sum(e.file_size for e in entries) > MOST_BYTES:
                raise PackageInvalid("LIMIT_EXCEEDED: the package is too large")
            files = {each.filename: archive.read(each) for each in entries}
    except zipfile.BadZipFile:
        raise PackageInvalid("INVALID_ZIP: the file is not a zip") from None
    manifest = min((name for name in files if _base(name) == "package.xml"), key=len, default=None)
    if manifest is None:
        raise PackageInvalid("No package.xml found")
    root = manifest.removesuffix("package.xml")
    inside = {name.removeprefix(root): body for name, body in files.items()}
    listed = parse(inside.pop("package.xml"), "package.xml")
    going = inside.pop("destructiveChanges.xml", None)
    return Package(
        version=text(listed, "version"),
        members=_members(listed),
        removed=_members(parse(going, "destructiveChanges.xml")) if going else {},
        files=inside,
    )


def parse(content: bytes, name: str) -> Element:
    """Read XML; raises `PackageInvalid`."""
    try:
        return ElementTree.fromstring(content)  # noqa: S314 - a test's own files, on loopback
    except ElementTree.ParseError as error:
        raise PackageInvalid(f"Error parsing file {name}: {error}") from None


def text(element: Element, name: str, default: str = "") -> str:
    """The text of a child; `default` when there is none."""
    return (element.findtext(NAMESPACE + name) or default).strip()


def children(element: Element, name: str) -> list[Element]:
    """The children of a name, in order."""
    return element.findall(NAMESPACE + name)


def flag(element: Element, name: str, *, default: bool = False) -> bool:
    """A child that says true or false."""
    return text(element, name, "true" if default else "false").lower() == "true"


def _members(listed: Element) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for types in children(listed, "types"):
        names = [(each.text or "").strip() for each in children(types, "members")]
        found.setdefault(text(types, "name"), []).extend(names)
    return found


def _base(name: str) -> str:
    return name.rpartition("/")[2]
