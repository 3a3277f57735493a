"""Show answers by standard messages, in clients that do nothing with a command's result."""

from lsprotocol.types import MessageType

from codekin.lsp.client import Client
from codekin.lsp.documents import Documents
from codekin.lsp.locations import format_hit, to_hit_name_range, to_location
from codekin.printable import printable
from codekin.types import Answer

_MAX_LISTED_HITS = 10


async def show_answer(client: Client, documents: Documents, answer: Answer, result_word: str) -> None:
    """Have the client open the best hit, or else list up to ten hits in a message; a message says if there is none."""
    coverage_note = "" if answer.coverage >= 1 else f" ({answer.coverage:.0%} of the workspace is indexed so far)"
    if not answer.hits:
        client.show_message(MessageType.Info, f"codekin: nothing {result_word}{coverage_note}.")
        return
    best_hit = answer.hits[0]
    document_uri, name_range = to_location(best_hit, documents).uri, to_hit_name_range(best_hit, documents)
    if await client.show_document(document_uri, name_range):
        return
    heading = f"codekin: {len(answer.hits)} {result_word}{coverage_note}"
    hit_lines = [f"{format_hit(hit, documents)}: {printable(hit.why)}" for hit in answer.hits[:_MAX_LISTED_HITS]]
    client.show_message(MessageType.Info, "\n".join([heading, *hit_lines]))
