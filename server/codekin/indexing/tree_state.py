"""What the disk was like when the store was last in step with it, so that a command need not walk an unchanged tree."""

from codekin import __version__
from codekin.settings import IndexSettings
from codekin.storage.store import Store
from codekin.workspace.repository import find_user_ignore_files
from codekin.workspace.tree_snapshot import TreeSnapshot, unpack_snapshot

_SNAPSHOT_KEY, _GENERATION_KEY, _IGNORE_FILES_KEY = "tree", "tree_generation", "tree_ignore_files"


def store_tree(store: Store, snapshot: TreeSnapshot) -> None:
    """Store the stamps of files and folders from a complete scan, with the generation, unless untrustworthy."""
    if snapshot.is_trustworthy:
        ignore_files = repr(find_user_ignore_files())
        generation = store.generation()
        store.set_meta({_SNAPSHOT_KEY: snapshot.pack(), _GENERATION_KEY: generation, _IGNORE_FILES_KEY: ignore_files})


def load_tree(store: Store, settings: IndexSettings) -> TreeSnapshot | None:
    """Return the stamps of files and folders that the last scan stored; None if store or rules have changed since.

    Raises StoreError. Any later change of the store, by whichever process, and other rules or another version make it
    unknown.
    """
    is_current = (
        store.get_meta(_GENERATION_KEY) == store.generation()
        and store.get_meta("codekin") == __version__
        and store.get_meta("rules") == repr(settings)
        and store.get_meta(_IGNORE_FILES_KEY) == repr(find_user_ignore_files())
        and not store.has_unread_files()
    )
    return unpack_snapshot(store.get_meta(_SNAPSHOT_KEY)) if is_current else None
