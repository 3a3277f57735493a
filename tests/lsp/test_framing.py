"""Bytes are divided into the same messages however they are cut, and whatever is no message ends the conversation."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codekin.lsp.framing import Frame, FrameReader, FramingError, to_frame

BODIES = st.lists(st.binary(max_size=60).map(lambda data: b"{" + data), max_size=6)
NAMES = st.sampled_from([b"Content-Length", b"content-length", b"CONTENT-LENGTH", b" Content-Length "])
BLANKS = st.sampled_from([b"", b" ", b"  ", b"\t"])
ENDS = st.sampled_from([b"\r\n", b"\n"])
OTHERS = st.lists(
    st.sampled_from([b"Content-Type: application/vscode-jsonrpc; charset=utf8", b"X-Trace: a:b", b"content-type:x"]),
    max_size=2,
)
BETWEEN = st.sampled_from([b"", b"", b"\r\n", b"\n \n", b"(welcome)\r\n", b'"}} '])


@st.composite
def streams(draw: st.DrawFn) -> tuple[list[bytes], list[bytes]]:
    """Bodies, and their messages with headers in every spelling, cut anywhere."""
    bodies, data = draw(BODIES), b""
    for body in bodies:
        length = draw(NAMES) + b":" + draw(BLANKS) + str(len(body)).encode() + draw(BLANKS)
        lines = draw(st.permutations([length, *draw(OTHERS)]))
        garbage = draw(BETWEEN) if lines[0] is length else b""
        data += garbage + b"".join(line + draw(ENDS) for line in lines) + draw(ENDS) + body
    cuts = sorted(draw(st.lists(st.integers(0, len(data)), max_size=12)))
    return bodies, [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]


@given(streams())
def test_messages_are_the_same_however_they_are_cut_and_spelled(stream: tuple[list[bytes], list[bytes]]) -> None:
    bodies, pieces = stream
    reader = FrameReader()
    assert [frame.body for piece in pieces for frame in reader.read_frames(piece)] == bodies
    reader.check_end()


@given(st.lists(st.binary(max_size=40), max_size=8))
def test_anything_else_gives_messages_or_an_error(pieces: list[bytes]) -> None:
    reader = FrameReader()
    try:
        for piece in pieces:
            assert all(isinstance(frame, Frame) for frame in reader.read_frames(piece))
        reader.check_end()
    except FramingError as error:
        assert str(error).endswith(".")


@pytest.mark.parametrize(
    "data",
    [
        b'{"jsonrpc": "2.0"}',  # no line ends here, so nobody can wait for one
        b"Content-Length: 5\r{",
        b"Content-Length: -5\r\n",
        b"Content-Length: +5\r\n",
        b"Content-Length: five\r\n",
        b"Content-Length:\r\n",
        b"Content-Length: 5.0\r\n",
        "Content-Length: ٥\r\n".encode(),
        b"Content-Length: 10000000000\r\n",
        b"Content-Length: " + b"9" * 5000 + b"\r\n",
        b"Content-Length: 5\r\nContent-Length: 6\r\n",
        b"Content-Type: application/vscode-jsonrpc\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"x" * 20_000,
        b"\n" * 20_000,
    ],
)
def test_what_can_never_become_a_message_is_refused_before_it_ends(data: bytes) -> None:
    with pytest.raises(FramingError):
        list(FrameReader().read_frames(data))


@pytest.mark.parametrize(
    "data", [b"Content-Length: 9\r\n\r\n{", b"Content-Length: 9\r\n", b"Content-Type: x\r\n", b"}"]
)
def test_an_end_within_a_message_is_an_error(data: bytes) -> None:
    reader = FrameReader()
    assert list(reader.read_frames(data)) == []
    with pytest.raises(FramingError, match="ended"):
        reader.check_end()


def test_a_length_that_is_too_large_is_refused_at_its_header() -> None:
    reader = FrameReader(100)
    assert [frame.body for frame in reader.read_frames(b"Content-Length: 100\n\n" + b"x" * 100)] == [b"x" * 100]
    with pytest.raises(FramingError, match="longer than 100 bytes"):
        list(reader.read_frames(b"Content-Length: 101\r\n"))


def test_the_charset_is_known_and_the_next_message_has_its_own() -> None:
    data = b'Content-Type: x; Charset="UTF-16LE"\r\nContent-Length: 1\r\n\r\na' + to_frame({})
    assert list(FrameReader().read_frames(data)) == [Frame(b"a", "utf-16le"), Frame(b"{}", "utf-8")]
