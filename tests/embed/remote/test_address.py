"""Addresses of model servers: what is none is refused, and a password in one is not told."""

from pathlib import Path

import pytest

from codekin.embed.factory import connect_heavy_model
from codekin.errors import ModelError
from codekin.settings import ModelSettings


@pytest.mark.parametrize(
    "url",
    [
        *("localhost:8080", "file:///etc/passwd", "http://", "ftp://host/v1", "http://[::1/v1", "http://h:99999/v1"),
        *(
            "http://h:x/v1",
            "http://h/v 1",
            "http://h/ö",
            "http://h/v1\nX: y",
            "http://h/v1?key=1",
            "http://h/v1#a",
            "http://a..b/v1",
        ),
    ],
)
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ModelError, match="Write http"):
        connect_heavy_model(ModelSettings("m", endpoint=url), Path(), None)


def test_a_password_in_the_address_is_refused_and_not_told() -> None:
    with pytest.raises(ModelError, match="CODEKIN_ENDPOINT_KEY") as raised:
        connect_heavy_model(ModelSettings("m", endpoint="http://me:secret@localhost:1/v1"), Path(), None)
    assert "secret" not in str(raised.value)
