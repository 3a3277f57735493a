"""codekin beside a language's own server: nothing of that server's is lost, and nothing stands there twice."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from .bring_emacs import emacs
from .bring_helix import helix
from .debian import needed
from .desk import FILES, make_desk, printed
from .terminal import ESCAPE, Terminal, at

EGLOT = """
(visit "shop/orders.py")
(press "M-x eglot RET")
(await #'eglot-managed-p)
(await #'flymake-diagnostics)
(go-to "order.state = ")
(insert "(")  ; no Python any more
(save-buffer)
(await (lambda () (> (length (flymake-diagnostics)) 1)))
(tell "diagnostics" (mapcar #'flymake-diagnostic-text (flymake-diagnostics)))
(delete-char -1)
(save-buffer)

(tell "by name" (lines-of (xref-backend-apropos 'eglot "invoice_total")))
(go-to "price -= pri")
(tell "completions" (await (lambda () ; jedi's first takes longer than Emacs waits where the machine is busy
  (ignore-errors (all-completions "pri" (nth 2 (eglot-completion-at-point)))))))
(go-to "dispatch(par")
(tell "definition" (lines-of (xref-backend-definitions 'eglot (xref-backend-identifier-at-point 'eglot))))

(go-to "def total_price")
(tell "actions" (mapcar (lambda (action) (plist-get action :title)) (eglot-code-actions (point) (point))))
(press "M-x eglot-code-actions RET Find TAB RET")
(await (at "invoices.py:4:5"))
(visit "shop/orders.py")
(press "M-x codekin-search RET hand SPC a SPC parcel SPC to SPC the SPC carrier RET")
(press "n RET")
(tell "found" (place))
"""


@pytest.fixture(scope="module")
def eglot(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    with needed():
        program = emacs()
    desk = make_desk(tmp_path_factory.mktemp("beside"), FILES)
    desk.install("rass", "jedi-language-server")
    desk.write("init.el", printed("eglot beside") + printed("eglot commands") + printed("eglot settings"))
    return program.run(desk, EGLOT)


@pytest.fixture(scope="module")
def editor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    """Helix with both servers."""
    with needed():
        program = helix()
    desk = make_desk(tmp_path_factory.mktemp("beside"), FILES)
    desk.install("jedi-language-server")
    desk.write(".config/helix/languages.toml", printed("helix languages") + printed("helix settings"))
    desk.write(".config/codekin/config.toml", printed("beside"))
    environment = desk.environment | program.environment
    with Terminal([str(program.command), "shop/orders.py"], desk.project, environment) as terminal:
        terminal.until("Nearly the same code as shop/invoices.py:4 invoice_total")  # both are there
        yield terminal


class TestEglotThroughRass:
    def test_both_servers_diagnostics_are_shown_once(self, eglot: dict[str, Any]) -> None:
        jedi, codekin = sorted(eglot["diagnostics"], key=lambda text: "codekin" in text)
        assert "SyntaxError" in jedi
        assert codekin == "codekin [duplicate]: Nearly the same code as shop/invoices.py:4 invoice_total"

    def test_symbols_completions_and_definitions_are_the_language_servers(self, eglot: dict[str, Any]) -> None:
        assert eglot["by name"] == ["def invoice_total(items, tax_rate):"]
        assert eglot["completions"] == ["price", "print"]
        assert eglot["definition"] == ["parcel = carrier.pack(order.items)"]

    def test_find_similar_code_is_offered_once_and_found_is_what_is_asked(self, eglot: dict[str, Any]) -> None:
        assert eglot["actions"].count("Find similar code") == 1
        assert eglot["found"] == "orders.py:15:5"


class TestHelix:
    def test_diagnostics_are_shown_once(self, editor: Terminal) -> None:
        assert editor.screen.count("Nearly the same code") == 1

    def test_a_symbol_is_found_once(self, editor: Terminal) -> None:
        editor.press(" Sinvoice_total")
        screen = editor.until("> function invoice_total")
        assert screen.count("function invoice_total") == 1
        assert "1/1" in screen
        editor.press(ESCAPE)
        editor.until(lambda screen: "1/1" not in screen)

    def test_a_question_is_answered(self, editor: Terminal) -> None:
        editor.press(" Sread what the browser sent as cookies")
        editor.until("parsed_header")
        editor.press("\r")
        editor.until(at("web/cookies.py", "1:5"))

    def test_definitions_are_the_language_servers(self, editor: Terminal) -> None:
        editor.press(":open shop/orders.py\r/dispatch.parcel\rgd")
        editor.until(at("shop/orders.py", "17:5"))

    def test_completions_are_listed_once(self, editor: Terminal) -> None:
        editor.press("Otracked = total_p")
        screen = editor.until(re.compile(r"total_price +function").search)
        assert len(re.findall(r"total_price +(?!word)\w", screen)) == 1  # Helix itself offers words of the text
        editor.press(ESCAPE)
        editor.until(" NOR ")
        editor.press(":reload!\r")

    def test_find_similar_code_is_offered_once(self, editor: Terminal) -> None:
        editor.press("gg/total_price\r a")
        screen = editor.until("Find similar code")
        assert screen.count("Find similar code") == 1
        editor.press("\x10\r")  # the last of them: what can be done about the duplicate stands before it
        editor.until(at("shop/invoices.py", "4:5"))
