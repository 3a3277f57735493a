"""A language pack that makes VS Code German, without a translation of VS Code itself."""

import json
from pathlib import Path

_IDENTIFIER = {"id": "codekin-tests.language-pack-de"}


def install_language_pack(user_data: Path) -> None:
    """Install a German language pack for `--locale de`: a file of texts, and the list in which VS Code finds it."""
    texts = user_data / "main.i18n.json"
    texts.write_text(json.dumps({"version": "1.0.0", "contents": {}}))
    extension = {"extensionIdentifier": _IDENTIFIER, "version": "1.0.0"}
    pack = {"hash": "0", "extensions": [extension], "translations": {"vscode": str(texts)}, "label": "Deutsch"}
    (user_data / "languagepacks.json").write_text(json.dumps({"de": pack}))
