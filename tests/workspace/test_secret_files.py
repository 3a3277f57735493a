"""Files that are there to hold secrets are never indexed; modules about secrets are."""

import secrets
import token
from pathlib import Path

import pytest

from codekin.settings import IndexSettings
from codekin.types import Skipped
from codekin.workspace.secret_files import REASON, has_secret_name, holds_secrets
from codekin.workspace.workspace import Document, SourceFile, Workspace

SECRET_NAMES = """
.bashrc .BashRC .profile .zshrc .zshenv .bash_history .psql_history env.sh set-env.sh env.prod.sh prod.env.sh .env
.env.local a.env .envrc prod.tfvars x.auto.tfvars.json terraform.tfstate terraform.tfstate.backup secrets.yml
SECRETS.YML secrets.json secrets.toml secrets.env secrets.sh secrets.ini secrets.properties secrets.tf secrets
prod.secret.exs db-credentials.sh application-secrets.yml credentials credentials.json aws_credentials.ini
passwords.txt api_keys.json kubeconfig kubeconfig.yml prod.kubeconfig .kube/config .npmrc .netrc _netrc .pypirc
.git-credentials .pgpass .htpasswd .docker/config.json .aws/credentials .aws/tools/x.sh .ssh/config .SSH/a.py
my-service-account-1.json service_account.json a-firebase-adminsdk-x.json google-services.json
GoogleService-Info.plist id_rsa id_ed25519.old deploy_rsa a.pem a.key a.P12 a.pfx a.jks a.kdbx a.ppk vault.yml
.vault_pass master.key credentials.yml.enc
""".split()  # noqa: SIM905 -- a table
OTHER_NAMES = """
secrets.py secrets.go credentials.rb tokens.rs passwords.py keys.ts token.py env.py environment.sh test_env.sh
environment.py main.tf key.py monkey.py vault.go history.py password-reset.sh kubeconfig.go profile.py id_rsa.pub
a.crt config.json aws/a.py
""".split()  # noqa: SIM905 -- a table


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_kinds_that_hold_secrets_are_known_by_name(name: str) -> None:
    assert has_secret_name(Path("/w") / name)


@pytest.mark.parametrize("name", OTHER_NAMES)
def test_other_names_are_not(name: str) -> None:
    assert not has_secret_name(Path("/w") / name)


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("secrets.py", 'API_KEY = "abc123def456"'),
        ("secrets.py", "DB_PASSWORD = 'hunter2'"),
        ("secrets.py", "password: str = 'swordfish'  # ours"),
        ("secrets.py", 'STRIPE = "sk_live_abcdef"'),
        ("secrets.py", 'ANY = "wJalrXUtnFEMI/K7MDENGbPxRfiCY"'),
        ("my_credentials.py", '    "aws_secret": "wJalrXUtnFEMI/K7MDENG",'),
        ("secrets.go", 'const APIKey = "abc123xyz"'),
        ("secrets.ts", 'export const apiKey: string = "abcdef12345";'),
        ("secrets.js", "  clientSecret: `abcdef1234`,"),
        ("secrets.rb", "API_KEY => 'abcdef1',"),
        ("secrets.php", "define('DB_PASSWORD', 'abcdefg1');"),
        ("secrets.h", '#define API_KEY "abcdefg1"'),
        ("Secrets.java", '    static final String PASSWORD = "abcdefg1"; // prod'),
        ("secrets.rs", 'pub const TOKEN: &str = "abcdefg1";'),
        ("anything.c", "-----BEGIN RSA PRIVATE KEY-----"),
        ("anything.js", '{"type": "service_account", "private_key": "x"}'),
    ],
)
def test_ambiguous_ones_are_known_by_what_they_say(name: str, line: str) -> None:
    assert holds_secrets(Path("/w") / name, f"\n{line}\n" if name != "anything.c" else line)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("secrets.py", Path(secrets.__file__).read_text()),
        ("token.py", Path(token.__file__).read_text()),
        (
            "secrets.py",
            'def read(name):\n    token = os.environ["SECRET_TOKEN"]\n    raise KeyError("no such secret")\n',
        ),
        ("tokens.py", 'COMMENT_TOKEN = "comment"\nTOKEN_VARIABLE = "AWS_SESSION_TOKEN"\n'),
        ("credentials.ts", 'const passwordLabel = "Enter your password"\nconst passwordField = "password"\n'),
        ("keys.py", 'KEY_UP = "ArrowUp"\nkey = "${API_KEY}"\ntoken_url = "/oauth/token"\n'),
        ("app.py", 'API_KEY = "abc123def456"\n'),  # whose kind says nothing
        ("parse_pem.py", 'HEAD = "-----BEGIN RSA PRIVATE KEY-----"\n'),
    ],
)
def test_modules_about_secrets_are_source(name: str, text: str) -> None:
    assert not holds_secrets(Path("/w") / name, text)


@pytest.mark.parametrize(
    "text", ["a" * 500_000, "'" * 500_000, "key='" + "a" * 500_000, "-- " * 200_000, "#" * 500_000]
)
def test_no_text_makes_it_slow(text: str) -> None:
    assert not holds_secrets(Path("/w/secrets.py"), text)


def test_they_are_skipped_whatever_settings_and_ignore_files_say(tmp_path: Path) -> None:
    for name in ("env.sh", ".bashrc", "prod.tfvars", ".npmrc"):
        (tmp_path / name).write_text("export TOKEN=abc\n")
    (tmp_path / "secrets.py").write_text('TOKEN = "abcdef12345"\n')
    (tmp_path / "secrets.go").write_text("package secrets\n")
    (tmp_path / "ignored").mkdir()
    (tmp_path / "ignored" / "env.sh").write_text("")
    (tmp_path / ".gitignore").write_text("ignored/\n")
    (tmp_path / ".codekinignore").write_text("!env.sh\n")
    workspace = Workspace([tmp_path], IndexSettings(include=("env.sh", ".bashrc", "*.tfvars", "secrets.py")))
    skipped_files = {entry.path.name: entry for entry in workspace.walk()}
    skipped = {name: entry.reason for name, entry in skipped_files.items() if isinstance(entry, Skipped)}
    assert skipped == dict.fromkeys(("env.sh", ".bashrc", "prod.tfvars", ".npmrc"), REASON)
    assert isinstance(skipped_files["secrets.go"], SourceFile)
    for name in (*skipped, "secrets.py"):
        assert workspace.read_document(tmp_path / name) == Skipped(tmp_path / name, REASON)
    assert isinstance(workspace.read_document(tmp_path / "secrets.go"), Document)


def test_unsaved_ones_are_neither_read_nor_taken_in(tmp_path: Path) -> None:
    workspace = Workspace([tmp_path], IndexSettings())
    for name in ("env.sh", "secrets.py"):
        path = tmp_path / name
        workspace.open_overlay(path, 'export TOKEN="abcdef12345"\n')
        assert workspace.read_document(path) == Skipped(path, REASON)
        assert workspace.check_file(path) is None
