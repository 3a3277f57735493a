"""Text that is not UTF-8 is read in the character set that it was written in, at a bounded cost."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codekin.workspace.documents import decode_text
from codekin.workspace.encodings import decode_legacy_text

CODE = "int get_users(int page) {{\n  return fetch(page); // {}\n}}\n"
COMMENTS = {
    "cp932": "ユーザーの一覧をページ番号から取得する",
    "euc_jp": "ユーザーの一覧をページ番号から取得する",
    "gb18030": "根据页码获取用户列表，如果出错则抛出异常",
    "big5": "根據頁碼取得使用者清單",
    "cp949": "페이지 번호로 사용자 목록을 가져온다",
    "cp1251": "Получить список пользователей по номеру страницы",
    "koi8_r": "Получить список пользователей по номеру страницы",
    "latin-1": "Größe der Straße überprüfen, vérifié à côté de l'élève",
}


@pytest.mark.parametrize(("encoding", "comment"), COMMENTS.items(), ids=list(COMMENTS))
def test_comments_are_read_as_they_were_written(encoding: str, comment: str) -> None:
    text = CODE.format(comment)
    assert decode_text(text.encode(encoding)) == text
    assert decode_text((CODE.format("ascii") * 2_000 + text).encode(encoding)) == CODE.format("ascii") * 2_000 + text


def test_a_few_letters_with_accents_are_latin_1() -> None:
    for text in ("// © 2004 Müller\nint a;\n", 's = "éèêë";\n'):
        assert decode_text(text.encode("latin-1")) == text


@given(st.binary(max_size=3_000))
def test_any_bytes_are_decoded(content: bytes) -> None:
    assert isinstance(decode_legacy_text(content), str)


def test_ascii_is_the_same_in_every_character_set() -> None:
    foreign = random.Random(0).randbytes(100_000).translate(None, bytes(range(128)))
    assert "int first_name;" in decode_legacy_text(foreign[:20_000] + b"\nint first_name;\n" + foreign[20_000:])
