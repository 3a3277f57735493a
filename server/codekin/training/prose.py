"""Comments and documentation → what they say, as a person would ask for it; "" where nothing English is left."""

import re
from random import Random

_TAGGED = re.compile(
    r"(?m)^\s*(?:[@\\](?!brief\b|link\b|code\b)[a-zA-Z]+\b|:\w+[^:\n]*:|#+ |"
    r"(?:Args|Arguments|Parameters|Params|Returns?|Raises|Throws|Yields|Examples?|Notes?|Usage|See Also|References|"
    r"Options|Attributes|Warnings?)\s*:?\s*$|-{3,}|={3,}|~{3,}|\*{3,}|>>> |```|\.\. )"
)
_INLINE_TAG = re.compile(r"\{@\w+\s+([^}]*)\}|</?[a-zA-Z][^<>]{0,80}>|``?([^`\n]*)``?|:\w+:`~?([^`]*)`|[@\\]brief\b")
_NOISE = re.compile(
    r"copyright|licen[cs]e|all rights reserved|\bgenerated\b|do not edit|auto-?generated|\bTODO\b|\bFIXME\b|\bXXX\b|"
    r"eslint|pylint|noqa|nolint|clang-format|@ts-|istanbul|type: ignore|pragma|http[s]?://\S+\s*$|inheritdoc|"
    r"deprecated|SPDX|coding[:=]",
    re.IGNORECASE,
)
_WORD = re.compile(r"[A-Za-z]{2,}")
_MAX_CHARS = 400
_PEOPLE = {"csharp": "C#", "cpp": "C++", "javascript": "JavaScript", "typescript": "TypeScript", "php": "PHP"}
_SQL = ("SQL", "MySQL", "PostgreSQL", "SQL Server", "Oracle", "T-SQL", "SQL query")
_CSHARP = ("C#", ".NET", "c sharp", "C# .NET")
_SPOKEN: dict[str, tuple[str, ...]] = {  # what people call a language, by its id and by what stands beside examples
    "sql": _SQL, "mysql": _SQL, "postgresql": _SQL, "csharp": _CSHARP, "cs": _CSHARP, "c#": _CSHARP,
    "python": ("Python", "python", "Python 3"), "py": ("Python",), "javascript": ("JavaScript", "node.js"),
    "js": ("JavaScript", "node.js"), "typescript": ("TypeScript",), "ts": ("TypeScript",), "c": ("C",),
    "cpp": ("C++",), "c++": ("C++",), "java": ("Java",), "go": ("Go", "golang"), "rust": ("Rust",), "ruby": ("Ruby",),
    "php": ("PHP",), "bash": ("bash", "shell"), "sh": ("bash", "shell"), "kotlin": ("Kotlin",), "lua": ("Lua",),
    "scala": ("Scala",), "swift": ("Swift",),
}  # fmt: skip
_PLACED = (
    "{} in {name}",
    "how to {} in {name}",
    "{name}: {}",
    "{name} {}",
    "{} with {name}",
    "{} using {name}",
    "{} {name}",
)
_TEMPLATES = (
    "Write a function to {}", "Write a {language} function to {}", "Write a function that {s}", "how to {}",
    "How do I {} in {language}?", "How to {} in {language}", "How can I {}?", "{} in {language}", "{language} {}",
    "function to {}", "Write {language} code to {}", "What is the best way to {}?", "{language}: {}", "code that {s}",
    "Is there a way to {} in {language}?", "Given the input, {}", "Create a function which {s}", "Implement {}",
)  # fmt: skip


def extract_summary(doc: str) -> str:
    """The first paragraph before any tag, without markup; "" when it is too short, a notice or not English."""
    tag = _TAGGED.search(doc)
    text = doc[: tag.start()] if tag else doc
    paragraph = re.split(r"\n\s*\n|<p>", text.strip(), maxsplit=1)[0]
    return clean_prose(paragraph)


def clean_prose(text: str) -> str:
    """The text on one line, at most 400 characters, cut at a sentence; "" when it is noise."""
    plain = _INLINE_TAG.sub(lambda m: next((group for group in m.groups() if group), " "), text)
    plain = " ".join(plain.split())
    if len(plain) > _MAX_CHARS:
        end = plain.rfind(". ", 0, _MAX_CHARS)
        plain = plain[: end + 1] if end > 40 else plain[:_MAX_CHARS]
    return plain if _is_english(plain) else ""


def _is_english(text: str) -> bool:
    if len(_WORD.findall(text)) < 3 or _NOISE.search(text):
        return False
    letters = sum(letter.isascii() and (letter.isalpha() or letter == " ") for letter in text)
    return letters >= 0.7 * len(text)


def to_question(text: str, language: str, random: Random) -> str:
    """A summary in the words in which people ask: "Returns the sum." → "How do I return the sum in PHP?"."""
    first, _, rest = text.rstrip(" .").partition(" ")
    verb = first.lower()
    third = verb if verb.endswith("s") else verb + "s"
    base = verb[:-1] if verb.endswith("s") and not verb.endswith("ss") else verb
    template = random.choice(_TEMPLATES)
    person = _PEOPLE.get(language, language)
    return template.replace("{language}", person).replace("{s}", f"{third} {rest}").replace("{}", f"{base} {rest}")


def add_context(text: str, language: str, package: str, random: Random) -> str:
    """A question that says what it is about besides: "Sort rows" → "Sort rows in MySQL", "how to sort rows pandas"."""
    names = [*_SPOKEN.get(language.lower(), ()), *([package] if package else [])]
    if not names:
        return text
    name = random.choice(names)
    plain = text.rstrip(" .:?")
    return random.choice(_PLACED).replace("{name}", name).replace("{}", plain[:1].lower() + plain[1:])


def split_name(name: str) -> str:
    """`getUserName` → get user name; "" for a name of a single word."""
    parts = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name)
    text = " ".join(parts).lower()
    return text if len(parts) > 1 else ""
