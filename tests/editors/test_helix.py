"""Helix in a terminal, configured as in editors/README.md."""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from ..holding import hold_bulk_index
from .debian import skip_if_unavailable
from .install_helix import Helix, install_helix
from .project import SHOP_FILES, UNFINISHED_FILES, UserProject, create_project, read_block
from .terminal import ESCAPE, Terminal, match_status_line

FIRST_IS_PARSED_HEADER = re.compile("> function parsed_header").search


@pytest.fixture(scope="module")
def program() -> Helix:
    with skip_if_unavailable():
        return install_helix()


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> UserProject:
    project = create_project(tmp_path_factory.mktemp("helix"), {})
    project.write(".config/helix/languages.toml", read_block("helix languages"))
    project.write(".config/helix/config.toml", read_block("helix config"))
    return project


@pytest.fixture(scope="module")
def started(program: Helix, project: UserProject) -> Iterator[tuple[Terminal, str]]:
    """One editor for all tests of this file, in their order, and its screen while the project is indexed."""
    environment = project.environment | program.environment
    with ExitStack() as stack:
        held = stack.enter_context(ExitStack())
        held.enter_context(hold_bulk_index(project.folder, project.cache, SHOP_FILES | UNFINISHED_FILES))
        command = [str(program.command), "shop/orders.py"]
        terminal = stack.enter_context(Terminal(command, project.folder, environment))
        terminal.wait_until("total_price")
        screen = terminal.wait_until(re.compile(r"Indexing .* s left$", re.MULTILINE).search)
        held.close()
        yield terminal, screen


@pytest.fixture
def editor(started: tuple[Terminal, str]) -> Terminal:
    """The editor of all tests."""
    return started[0]


def test_progress_is_shown_and_leaves_nothing_behind(started: tuple[Terminal, str]) -> None:
    editor, screen = started
    assert re.search(r"^codekin: +\d+% Indexing . \d+ of 30\d files, \d+ s left$", screen, re.MULTILINE), screen
    editor.wait_until(lambda screen: "Indexing" not in screen)


def test_symbols_are_found_by_name(editor: Terminal) -> None:
    editor.send_keys(" Sinvoice")
    editor.wait_until("function invoice_total")
    editor.send_keys(ESCAPE)
    editor.wait_until(lambda screen: "function invoice_total" not in screen)


def test_symbols_are_found_by_meaning_in_the_order_of_their_likeness(editor: Terminal) -> None:
    editor.send_keys(" Sread what the browser sent as cookies")
    editor.wait_until(FIRST_IS_PARSED_HEADER)  # once the question is typed to its end: before, others may be first
    editor.send_keys("\r")
    editor.wait_until(match_status_line("web/cookies.py", "1:5"))


def test_find_similar_code_is_among_the_actions_and_goes_to_the_nearest(editor: Terminal) -> None:
    editor.send_keys(":open shop/orders.py\r/total_price\r a")
    editor.wait_until("Find similar code")
    editor.send_keys("\r")
    editor.wait_until(match_status_line("shop/invoices.py", "4:5"))


def test_a_command_is_given_its_question_as_json(editor: Terminal) -> None:
    editor.send_keys(":" + read_block("helix command").strip().removeprefix(":") + "\r")
    editor.wait_until(match_status_line("shop/orders.py", "15:5"))


def test_how_the_code_goes_on_is_among_the_completions_and_is_inserted(editor: Terminal) -> None:
    editor.send_keys(":open shop/waste.py\rgeo    raise Key")
    editor.wait_until(re.compile(r"KeyError\(name\) +snippet").search)
    editor.send_keys("\t")
    editor.wait_until("from shop/stock.py:")  # where it is taken from, beside the list
    editor.send_keys("\r" + ESCAPE)
    editor.wait_until(re.compile(r"^ +4 +raise KeyError\(name\)$", re.MULTILINE).search)


def test_settings_reach_the_server_and_duplicates_are_shown(program: Helix, tmp_path: Path) -> None:
    project = create_project(tmp_path, SHOP_FILES)
    project.write(".config/helix/languages.toml", read_block("helix languages") + read_block("helix settings"))
    environment = project.environment | program.environment
    with Terminal([str(program.command), "shop/orders.py"], project.folder, environment) as terminal:
        terminal.wait_until("Nearly the same code as shop/invoices.py:4 invoice_total")


def test_a_file_without_a_project_is_told_apart(program: Helix, tmp_path: Path) -> None:
    """Helix sends no folder for it, but the folder that it was started in as the root path, which is no workspace."""
    project = create_project(tmp_path, SHOP_FILES)
    project.write(".config/helix/languages.toml", read_block("helix languages"))
    project.write("elsewhere/notes.py", "def cookies_of_the_baker(flour):\n    return flour * 3\n")
    environment = project.environment | program.environment
    with Terminal([str(program.command), "notes.py"], project.home / "elsewhere", environment) as terminal:
        terminal.wait_until("No folder is open")
