"""What is ingested comes into the store as the file is now, whatever happened to either meanwhile."""

from contextlib import closing
from pathlib import Path

from codekin.embed.embedder import load_embedder
from codekin.indexing.ingest import Ingester, write_ingested
from codekin.settings import ModelSettings
from codekin.storage.store import Store
from codekin.storage.vector_store import VectorStore
from codekin.workspace.workspace import Workspace

from .indexes import index_paths, index_tree


def test_a_file_that_is_ingested_again_and_unreadable_by_then_is_removed_and_told(tmp_path: Path):
    (tmp_path / "w").mkdir()
    root = (tmp_path / "w").resolve()
    changed_path, twin_path = root / "changed.py", root / "twin.py"
    changed_path.write_text("def old_name(a):\n    return a + 1\n")
    twin_path.write_text("def shared(a):\n    return a - 1\n")
    where = index_paths(root, tmp_path / "cache")
    index_tree(root, tmp_path / "cache")
    with closing(Store(where.store)) as store, closing(VectorStore(where.vectors)) as vectors:
        workspace = Workspace(where.roots, where.settings.index)
        ingester = Ingester(workspace, store, vectors, load_embedder(ModelSettings()))
        changed_path.write_text(twin_path.read_text())
        ingested = ingester.ingest_files([changed_path])  # refers to the twin's content, which the store has
        store.remove_files([twin_path])
        changed_path.write_bytes(b"\0" * 100)
        written = write_ingested(store, ingester, ingested)
        assert [skipped.path for skipped in written.skipped] == [changed_path]
        assert store.file_states() == {}
