"""Unsound files set aside and made again, wherever they are met."""

import logging
from collections.abc import Callable
from typing import TypeVar

from codekin.errors import StoreCorruptError, StoreLostError
from codekin.storage.store_files import set_aside

T = TypeVar("T")

log = logging.getLogger(__name__)

_TRIES = 3  # both files may be unsound; what is so again and again has another cause


def with_repair(work: Callable[[], T], repair: Callable[[StoreCorruptError], None] = set_aside) -> T:
    """Return what `work` does. When it meets an unsound file, that is set aside first, and all of it done again.

    So it is when a file is lost meanwhile. Raises what `work` raises otherwise, or in the last of three attempts.
    """
    for _ in range(_TRIES - 1):
        try:
            return work()
        except StoreCorruptError as error:
            log.warning("%s", error)
            repair(error)
        except StoreLostError as error:
            log.warning("%s", error)
    return work()
