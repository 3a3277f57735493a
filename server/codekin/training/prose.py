"""Turn comments and documentation into questions as people phrase them; "" where no English is left."""

import re
from random import Random

_TAG_LINE = re.compile(
    r"(?m)^\s*(?:[@\\](?!brief\b|link\b|code\b)[a-zA-Z]+\b|:\w+[^:\n]*:|#+ |"
    r"(?:Args|Arguments|Parameters|Params|Returns?|Raises|Throws|Yields|Examples?|Notes?|Usage|See Also|References|"
    r"Options|Attributes|Warnings?)\s*:?\s*$|-{3,}|={3,}|~{3,}|\*{3,}|>>> |```|\.\. )"
)
_INLINE_TAG = re.compile(r"\{@\w+\s+([^}]*)\}|</?[a-zA-Z][^<>]{0,80}>|``?([^`\n]*)``?|:\w+:`~?([^`]*)`|[@\\]brief\b")
_NOT_PROSE = re.compile(
    r"copyright|licen[cs]e|all rights reserved|\bgenerated\b|do not edit|auto-?generated|\bTODO\b|\bFIXME\b|\bXXX\b|"
    r"eslint|pylint|noqa|nolint|clang-format|@ts-|istanbul|type: ignore|pragma|http[s]?://\S+\s*$|inheritdoc|"
    r"deprecated|SPDX|coding[:=]",
    re.IGNORECASE,
)
_WORD = re.compile(r"[A-Za-z]{2,}")
_MAX_CHARS = 400
_LANGUAGE_NAMES = {"csharp": "C#", "cpp": "C++", "javascript": "JavaScript", "typescript": "TypeScript", "php": "PHP"}
_SQL = ("SQL", "MySQL", "PostgreSQL", "SQL Server", "Oracle", "T-SQL", "SQL query")
_CSHARP = ("C#", ".NET", "c sharp", "C# .NET")
_SPOKEN_LANGUAGES: dict[str, tuple[str, ...]] = {  # by language id and by label of code examples
    "sql": _SQL, "mysql": _SQL, "postgresql": _SQL, "csharp": _CSHARP, "cs": _CSHARP, "c#": _CSHARP,
    "python": ("Python", "python", "Python 3"), "py": ("Python",), "javascript": ("JavaScript", "node.js"),
    "js": ("JavaScript", "node.js"), "typescript": ("TypeScript",), "ts": ("TypeScript",), "c": ("C",),
    "cpp": ("C++",), "c++": ("C++",), "java": ("Java",), "go": ("Go", "golang"), "rust": ("Rust",), "ruby": ("Ruby",),
    "php": ("PHP",), "bash": ("bash", "shell"), "sh": ("bash", "shell"), "kotlin": ("Kotlin",), "lua": ("Lua",),
    "scala": ("Scala",), "swift": ("Swift",),
}  # fmt: skip
_CONTEXT_TEMPLATES = (
    "{} in {name}",
    "how to {} in {name}",
    "{name}: {}",
    "{name} {}",
    "{} with {name}",
    "{} using {name}",
    "{} {name}",
)
_QUESTION_TEMPLATES = (
    "Write a function to {}", "Write a {language} function to {}", "Write a function that {s}", "how to {}",
    "How do I {} in {language}?", "How to {} in {language}", "How can I {}?", "{} in {language}", "{language} {}",
    "function to {}", "Write {language} code to {}", "What is the best way to {}?", "{language}: {}", "code that {s}",
    "Is there a way to {} in {language}?", "Given the input, {}", "Create a function which {s}", "Implement {}",
)  # fmt: skip


def extract_summary(doc_comment: str) -> str:
    """Return a doc comment's first paragraph, without tags and markup, ≤ 400 characters; "" if short or not English."""
    first_tag = _TAG_LINE.search(doc_comment)
    text = doc_comment[: first_tag.start()] if first_tag else doc_comment
    paragraph = re.split(r"\n\s*\n|<p>", text.strip(), maxsplit=1)[0]
    return clean_prose(paragraph)


def clean_prose(text: str) -> str:
    """Return the text on one line, without markup, cut at a sentence within 400 characters; "" if not English."""
    plain_text = _INLINE_TAG.sub(lambda match: next((group for group in match.groups() if group), " "), text)
    plain_text = " ".join(plain_text.split())
    if len(plain_text) > _MAX_CHARS:
        sentence_end = plain_text.rfind(". ", 0, _MAX_CHARS)
        plain_text = plain_text[: sentence_end + 1] if sentence_end > 40 else plain_text[:_MAX_CHARS]
    return plain_text if _is_english(plain_text) else ""


def _is_english(text: str) -> bool:
    """Return whether the text has three words, 70% ASCII letters and blanks, and no notice such as a copyright."""
    if len(_WORD.findall(text)) < 3 or _NOT_PROSE.search(text):
        return False
    letter_count = sum(character.isascii() and (character.isalpha() or character == " ") for character in text)
    return letter_count >= 0.7 * len(text)


def to_question(summary: str, language: str, generator: Random) -> str:
    """Phrase a summary as a random question: "Returns the sum." may give "How do I return the sum in PHP?"."""
    first_word, _, remainder = summary.rstrip(" .").partition(" ")
    verb = first_word.lower()
    third_person = verb if verb.endswith("s") else verb + "s"
    base_form = verb[:-1] if verb.endswith("s") and not verb.endswith("ss") else verb
    template = generator.choice(_QUESTION_TEMPLATES)
    language_name = _LANGUAGE_NAMES.get(language, language)
    return (
        template.replace("{language}", language_name)
        .replace("{s}", f"{third_person} {remainder}")
        .replace("{}", f"{base_form} {remainder}")
    )


def add_context(question: str, language: str, package: str, generator: Random) -> str:
    """Return the question, reworded at random, with its language or package: "MySQL: sort rows"; else unchanged."""
    names = [*_SPOKEN_LANGUAGES.get(language.lower(), ()), *([package] if package else [])]
    if not names:
        return question
    context_name = generator.choice(names)
    plain_text = question.rstrip(" .:?")
    return (
        generator.choice(_CONTEXT_TEMPLATES)
        .replace("{name}", context_name)
        .replace("{}", plain_text[:1].lower() + plain_text[1:])
    )


def split_name(name: str) -> str:
    """Return the name's words in lower case: `getUserName` gives `get user name`; "" for a name of a single word."""
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name)
    spoken_name = " ".join(words).lower()
    return spoken_name if len(words) > 1 else ""
