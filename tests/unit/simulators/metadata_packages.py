"""Packages for deployments, as a person with the documentation at hand would write them."""

import io
import zipfile

XMLNS = 'xmlns="http://soap.sforce.com/2006/04/metadata"'
FIELD_ENDS = {
    "Text": "<length>24</length>",
    "LongTextArea": "<length>5000</length><visibleLines>3</visibleLines>",
    "Number": "<precision>6</precision><scale>2</scale>",
    "Checkbox": "<defaultValue>false</defaultValue>",
    "DateTime": "",
}


def zipped(files: dict[str, str]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return made.getvalue()


def manifest(**members: list[str]) -> str:
    types = "".join(
        "<types>"
        + "".join(f"<members>{name}</members>" for name in names)
        + f"<name>{kind}</name></types>"
        for kind, names in members.items()
    )
    return f"<Package {XMLNS}>{types}<version>62.0</version></Package>"


def field(name: str, kind: str = "Text", more: str = "") -> str:
    return (
        f"<fields><fullName>{name}</fullName><label>{name[:40]}</label><type>{kind}</type>"
        f"{FIELD_ENDS.get(kind, '')}{more}</fields>"
    )


def picklist(name: str, values: list[str], *, controller: str = "", settings: str = "") -> str:
    listed = "".join(
        f"<value><fullName>{v}</fullName><default>false</default><label>{v}</label></value>"
        for v in values
    )
    control = f"<controllingField>{controller}</controllingField>" if controller else ""
    inner = (
        f"<valueSet>{control}<restricted>true</restricted><valueSetDefinition><sorted>false</sorted>"
        f"{listed}</valueSetDefinition>{settings}</valueSet>"
    )
    return field(name, "Picklist", inner)


def case_fields(*fields: str) -> str:
    return f"<CustomObject {XMLNS}>{''.join(fields)}</CustomObject>"


def custom_object(label: str, *fields: str, sharing: str = "ReadWrite") -> str:
    return (
        f"<CustomObject {XMLNS}><deploymentStatus>Deployed</deploymentStatus><label>{label}</label>"
        f"<pluralLabel>{label}s</pluralLabel><nameField><label>Name</label><type>Text</type></nameField>"
        f"<sharingModel>{sharing}</sharingModel>{''.join(fields)}</CustomObject>"
    )


def permission_set(*fields: str, objects: tuple[str, ...] = (), editable: bool = True) -> str:
    shown = "".join(
        f"<fieldPermissions><editable>{str(editable).lower()}</editable><field>{each}</field>"
        "<readable>true</readable></fieldPermissions>"
        for each in fields
    )
    opened = "".join(
        "<objectPermissions><allowCreate>true</allowCreate><allowDelete>true</allowDelete>"
        "<allowEdit>true</allowEdit><allowRead>true</allowRead><modifyAllRecords>true</modifyAllRecords>"
        f"<object>{each}</object><viewAllRecords>true</viewAllRecords></objectPermissions>"
        for each in objects
    )
    return (
        f"<PermissionSet {XMLNS}><hasActivationRequired>false</hasActivationRequired>"
        f"<label>Ferry</label>{shown}{opened}</PermissionSet>"
    )
