"""Check the address of an endpoint."""

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

from codekin.errors import ModelError

VISIBLE_ASCII = re.compile(r"[!-~]*")


def parse_address(endpoint: str) -> SplitResult:
    """Return the parsed URL. Raises ModelError if it is invalid, or has a user, a password, a query or a fragment."""
    try:
        address = urlsplit(endpoint.strip())
        is_host = bool((address.hostname or "").encode("idna")) and address.port != 0
        is_url = address.scheme in ("http", "https") and is_host
    except ValueError:  # unclosed brackets, an invalid port or name
        is_url = False
    if is_url and "@" in address.netloc:  # the message must not quote it
        raise ModelError("model.endpoint contains a password. Remove it and set CODEKIN_ENDPOINT_KEY instead.")
    if not is_url or address.query or address.fragment or not VISIBLE_ASCII.fullmatch(address.geturl()):
        raise ModelError(f'model.endpoint is "{endpoint}". Write http://HOST:PORT/v1, or https.')
    return address


def is_this_machine(hostname: str) -> bool:
    """Return whether the host name or address is this machine's own: localhost or loopback."""
    try:
        return ipaddress.ip_address(hostname).is_loopback
    except ValueError:
        return hostname == "localhost" or hostname.endswith(".localhost")
