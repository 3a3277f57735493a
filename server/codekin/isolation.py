"""Isolation from the current folder and the environment: no code is imported or run from either.

The current folder often is a workspace, and a workspace's `.env` may be in the environment. Python looks for modules
in both, and systems look there for programs. This module is imported before any other, so it imports none that the
interpreter has not loaded by then.
"""

import os
import sys

OWN_FOLDER = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

# Variables that make an interpreter, a shell or Git run code, or set where it looks for code.
_RUN_CODE = ("PYTHON", "GIT_", "NODE_OPTIONS", "NODE_PATH", "PERL5", "RUBYOPT", "RUBYLIB", "BASH_ENV")
# Folders that may be relative to the current folder, which differs in the processes started here.
_NAME_FOLDERS = (
    *("HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR"),
    *("HF_HOME", "HF_HUB_CACHE", "APT_CONFIG"),
)

_workspaces: set[str] = set()  # the folders given to distrust_folders()


def distrust_folders(folders: list[str]) -> None:
    """Treat these folders as workspaces from now on: `PYTHONPATH` entries inside them are not trusted."""
    _workspaces.update(_real(folder) for folder in folders)


def harden_process() -> None:
    """Remove untrusted folders from `sys.path`, and variables that run code from `os.environ`, for good."""
    sys.path[:] = import_folders()
    environment = clean_environment()
    for name in os.environ.keys() - environment.keys():
        del os.environ[name]
    os.environ.update(environment)


def import_folders() -> list[str]:
    """Return the entries of `sys.path`, in order, without the current folder and untrusted ones of `PYTHONPATH`.

    Not trusted are the current folder and what `PYTHONPATH` names, unless packages were installed there, outside the
    current folder and any workspace, as by `pip install --target` and a cluster's modules. The folder that codekin is
    installed in always is.
    """
    own_folder, current_folder = _real(OWN_FOLDER), _current_folder()
    foreign_folders = {current_folder, *_workspaces}
    entries = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    python_path = {_real(entry) for entry in entries if os.path.isabs(entry)}

    def is_trusted(entry: str) -> bool:
        """Return whether the entry is neither the current folder nor an untrusted entry of PYTHONPATH."""
        folder = _real(entry)
        if folder in python_path and folder != own_folder:
            is_foreign = folder in foreign_folders or any(
                _is_inside(folder, workspace) for workspace in foreign_folders
            )
            return not is_foreign and _has_packages(folder)
        return folder != current_folder or folder == own_folder

    return [entry for entry in sys.path if os.path.isabs(entry) and is_trusted(entry)]


def clean_environment() -> dict[str, str]:
    """Return a copy of the environment without variables that run code, and with absolute folders only."""
    environment = {name: value for name, value in os.environ.items() if not name.upper().startswith(_RUN_CODE)}
    for name in _NAME_FOLDERS:
        if environment.get(name, "~")[:1] not in ("", "~"):
            environment[name] = os.path.abspath(environment[name])
    environment["PATH"] = os.pathsep.join(program_folders())
    environment["NoDefaultCurrentDirectoryInExePath"] = "1"  # Windows looks for programs in the current folder first
    return environment


def program_folders() -> list[str]:
    """Return the absolute folders of `PATH` that are outside the current folder."""
    current_folder = _current_folder()
    folders = filter(os.path.isabs, os.environ.get("PATH", os.defpath).split(os.pathsep))
    return [
        folder
        for folder in folders
        if _real(folder) != current_folder and not _is_inside(_real(folder), current_folder)
    ]


def _has_packages(folder: str) -> bool:
    """Return whether packages were installed in the folder (a `.dist-info` is there); False if it can't be listed."""
    try:
        return any(name.endswith(".dist-info") for name in os.listdir(folder))
    except OSError:
        return False


def _current_folder() -> str:
    """Return the real path of the current folder; "" if it was removed."""
    try:
        return _real(os.curdir)
    except OSError:  # it was removed
        return ""


def _is_inside(folder: str, outer_folder: str) -> bool:
    """Return whether `folder` is below `outer_folder`; False where that is the whole disk, the whole home or ""."""
    if outer_folder in ("", os.path.dirname(outer_folder), _real(os.path.expanduser("~"))):
        return False
    return folder.startswith(outer_folder + os.sep)


def _real(path: str) -> str:
    """Return the path without links, in the case that paths are compared in."""
    return os.path.normcase(os.path.realpath(path))
