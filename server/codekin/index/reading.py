"""The former place and name of `read_document_file`, which scripts outside this repository import; none of our own."""

from codekin.workspace.documents import read_document_file as on_disk

__all__ = ["on_disk"]
