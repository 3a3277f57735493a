"""A store of an earlier version: what is in it is found as in a new one, without reading any file again."""

from contextlib import closing
from pathlib import Path

import pytest

from codekin.storage import schema
from codekin.storage.integrity import find_damage
from codekin.storage.rows import put_file
from codekin.storage.store import Store

from .records import FILES, TEXTS, contents, record

FIRST_KEPT = 7  # the last version that took everything in again


@pytest.mark.parametrize("version", range(FIRST_KEPT, len(schema.STORE_MIGRATIONS)))
def test_an_earlier_store_answers_as_a_new_one(tmp_path: Path, version: int):
    records = [record(path, TEXTS[start:]) for start, path in enumerate(FILES[:3])]
    path = tmp_path / "earlier.sqlite"
    earlier = schema.open_database(path, schema.STORE_MIGRATIONS[:version])
    with closing(earlier), schema.transaction(earlier.connection):
        for file_record in records:
            put_file(earlier.connection, file_record)
    with closing(Store(path)) as migrated, closing(Store(tmp_path / "new.sqlite")) as new:
        new.replace_files(records)
        assert contents(migrated) == contents(new)
        assert migrated.document_frequency("alpha") == new.document_frequency("alpha") == 2
        for store in (migrated, new):
            store.replace_files([record(FILES[0], TEXTS[2:])])
            store.remove_files([FILES[2]])
        assert contents(migrated) == contents(new)
    assert find_damage(path) is None
