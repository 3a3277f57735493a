"""Check an address to which a token is sent."""

from urllib.parse import SplitResult, urlsplit

from codekin.embed.remote.address import is_this_machine
from codekin.errors import TeamError


def parse_address(url: str, name: str, example: str) -> SplitResult:
    """Return the parsed http(s) address to which a token will be sent; raise TeamError for an unsafe one, or none.

    Raises TeamError, with `example`, where it is none, or where others could read a token on its way there.
    """
    try:
        address = urlsplit(url.strip().rstrip("/"))
        is_sound = address.scheme in ("http", "https") and bool(address.hostname) and address.port != 0
    except ValueError:
        is_sound = False
    if not is_sound or "@" in address.netloc or address.query or address.fragment:
        raise TeamError(f"{name} is no address. Write {example}.")
    if address.scheme == "http" and not is_this_machine(address.hostname or ""):
        raise TeamError(f"{name} begins with http://, and anybody could read the token on its way. Use https.")
    return address
