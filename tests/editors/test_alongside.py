"""codekin beside a language's own server: that server keeps its features, and nothing is listed twice."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from .debian import skip_if_unavailable
from .install_emacs import install_emacs
from .install_helix import install_helix
from .project import SHOP_FILES, create_project, read_block
from .terminal import ESCAPE, Terminal, match_status_line

_COMPLETION_KEY = "\x18"  # Ctrl-x

EGLOT = """
(visit "shop/orders.py")
(press "M-x eglot RET")
(await #'eglot-managed-p)
(await #'flymake-diagnostics)
(go-to "order.state = ")
(insert "(")  ; no Python any more
(save-buffer)
(await (lambda () (> (length (flymake-diagnostics)) 1)))
(report "diagnostics" (mapcar #'flymake-diagnostic-text (flymake-diagnostics)))
(delete-char -1)
(save-buffer)

(report "by name" (lines-of (xref-backend-apropos 'eglot "invoice_total")))
(go-to "price -= pri")
(report "completions" (await (lambda () ; jedi's first takes longer than Emacs waits where the machine is busy
  (ignore-errors (all-completions "pri" (nth 2 (eglot-completion-at-point)))))))
(go-to "dispatch(par")
(report "definition" (lines-of (xref-backend-definitions 'eglot (xref-backend-identifier-at-point 'eglot))))

(go-to "def total_price")
(report "actions" (mapcar (lambda (action) (plist-get action :title)) (eglot-code-actions (point) (point))))
(press "M-x eglot-code-actions RET Find TAB RET")
(await (at-location "invoices.py:4:5"))
(visit "shop/orders.py")
(press "M-x codekin-search RET hand SPC a SPC parcel SPC to SPC the SPC carrier RET")
(press "n RET")
(report "found" (current-location))
"""


@pytest.fixture(scope="module")
def eglot(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    with skip_if_unavailable():
        program = install_emacs()
    project = create_project(tmp_path_factory.mktemp("beside"), SHOP_FILES)
    project.install("rass", "jedi-language-server")
    project.write("init.el", read_block("eglot beside") + read_block("eglot commands") + read_block("eglot settings"))
    return program.run(project, EGLOT)


@pytest.fixture(scope="module")
def editor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    """Helix with both servers."""
    with skip_if_unavailable():
        program = install_helix()
    project = create_project(tmp_path_factory.mktemp("beside"), SHOP_FILES)
    project.install("jedi-language-server")
    project.write(".config/helix/languages.toml", read_block("helix languages") + read_block("helix settings"))
    project.write(".config/codekin/config.toml", read_block("beside"))
    project.write(".config/helix/config.toml", "[editor.word-completion]\nenable = false\n")  # only the servers' items
    environment = project.environment | program.environment
    with Terminal([str(program.command), "shop/orders.py"], project.folder, environment) as terminal:
        terminal.wait_until("Nearly the same code as shop/invoices.py:4 invoice_total")  # both are there
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
        editor.send_keys(" Sinvoice_total")
        screen = editor.wait_until(lambda screen: "> function invoice_total" in screen and "1/1" in screen)
        assert screen.count("function invoice_total") == 1
        editor.send_keys(ESCAPE)
        editor.wait_until(lambda screen: "1/1" not in screen)

    def test_a_question_is_answered(self, editor: Terminal) -> None:
        editor.send_keys(" Sread what the browser sent as cookies")
        editor.wait_until("> function parsed_header")
        editor.send_keys("\r")
        editor.wait_until(match_status_line("web/cookies.py", "1:5"))

    def test_definitions_are_the_language_servers(self, editor: Terminal) -> None:
        editor.send_keys(":open shop/orders.py\r/dispatch.parcel\rgd")
        editor.wait_until(match_status_line("shop/orders.py", "17:5"))

    def test_completions_are_listed_once(self, editor: Terminal) -> None:
        editor.send_keys("Otracked = total_p")
        # Helix takes no answer that comes long after the first one, as jedi's first does. Its key asks again, as long
        # as no list is shown.
        screen = editor.press_until(_COMPLETION_KEY, re.compile(r"total_price +function").search)
        assert len(re.findall(r"total_price +\w", screen)) == 1

    def test_find_similar_code_is_offered_once(self, editor: Terminal) -> None:
        editor.press_until(ESCAPE, lambda screen: " NOR " in screen)
        editor.send_keys(":open shop/orders.py\r:reload!\rgg/total_price\r a")
        screen = editor.wait_until("Find similar code")
        assert screen.count("Find similar code") == 1
        editor.send_keys("\x10\r")  # the last of them: what can be done about the duplicate stands before it
        editor.wait_until(match_status_line("shop/invoices.py", "4:5"))
