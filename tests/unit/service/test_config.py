"""The config file: defaults, faults with their lines, secrets by reference only."""

from pathlib import Path

import pytest

from service.config import Config
from service.config_load import load_config
from service.config_parts import Secret
from service.errors import ConfigInvalid, SecretMissing

SMALLEST = """\
kustomer:
  base_url: https://acme.api.kustomerapp.com
  api_key: env:KUSTOMER_API_KEY
salesforce:
  client_id: env:CLIENT_ID
  client_secret: file:/run/secrets/client
  org_id: 00D5f000000Dsk1EAC
"""
NO_ORG_ID = "must be an org id: 00D and 15 or 18 characters in all."


def read(folder: Path, text: str) -> Config:
    path = folder / "deskferry.yaml"
    path.write_text(text, encoding="utf-8")
    return load_config(path)


def faults(folder: Path, text: str) -> list[str]:
    with pytest.raises(ConfigInvalid) as caught:
        read(folder, text)
    return caught.value.message.split("\n")


def test_two_addresses_the_secrets_and_the_org_id_are_enough(tmp_path: Path) -> None:
    config = read(tmp_path, SMALLEST)
    assert config.kustomer.rate_share == 0.7
    assert config.salesforce.login_url == "https://login.salesforce.com"
    assert config.delta.lag_seconds == 120


def test_the_workspace_is_relative_to_the_config_file(tmp_path: Path) -> None:
    assert read(tmp_path, SMALLEST + "workspace: ./here\n").workspace == tmp_path / "here"
    assert read(tmp_path, SMALLEST + "workspace: /there\n").workspace == Path("/there")


def test_every_fault_is_named_at_once_in_the_order_of_its_lines(tmp_path: Path) -> None:
    text = """\
kustomer:
  base_url: http://acme.example
  api_key: env:A
  rate_share: 7
  conections: 3
salesforce:
  auth: jwt_bearer
  client_id: env:X
  api_version: 62.0
  org_id: 00Dabc
  lanes: 2.5
  jwt:
    usrname: a
    private_key: file:/x
lgo: 1
"""
    assert faults(tmp_path, text) == [
        "deskferry.yaml:2: kustomer.base_url must be https; plain http is for this machine only.",
        "deskferry.yaml:4: kustomer.rate_share must be a number between 0.05 and 1 (is 7).",
        "deskferry.yaml:5: kustomer.conections is no setting; did you mean connections?",
        "deskferry.yaml:9: salesforce.api_version must be a text; put it in quotes.",
        f"deskferry.yaml:10: salesforce.org_id {NO_ORG_ID}",
        "deskferry.yaml:11: salesforce.lanes must be a whole number between 1 and 16 (is 2.5).",
        "deskferry.yaml:12: salesforce.jwt.username is missing.",
        "deskferry.yaml:13: salesforce.jwt.usrname is no setting; did you mean username?",
        "deskferry.yaml:15: lgo is no setting; did you mean log?",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "kustomer:\n  api_key: s3cret\n  api_key: s3cret-too\n",
        "kustomer:\n  api_key: *s3cret\n",
        "kustomer:\n  api_key: !s3cret {s3cret: 1}\n",
        "kustomer:\n  api_key: s3cret\n",
        "kustomer:\n  api_key: [s3cret]\n",
        "kustomer:\n  rate_share: s3cret\n",
        "salesforce:\n  auth: s3cret\n  org_id: s3cret\n  api_version: s3cret\n",
        "log:\n  level: s3cret\n",
        "kustomer:\n  api_key: 's3cret\n",
        "kustomer: s3cret\n",
    ],
)
def test_no_fault_repeats_a_text_that_may_be_a_secret(tmp_path: Path, text: str) -> None:
    assert "s3cret" not in "\n".join(faults(tmp_path, text))


@pytest.mark.parametrize("text", ["", "- a\n", "a: \x01\n", "a: 2024-99-99\n", "a: [\n"])
def test_what_is_no_settings_file_is_said_in_one_line(tmp_path: Path, text: str) -> None:
    (fault,) = faults(tmp_path, text)
    assert fault.startswith("deskferry.yaml:")


def test_a_missing_file_and_a_folder_are_config_errors(tmp_path: Path) -> None:
    for path in (tmp_path / "nope.yaml", tmp_path):
        with pytest.raises(ConfigInvalid):
            load_config(path)


@pytest.mark.parametrize(
    ("address", "fine"),
    [
        ("http://127.0.0.1:8080", True),
        ("http://localhost:1", True),
        ("http://[::1]:1", True),
        ("http://127.0.0.1.evil.example", False),
        ("http://10.0.0.1", False),
        ("https://user@acme.example", False),
        ("https://acme.example/v1", False),
        ("ftp://acme.example", False),
    ],
)
def test_plain_http_is_for_this_machine_and_an_address_is_a_host_alone(
    tmp_path: Path, address: str, fine: bool
) -> None:
    text = SMALLEST.replace("https://acme.api.kustomerapp.com", f'"{address}"')
    if fine:
        assert read(tmp_path, text).kustomer.base_url == address
    else:
        assert "kustomer.base_url" in faults(tmp_path, text)[0]


def test_each_way_to_sign_in_names_what_it_needs(tmp_path: Path) -> None:
    text = SMALLEST.replace("  client_secret: file:/run/secrets/client\n", "")
    assert "needs client_secret" in faults(tmp_path, text)[0]
    assert "needs jwt.username" in faults(tmp_path, f"{text}  auth: jwt_bearer\n")[0]


def test_a_secret_is_read_when_it_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "key").write_text("from-file\n", encoding="utf-8")
    monkeypatch.setenv("K", "from-environment")
    assert read(tmp_path, SMALLEST.replace("KUSTOMER_API_KEY", "K")).kustomer.api_key.resolve() == (
        "from-environment"
    )
    assert Secret(f"file:{tmp_path / 'key'}").resolve() == "from-file"
    for reference in ("env:DESKFERRY_NOT_SET", f"file:{tmp_path / 'none'}"):
        with pytest.raises(SecretMissing, match="is not there"):
            Secret(reference).resolve()


def test_the_fingerprint_follows_the_orgs_and_not_the_pace(tmp_path: Path) -> None:
    one = read(tmp_path, SMALLEST)
    assert read(tmp_path, SMALLEST + "queue_mb: 99\n").fingerprint() == one.fingerprint()
    short = SMALLEST.replace("00D5f000000Dsk1EAC", "00D5f000000Dsk1")
    assert read(tmp_path, short).fingerprint() == one.fingerprint()
    other = SMALLEST.replace("acme", "other")
    assert read(tmp_path, other).fingerprint() != one.fingerprint()


def test_every_setting_says_what_it_means() -> None:
    schema = Config.model_json_schema()
    for section in (schema, *schema["$defs"].values()):
        for name, setting in section["properties"].items():
            assert "$ref" in setting or setting.get("description") or "anyOf" in setting, name
