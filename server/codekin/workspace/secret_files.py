"""Recognise files that hold secrets: they are never indexed, whatever a setting or an ignore file says.

Most are recognised by name, ignoring case. A name like `secrets` is ambiguous: with an extension of data, settings or a
shell it means what it says; with a programming language's it may be a module *about* secrets (Python's `secrets.py`).
Then the text decides: a long literal assigned to the name of a password or key, or one that looks like a key. The texts
of other files are not searched for secrets.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

REASON = "may hold secrets"  # no message ever quotes the content
_MAX_HEAD_LENGTH = 4_096  # characters of a text's start

_SECRET_NAMES = frozenset(
    """
    .bashrc .bash_profile .bash_login .bash_logout .bash_aliases .profile .login .zshrc .zshenv .zprofile
    .zlogin .zlogout .kshrc .mkshrc .cshrc .tcshrc .xonshrc .xprofile .xsessionrc config.fish fish_variables
    .lesshst .viminfo .wget-hsts fish_history consolehost_history.txt
    .env .envrc .flaskenv
    .npmrc .yarnrc .yarnrc.yml .pypirc .netrc _netrc .curlrc .wgetrc .gemrc .condarc .hgrc pip.conf pip.ini auth.json
    settings-security.xml .terraformrc terraform.rc credentials.tfrc.json .dockercfg .dockerconfigjson
    .git-credentials .s3cfg .boto .rclone.conf rclone.conf .fetchmailrc .msmtprc .muttrc .mutt_certificates .mbsyncrc
    .my.cnf .mylogin.cnf .pgpass pgpass.conf .pg_service.conf .htpasswd htpasswd .htdigest .rhosts .smbcredentials
    .ftpconfig .ftppass .remote-sync.json sftp-config.json sftp.json sitemanager.xml recentservers.xml
    .vault-token .vault_pass .vault-pass vault.yml vault.yaml vault.json .sops.yaml
    kubeconfig kube.config admin.conf
    id_rsa id_dsa id_ecdsa id_ed25519 id_ecdsa_sk id_ed25519_sk id_xmss authorized_keys identity shadow gshadow
    master.key credentials.yml.enc secrets.yml.enc local.settings.json wp-config.php localsettings.php
    google-services.json googleservice-info.plist application_default_credentials.json
    client_secret.json client_secrets.json token.json tokens.json service-account.json service_account.json
    serviceaccount.json serviceaccountkey.json ngrok.yml .ngrok.yml
    """.split()  # noqa: SIM905 -- a table
)
_SECRET_PATHS = frozenset(
    """
    .docker/config.json .kube/config .gem/credentials .cargo/credentials.toml .m2/settings.xml .bundle/config
    gh/hosts.yml gcloud/credentials.db git/credentials pypoetry/auth.toml fish/config.fish
    """.split()  # noqa: SIM905 -- a table
)
_SECRET_FOLDERS = frozenset(
    [".ssh", ".gnupg", ".aws", ".azure", ".gcloud", ".oci", ".kube", ".password-store", ".secrets"]
)
_SECRET_ENDINGS = (
    *(
        ".tfvars",
        ".tfvars.json",
        ".tfstate",
        ".pem",
        ".key",
        ".p12",
        ".pfx",
        ".pkcs12",
        ".p8",
        ".ppk",
        ".jks",
        ".keystore",
    ),
    *(
        ".bks",
        ".kdbx",
        ".kdb",
        ".keytab",
        ".agekey",
        ".ovpn",
        ".gpg",
        ".kubeconfig",
        ".env",
        ".vault",
        ".mobileprovision",
    ),
    *("_profile.ps1", "_rsa", "_dsa", "_ecdsa", "_ed25519", ".yml.enc", ".yaml.enc", ".json.enc"),
)
_SHELL_EXTENSIONS = r"(?:sh|bash|zsh|ksh|fish|csh|ps1|bat|cmd|nu)"
_DATA_EXTENSIONS = (
    r"(?:ya?ml|json[5c]?|toml|ini|cfg|cnf|conf|config|properties|props|env|xml|plist|csv|txt|tf|tfvars|hcl|nix|sql|dhall|edn"
    r"|ron|hjson|jsonnet|libsonnet|enc|dat|db|exs|" + _SHELL_EXTENSIONS[3:-1] + ")"
)
_SUBJECT = r"(?:secrets?|credentials?|creds)"
_SECRET_NAME_PATTERNS = re.compile(
    rf"""
      \.env[._-].*                                  # .env.local; .env.example is no source
    | \..*_?history                                 # .bash_history, .psql_history
    | (?:[\w-]+\.|set[._-]?)?env(?:[._-](?:local|dev|prod|test|staging)\w*)?\.{_SHELL_EXTENSIONS} # env.sh, set-env.sh
    | kubeconfig(?:[_-][\w-]*)?(?:\.(?:ya?ml|json|conf|config|txt|bak|old|local|dev|prod))?
    | (?:.*[._-])?vault[._-]?pass(?:word)?(?:\..*)?
    | .*\.tfstate\..*
    | (?:.*[._-])?service[._-]?account(?:[._-].*)?\.json | .*firebase-adminsdk.*\.json | client_secret.*\.json
    | (?:.*[._-])?{_SUBJECT}(?:[._-].*)?\.{_DATA_EXTENSIONS}   # secrets.yml, application-secrets.yml, prod.secret.exs
    | {_SUBJECT} | \.{_SUBJECT}
    | (?:passwords?|passwd|api[._-]?keys?|private[._-]?keys?|access[._-]?keys?|tokens)(?:\.{_DATA_EXTENSIONS})?
    | id_(?:rsa|dsa|ecdsa|ed25519)(?:_sk)?(?:\.(?!pub$).*)?
    """,
    re.VERBOSE | re.DOTALL,
)
_AMBIGUOUS_STEM = re.compile(
    rf"(?:.*[._-])?(?:{_SUBJECT}|passwords?|api[._-]?keys?|private[._-]?keys?|access[._-]?keys?|tokens|keys)(?:[._-].*)?",
    re.DOTALL,
)
_PRIVATE_KEY = re.compile(r"\W{0,20}-----BEGIN (?:[A-Z0-9]+ ){0,4}PRIVATE KEY|PuTTY-User-Key-File-")
_SERVICE_ACCOUNT = re.compile(r"""["']type["']\s{0,9}:\s{0,9}["']service_account["']""")
_LITERAL_AT_LINE_END = re.compile(
    r"""(["'`])([^"'`\s]{6,500})\1[\s,;)}\]]{0,9}(?:(?:\#|//|--|/\*).*)?$"""
)  # a literal that ends a line
_ASSIGNMENT = re.compile(r"""(?:=>|:=|=|:|\bdefine\(\s*["']\w+["']\s*,|^\s*\#\s*define\s+\w+)\s*\w{0,2}$""")
_KEY_NAME = re.compile(
    r"passw|pwd|passphrase|secret|token|api_?key|access_?key|key_?id|private_?key|_key\b|\bkey\b|credential"
)
_PASSWORD_NAME = re.compile(r"passw|pwd|passphrase")
_KNOWN_KEY = re.compile(
    r"""["'`](?:AKIA[0-9A-Z]{12,}|[sprk]k_(?:live|test)_\w+|gh[pousr]_\w{20,}|glpat-[\w-]{10,}|xox[abps]-[\w-]{10,}"""
    r"""|AIza[\w-]{30,}|eyJ[\w-]{10,}\.[\w-]{10,}\.|-----BEGIN [A-Z ]{0,20}PRIVATE KEY)"""
)
_RANDOM_LITERAL = re.compile(r"(?=[^\d]*\d)(?=.*[A-Za-z])[A-Za-z0-9+/=]{24,}")
_HARMLESS_LITERAL = re.compile(
    r"[A-Za-z]+|[A-Za-z]+\d{0,2}(?:[_.:/-][A-Za-z]*\d{0,2})+|[A-Z][A-Z0-9_]*|.*[${<*%].*|[./~].*|https?://[^@]*"
)


@lru_cache(maxsize=4096)  # of hits, which come again
def has_secret_name(path: Path) -> bool:
    """Return whether the file's name or a folder of its path marks it as holding secrets; reads nothing."""
    name = path.name.lower()
    if name in _SECRET_NAMES or name.endswith(_SECRET_ENDINGS) or _SECRET_NAME_PATTERNS.fullmatch(name):
        return True
    folder = str(path.parent)
    return _is_secret_folder(folder) or f"{path.parent.name.lower()}/{name}" in _SECRET_PATHS


def holds_secrets(path: Path, text: str) -> bool:
    """Return whether the text of a file with a harmless or ambiguous name shows that it holds secrets."""
    text_start = text[:_MAX_HEAD_LENGTH]
    if _PRIVATE_KEY.match(text_start) or ("private_key" in text_start and _SERVICE_ACCOUNT.search(text_start)):
        return True
    file_stem = path.name.lower().partition(".")[0] if not path.name.startswith(".") else path.name.lower()
    return bool(_AMBIGUOUS_STEM.fullmatch(file_stem)) and any(map(_has_secret_literal, _split_long_lines(text)))


def _has_secret_literal(line: str) -> bool:
    """Return whether the line assigns a secret-looking literal to a name, or holds a known kind of key."""
    if _KNOWN_KEY.search(line):
        return True
    literal_match = _LITERAL_AT_LINE_END.search(line)
    if literal_match is None or not _ASSIGNMENT.search(assigned_name := line[: literal_match.start()]):
        return False
    literal, assigned_name = literal_match[2], assigned_name.lower()
    if not _KEY_NAME.search(assigned_name):
        return bool(_RANDOM_LITERAL.fullmatch(literal))
    if _HARMLESS_LITERAL.fullmatch(literal):  # another name, or a path: `TOKEN = "AWS_SESSION_TOKEN"`
        return bool(
            _PASSWORD_NAME.search(assigned_name) and literal.isalnum() and not _KEY_NAME.search(literal.lower())
        )
    return True


def _split_long_lines(text: str) -> Iterable[str]:
    """Return the text's lines, long ones in overlapping parts of up to 1,000 characters."""
    return (line[start : start + 1_000] for line in text.splitlines() for start in range(0, len(line), 900))


@lru_cache(maxsize=1_024)
def _is_secret_folder(folder: str) -> bool:
    """Return whether a folder on the path, such as `.ssh`, marks all in it as secret."""
    return not _SECRET_FOLDERS.isdisjoint(part.lower() for part in Path(folder).parts)
