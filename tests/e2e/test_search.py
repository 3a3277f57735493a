"""codekin/search, and the command of the same name."""

from typing import Any

import pytest

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_what_the_code_does_finds_it(shop) -> None:
    answer = await shop.ask("codekin/search", {"query": "parse the cookies of a header"})
    best = answer["hits"][0]
    assert (best["name"], best["kinship"]) == ("parseCookieHeader", None)
    assert best["location"]["uri"] == shop.uri("web/cart.ts")
    assert best["selectionRange"]["start"] == {"line": 0, "character": len("export function ")}


async def test_words_in_another_language_find_it_too(shop) -> None:
    answer = await shop.ask("codekin/search", {"query": "wie lang ist der Rand"})
    assert shop.names(answer)[0] == "umfang_berechnen"


async def test_language_folder_and_limit_are_kept_to(shop) -> None:
    by_language = await shop.ask("codekin/search", {"query": "total", "language": "shellscript"})
    assert {hit["language"] for hit in by_language["hits"]} <= {"bash"}
    by_folder = await shop.ask("codekin/search", {"query": "total", "folder": str(shop.root / "shop")})
    assert by_folder["hits"]
    assert all(hit["location"]["uri"].startswith(shop.uri("shop")) for hit in by_folder["hits"])
    assert len((await shop.ask("codekin/search", {"query": "total", "limit": 1}))["hits"]) == 1


async def test_patterns_kinds_and_several_languages_are_kept_to(shop) -> None:
    scope = {"language": ["python", "typescript"], "paths": ["shop/", "web/"], "excludedPaths": ["invoices.py"]}
    answer = await shop.ask("codekin/search", {"query": "total", **scope, "kinds": ["function"], "tests": False})
    assert answer["hits"]
    assert {hit["kind"] for hit in answer["hits"]} == {"function"}
    assert not any("invoices" in hit["location"]["uri"] for hit in answer["hits"])


@pytest.mark.parametrize(
    ("scope", "remedy"),
    [({"kinds": ["klass"]}, "Name one of function"), ({"paths": 3}, "paths is '3', but must be a string, or an array")],
)
async def test_a_scope_that_cannot_be_kept_to_is_refused(shop, scope: dict[str, Any], remedy: str) -> None:
    with pytest.raises(Exception, match=remedy):
        await shop.ask("codekin/search", {"query": "total", **scope})


async def test_the_command_answers_as_the_request_does(shop) -> None:
    answer = await shop.ask("codekin/search", {"query": "dump the database"})
    assert shop.names(answer)[0] == "backup_database"
    assert (await shop.command("codekin.search", {"query": "dump the database"}))["hits"] == answer["hits"]


async def test_an_empty_question_has_no_answer(shop) -> None:
    assert (await shop.ask("codekin/search", {"query": "  "}))["hits"] == []


async def test_a_search_without_a_query_is_refused_with_the_remedy(shop) -> None:
    with pytest.raises(Exception, match=r'codekin.search takes \{"query"\}.*query is missing') as refused:
        await shop.ask("codekin/search", {"question": "?"})
    assert refused.value.code == -32602
