"""Tell which code is installed, so that no process of older code answers a command after an upgrade in place."""

import hashlib
import os
from pathlib import Path

_PACKAGE = Path(__file__).parents[1]


def fingerprint_code(package_folder: Path = _PACKAGE) -> str:
    """Return a hash of the names, sizes and times of codekin's modules on the disk, in 2 ms; "" during an upgrade."""
    try:
        modules = sorted(_list_modules(str(package_folder)))
    except OSError:
        return ""
    digest = hashlib.blake2b(digest_size=8)
    for module_path, size_bytes, mtime_ns in modules:
        digest.update(f"{module_path}\0{size_bytes}\0{mtime_ns}\0".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def _list_modules(package_folder: str) -> list[tuple[str, int, int]]:
    """Return path, size and time of change of each module in the package's folders. Raises OSError."""
    modules, folders = list[tuple[str, int, int]](), [package_folder]
    while folders:
        with os.scandir(folders.pop()) as entries:
            for folder_entry in entries:
                if folder_entry.name.endswith(".py"):
                    file_status = folder_entry.stat()
                    modules.append((folder_entry.path, file_status.st_size, file_status.st_mtime_ns))
                elif "." not in folder_entry.name and folder_entry.name != "__pycache__" and folder_entry.is_dir():
                    folders.append(folder_entry.path)
    return modules
