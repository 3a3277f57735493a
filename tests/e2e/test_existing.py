"""codekin/alreadyExists, and the command of the same name."""

import pytest

from ..shop import define_total

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_copy_under_another_name_exists_with_its_places(shop) -> None:
    code = define_total("bill", "rows", has_docstring=False)
    answer = await shop.ask("codekin/alreadyExists", {"code": code, "language": "python"})
    (function,) = answer["functions"]
    assert (function["name"], function["line"], function["verdict"]) == ("bill", 0, "yes")
    assert {hit["name"] for hit in function["matches"]} >= {"total_price", "invoice_total"}
    assert answer["coverage"] == 1
    assert await shop.command("codekin.alreadyExists", {"code": code, "language": "py"}) == answer


async def test_a_description_has_one_verdict(shop) -> None:
    answer = await shop.ask("codekin/alreadyExists", {"description": "parse the cookies of a header"})
    (function,) = answer["functions"]
    assert function["verdict"] in ("likely", "possible")
    assert function["matches"][0]["name"] == "parseCookieHeader"
    unknown = await shop.ask("codekin/alreadyExists", {"description": "invert a sparse matrix on a graphics card"})
    assert unknown["functions"][0]["verdict"] == "no"


async def test_a_question_without_code_is_refused_with_the_remedy(shop) -> None:
    with pytest.raises(Exception, match=r'codekin.alreadyExists takes \{"code"\}.*description is missing') as refused:
        await shop.ask("codekin/alreadyExists", {})
    assert refused.value.code == -32602
