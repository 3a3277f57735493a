"""Helix in a terminal, with the set-up that editors/README.md prints."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from .bring_helix import Helix, helix
from .debian import needed
from .desk import BEGUN, FILES, MANY, Desk, make_desk, printed
from .terminal import ESCAPE, Terminal, at


@pytest.fixture(scope="module")
def program() -> Helix:
    with needed():
        return helix()


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    desk = make_desk(tmp_path_factory.mktemp("helix"), FILES | MANY | BEGUN)
    desk.write(".config/helix/languages.toml", printed("helix languages"))
    desk.write(".config/helix/config.toml", printed("helix config"))
    return desk


@pytest.fixture(scope="module")
def editor(program: Helix, desk: Desk) -> Iterator[Terminal]:
    """An editor for all tests of this file, in the order they stand in."""
    environment = desk.environment | program.environment
    with Terminal([str(program.command), "shop/orders.py"], desk.project, environment) as terminal:
        terminal.until("total_price")
        yield terminal


def test_progress_is_shown_and_leaves_nothing_behind(editor: Terminal) -> None:
    said = re.compile(r"^codekin: +\d+% Indexing . \d+ of 60\d files, \d+ s left$", re.MULTILINE)
    editor.until(said.search)
    editor.until(lambda screen: "Indexing" not in screen)


def test_symbols_are_found_by_name(editor: Terminal) -> None:
    editor.press(" Sinvoice")
    editor.until("function invoice_total")
    editor.press(ESCAPE)
    editor.until(lambda screen: "function invoice_total" not in screen)


def test_symbols_are_found_by_meaning_in_the_order_of_their_likeness(editor: Terminal) -> None:
    editor.press(" Sread what the browser sent as cookies")
    screen = editor.until("parsed_header")
    first = next(line for line in screen.splitlines() if "> function" in line)
    assert "parsed_header" in first
    editor.press("\r")
    editor.until(at("web/cookies.py", "1:5"))


def test_find_similar_code_is_among_the_actions_and_goes_to_the_nearest(editor: Terminal) -> None:
    editor.press(":open shop/orders.py\r/total_price\r a")
    editor.until("Find similar code")
    editor.press("\r")
    editor.until(at("shop/invoices.py", "4:5"))


def test_a_command_is_given_its_question_as_json(editor: Terminal) -> None:
    editor.press(":" + printed("helix command").strip().removeprefix(":") + "\r")
    editor.until(at("shop/orders.py", "15:5"))


def test_how_the_code_goes_on_is_among_the_completions_and_is_inserted(editor: Terminal) -> None:
    editor.press(":open shop/waste.py\rgeo    raise Key")
    editor.until(re.compile(r"KeyError\(name\) +snippet").search)
    editor.press("\t")
    editor.until("from shop/stock.py:")  # where it is taken from, beside the list
    editor.press("\r" + ESCAPE)
    editor.until(re.compile(r"^ +4 +raise KeyError\(name\)$", re.MULTILINE).search)


def test_settings_reach_the_server_and_duplicates_are_shown(program: Helix, tmp_path: Path) -> None:
    desk = make_desk(tmp_path, FILES)
    desk.write(".config/helix/languages.toml", printed("helix languages") + printed("helix settings"))
    environment = desk.environment | program.environment
    with Terminal([str(program.command), "shop/orders.py"], desk.project, environment) as terminal:
        terminal.until("Nearly the same code as shop/invoices.py:4 invoice_total")


def test_a_file_without_a_project_is_told_apart(program: Helix, tmp_path: Path) -> None:
    """Helix sends no folder for it, but the folder that it was started in as the root path, which is no workspace."""
    desk = make_desk(tmp_path, FILES)
    desk.write(".config/helix/languages.toml", printed("helix languages"))
    desk.write("elsewhere/notes.py", "def cookies_of_the_baker(flour):\n    return flour * 3\n")
    environment = desk.environment | program.environment
    with Terminal([str(program.command), "notes.py"], desk.home / "elsewhere", environment) as terminal:
        terminal.until("No folder is open")
