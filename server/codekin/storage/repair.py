"""Repeats work after setting a corrupt file of the index aside."""

import logging
from collections.abc import Callable
from typing import TypeVar

from codekin.errors import StoreCorruptError, StoreLostError
from codekin.storage.store_files import set_aside

T = TypeVar("T")

logger = logging.getLogger(__name__)

_MAX_ATTEMPTS = 3  # both files may be corrupt; a third error has another cause


def with_repair(work: Callable[[], T], repair: Callable[[StoreCorruptError], None] = set_aside) -> T:
    """Return the result of `work`, begun anew up to twice if a file is corrupt (then `repair` is called) or lost.

    Other errors of `work`, and those of the third attempt, are raised.
    """
    for _ in range(_MAX_ATTEMPTS - 1):
        try:
            return work()
        except StoreCorruptError as error:
            logger.warning("%s", error)
            repair(error)
        except StoreLostError as error:
            logger.warning("%s", error)
    return work()
