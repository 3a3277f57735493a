"""What is decoded can be encoded, walked and said back; what can't is refused with a reason."""

import json

import pytest
from pygls.exceptions import JsonRpcParseError

from codekin.lsp.decoding import decode_frame
from codekin.lsp.framing import Frame


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"{this is no JSON", b"{} {}", b'{"a": NaN}', b"-Infinity", b'"\xff"', b'"\xed\xa0\x80"', b"\0{}"],
)
def test_what_is_no_json_is_refused(body: bytes) -> None:
    with pytest.raises(JsonRpcParseError) as refused:
        decode_frame(Frame(body))
    assert refused.value.code == -32700


@pytest.mark.parametrize("depth", [101, 5_000, 1_000_000])
def test_what_is_nested_too_deeply_is_refused(depth: int) -> None:
    with pytest.raises(JsonRpcParseError, match="nested too deeply"):
        decode_frame(Frame(nested(depth)))
    assert json.dumps(decode_frame(Frame(nested(100)))) == nested(100).decode()


def test_another_charset_is_refused() -> None:
    assert decode_frame(Frame(b"{}", "utf8")) == {}
    with pytest.raises(JsonRpcParseError, match="UTF-8, not in utf-16"):
        decode_frame(Frame("{}".encode("utf-16"), "utf-16"))


def test_lone_surrogates_become_as_wide_and_pairs_and_ids_stay() -> None:
    text = decode_frame(Frame(rb'{"id": "\ud800", "text": "a\ud800b\udc00\ud83d\ude00\u0000", "\udfff": 1}'))
    assert text == {"id": "\ud800", "text": "a\ufffdb\ufffd😀\0", "\ufffd": 1}


def test_numbers_are_finite_and_the_last_of_equal_keys_counts() -> None:
    value = decode_frame(Frame(b'{"a": 1e999, "b": -1e999, "c": 1, "c": 2, "d": 123456789012345678901234567890}'))
    assert value == {
        "a": 1.7976931348623157e308,
        "b": -1.7976931348623157e308,
        "c": 2,
        "d": 123456789012345678901234567890,
    }
    with pytest.raises(JsonRpcParseError, match="not JSON"):
        decode_frame(Frame(b"1" * 5000))


def test_a_byte_order_mark_is_no_part_of_a_message() -> None:
    assert decode_frame(Frame(b"\xef\xbb\xbf{}")) == {}
