"""Follow the workspace's folders while the server runs."""

import logging
from pathlib import Path

from lsprotocol import types

from codekin.lsp.client import Client
from codekin.lsp.folders import NO_FOLDER_MESSAGE, find_repository, to_folder_paths
from codekin.lsp.handlers import Registry
from codekin.lsp.session import Session

logger = logging.getLogger(__name__)


def ensure_root(client: Client, session: Session, file_path: Path) -> None:
    """If no folder is open, look for the file's repository in a task, to use as root; until then let queries wait."""
    if not session.roots:
        session.await_roots()
        client.create_task(_use_repository(client, session, file_path))


async def _use_repository(client: Client, session: Session, file_path: Path) -> None:
    """Set the file's Git repository as the only root, if still none; show a message where it is in none."""
    repository = await session.run_in_opener(lambda: find_repository(file_path))
    if session.roots:
        return
    if repository is None:
        client.show_message_once(types.MessageType.Info, f"codekin: {NO_FOLDER_MESSAGE}")
    else:
        logger.info("no folder is open; %s is used, for %s is in it", repository, file_path.name)
    session.set_roots([repository] if repository else [])


def _did_change_folders(_: Client, session: Session, params: types.DidChangeWorkspaceFoldersParams) -> None:
    """Replace the roots by those that remain after the client removed and added folders; opens another engine."""
    removed_roots = set(to_folder_paths(params.event.removed))
    kept_roots = [root for root in session.roots if root not in removed_roots]
    added_roots = [root for root in to_folder_paths(params.event.added) if root not in kept_roots]
    session.set_roots(kept_roots + added_roots)


def register_feature(registry: Registry) -> None:
    """Register the handler of changed workspace folders."""
    registry.on_notification(types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS, _did_change_folders)
