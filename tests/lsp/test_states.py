"""The states that the protocol names: the clients know those that the server has."""

import json
import re
from pathlib import Path

from codekin.lsp.messages import make_bare_status
from codekin.types import IndexState

GENERATED = Path(__file__).parents[2] / "editors/vscode/src/generated.ts"


def test_the_extension_knows_every_state_of_the_index():
    states = re.search(r"INDEX_STATES = \[([^\]]+)\]", GENERATED.read_text("utf-8"))
    assert states
    assert re.findall("'([^']*)'", states[1]) == [str(state) for state in IndexState]


def test_a_state_is_written_as_its_value():
    assert json.loads(json.dumps(make_bare_status(IndexState.NO_FOLDER, [])))["state"] == "no folder"
