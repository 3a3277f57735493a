"""Answer codekin/alreadyExists: is this code, or what a description asks for, in the workspace already?"""

from functools import partial
from typing import TYPE_CHECKING

from codekin.lsp.locations import to_hit_json
from codekin.lsp.messages import ExistenceAnswerJson, ExistenceJson
from codekin.lsp.request_params import AlreadyExistsParams
from codekin.lsp.scheduler import Priority
from codekin.lsp.session import Session
from codekin.printable import printable
from codekin.types import Cancel, Filter

if TYPE_CHECKING:
    from codekin.engine import Engine
    from codekin.lsp.documents import Documents
    from codekin.search.existing import Existence


async def find_existing(session: Session, params: AlreadyExistsParams) -> ExistenceAnswerJson:
    """Return a dict for JSON: a verdict on each function or the description; none if no engine. Raises QueryError."""
    answer = await session.run_query(Priority.REQUEST, partial(_find_existing, params))
    if answer is None:
        return {"functions": [], "coverage": 0.0}
    existences, coverage = answer
    functions = [_to_existence_json(existence, session.documents) for existence in existences]
    return {"functions": functions, "coverage": coverage}


def _find_existing(
    params: AlreadyExistsParams, engine: "Engine", cancel_event: Cancel
) -> "tuple[list[Existence], float]":
    """Return the engine's verdicts on each function, or the description, and its coverage. Asks the team's index, too.

    Raises QueryError, also for an unknown language.
    """
    from codekin.code.languages import find_language

    if params.code is None:
        existence = engine.find_described_code(
            params.description, hit_filter=Filter(team=True), cancel_event=cancel_event
        )
        return [existence], engine.coverage()
    language = find_language(params.language) if params.language else ""
    existences = engine.find_existing_code(
        params.code, language=language, hit_filter=Filter(team=True), cancel_event=cancel_event
    )
    return existences, engine.coverage()


def _to_existence_json(existence: "Existence", documents: "Documents") -> ExistenceJson:
    """Return a verdict with its hits as a dict for JSON, in the client's locations; its name is printable."""
    return {
        "name": printable(existence.name),
        "line": existence.line,
        "verdict": existence.verdict.value,
        "probability": existence.probability,
        "matches": [to_hit_json(hit, documents) for hit in existence.matches],
    }
