"""What do a file's bytes say? Text, or the reason why they are no source that a person wrote."""

import codecs
import re

_HEAD_BYTES = 8_000  # what git looks at to tell binaries
_HEAD_LINES = 10
_LONG_LINES = 500  # mean characters a line; above, nobody wrote them
_SHORT_TEXT = 2_000  # a text of fewer characters is never called minified
_TEXT_CONTROLS = b"\t\n\r\f\x08\x1b"
_CONTROLS = bytes({*range(32), 127} - set(_TEXT_CONTROLS))
_MARKER = re.compile(
    r"""^\W*(
        (code\s|file\s|source\s)?(auto-?|automatically\s)?generated\s(by|from|with|using)\b.*\bdo\snot\s(edit|modify|change)
        | (this\s(file|code|source|module|header)\s)(is|was|has\sbeen)\s(auto-?|automatically\s|@)generated\b
        | (auto-?|automatically\s)generated\b.{0,80}\bdo\snot\s(edit|modify|change)
        | (auto-?|automatically\s)generated\s(file|code|by|from)\b
        | generated\sby\sthe\sprotocol\sbuffer\scompiler
        | <auto-?generated\s*/?>
    ) | ^\s*(\#|//|/\*|\*|--|;|%|<!--|['"]{3}).*@generated\b""",
    re.IGNORECASE | re.VERBOSE | re.MULTILINE,
)


def decoded(data: bytes) -> str | None:
    """The text of a file: UTF-8, UTF-16 with its mark, else Latin-1; None where the bytes are no text."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        try:
            return data.decode("utf-16")
        except UnicodeDecodeError:
            return None
    head = data[:_HEAD_BYTES]
    if head.count(0) * 100 > len(head):
        return None
    try:
        return data.removeprefix(codecs.BOM_UTF8).decode("utf-8")
    except UnicodeDecodeError:
        controls = len(head) - len(head.translate(None, _CONTROLS))
        return None if controls * 100 > len(head) else data.decode("latin-1")


def made_by_machine(text: str) -> str | None:
    """Why nobody wrote `text` by hand; None where somebody did."""
    if len(text) > _SHORT_TEXT and len(text) > _LONG_LINES * (text.count("\n") + 1):
        return f"minified: its lines have more than {_LONG_LINES} characters on average"
    head = "\n".join(text[:_SHORT_TEXT].splitlines()[:_HEAD_LINES])
    return "generated, as its first lines say" if _MARKER.search(head) else None
