"""Emacs with eglot and with lsp-mode, configured as in editors/README.md.

A script does what a user does and reports what is displayed; the tests check the reports.
"""

import re
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from ..holding import hold_bulk_index
from .debian import skip_if_unavailable
from .install_emacs import Emacs, install_emacs
from .project import SHOP_FILES, UNFINISHED_FILES, UserProject, create_project, read_block

EGLOT = """
(visit "shop/orders.py")
(report "without a server" (condition-case problem (codekin-similar) (error (error-message-string problem))))
(press "M-x eglot RET")
(await #'eglot-current-server) ; which eglot connects to in the background if the machine is busy
(let ((bars (eglot--progress-reporters (eglot-current-server))))
  (report "progress" (await (lambda () (nth 3 (car (hash-table-values bars)))))))
(codekin-search "qzxv wkjh")
(report "nothing yet" (car (last (buffer-lines "*Messages*"))))
(write-region "" nil "~/progress-is-shown")
(defun codekin-status ()
  (plist-get (eglot-execute (eglot-current-server) '(:command "codekin.status" :arguments [])) :state))
(await (lambda () (equal (codekin-status) "ready")))

(report "by name" (lines-of (xref-backend-apropos 'eglot "invoice")))
(report "by meaning" (lines-of (xref-backend-apropos 'eglot "read what the browser sent as cookies")))

(visit "shop/orders.py")
(await #'flymake-diagnostics)
(report "diagnostics" (mapcar #'flymake-diagnostic-text (flymake-diagnostics)))
(go-to "def total_price")
(press "M-x eglot-code-actions RET Find TAB RET")
(await (at-location "invoices.py:4:5"))
(report "nearest" (current-location))

(visit "shop/orders.py")
(go-to "def total_price")
(press "M-x codekin-similar RET")
(report "similar" (buffer-lines "*xref*"))
(report "count" (car (last (buffer-lines "*Messages*"))))
(with-current-buffer "*xref*" (codekin-search "hand a parcel to the carrier"))
(report "from the list" (buffer-lines "*xref*"))
(visit "shop/orders.py")
(press "M-x codekin-search RET hand SPC a SPC parcel SPC to SPC the SPC carrier RET")
(press "n RET")
(report "found" (current-location))

(report "module" (xref-item-summary (codekin--xref
  '(:kind "module" :qualifiedName "" :why "similar meaning" :location (:uri "file:///stock/shelves.py")
    :selectionRange (:start (:line 0 :character 0))) 1)))

(visit "shop/waste.py")
(goto-char (point-max))
(insert "        raise Key")
(press "M-x completion-at-point RET")
(report "completed" (last-line))
"""

LSP_MODE = """
(require 'lsp-mode)
(setq lsp-auto-guess-root t lsp-enable-suggest-server-download nil lsp-enable-snippet nil)
(visit "shop/orders.py")
(press "M-x lsp RET")
(report "progress" (await #'lsp--progress-status))
(write-region "" nil "~/progress-is-shown")
(await (lambda () (not (lsp--progress-status))))

(defun lenses ()
  (delq nil (mapcar (lambda (overlay)
                      (when-let (((overlay-get overlay 'lsp-lens)) (text (overlay-get overlay 'after-string)))
                        (string-trim (substring-no-properties text))))
                    (overlays-in (point-min) (point-max)))))
(await (lambda () (member "1 similar" (lenses))))
(report "lenses" (lenses))

(report "by name" (lines-of (xref-backend-apropos 'xref-lsp "invoice")))
(report "by meaning" (lines-of (xref-backend-apropos 'xref-lsp "read what the browser sent as cookies")))

(await #'flymake-diagnostics)
(report "diagnostics" (mapcar #'flymake-diagnostic-text (flymake-diagnostics)))
(go-to "def total_price")
(press "M-x lsp-execute-code-action RET Find TAB RET")
(await (at-location "invoices.py:4:5"))
(report "nearest" (current-location))

(visit "shop/waste.py")
(lsp)
(goto-char (point-max))
(insert "        raise Key")
(press "M-x completion-at-point RET")
(report "completed" (last-line))
(report "messages" (buffer-lines "*Messages*"))
"""


def run_while_indexing(program: Emacs, project: UserProject, script: str) -> dict[str, Any]:
    """Run the script in a project whose index is not complete before the script has seen progress."""
    with ThreadPoolExecutor(1) as pool:
        with hold_bulk_index(project.folder, project.cache, SHOP_FILES | UNFINISHED_FILES):
            running = pool.submit(program.run, project, script)
            while not (project.home / "progress-is-shown").exists() and not running.done():
                time.sleep(0.05)
        return running.result()


@pytest.fixture(scope="module")
def eglot(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    with skip_if_unavailable():
        program = install_emacs()
    project = create_project(tmp_path_factory.mktemp("eglot"), {})
    project.write("init.el", read_block("eglot") + read_block("eglot commands") + read_block("eglot settings"))
    return run_while_indexing(program, project, EGLOT)


@pytest.fixture(scope="module")
def lsp_mode(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    with skip_if_unavailable():
        program = install_emacs("elpa-lsp-mode")
    project = create_project(tmp_path_factory.mktemp("lsp-mode"), {})
    project.write("init.el", read_block("lsp-mode") + read_block("lsp-mode settings"))
    return run_while_indexing(program, project, LSP_MODE)


class TestEglot:
    def test_symbols_are_found_by_name_and_by_meaning(self, eglot: dict[str, Any]) -> None:
        assert eglot["by name"] == ["def invoice_total(items, tax_rate):"]
        assert eglot["by meaning"][0] == "def parsed_header(header):"

    def test_find_similar_code_goes_to_the_nearest(self, eglot: dict[str, Any]) -> None:
        assert eglot["nearest"] == "invoices.py:4:5"

    def test_the_printed_commands_list_what_is_found(self, eglot: dict[str, Any]) -> None:
        assert eglot["similar"][0] == "1. shop/invoices.py"
        assert re.fullmatch(r" *4: ?function invoice_total: .+", eglot["similar"][1])
        assert eglot["found"] == "orders.py:15:5"

    def test_commands_work_in_the_list_of_hits_and_say_what_is_missing_without_a_server(
        self, eglot: dict[str, Any]
    ) -> None:
        assert eglot["from the list"][0] == "1. shop/orders.py"
        assert eglot["count"] == "codekin: 1 result"
        assert eglot["without a server"] == "No language server here (M-x eglot), or it is still starting"

    def test_modules_are_called_by_their_file(self, eglot: dict[str, Any]) -> None:
        assert eglot["module"] == "module shelves.py: similar meaning"

    def test_no_results_from_a_part_of_the_workspace_say_so(self, eglot: dict[str, Any]) -> None:
        assert re.fullmatch(r"codekin: no results \(\d+% of the workspace is indexed so far\)", eglot["nothing yet"])

    def test_settings_reach_the_server_and_duplicates_are_shown(self, eglot: dict[str, Any]) -> None:
        assert eglot["diagnostics"] == ["codekin [duplicate]: Nearly the same code as shop/invoices.py:4 invoice_total"]

    def test_how_the_code_goes_on_is_inserted_as_a_completion(self, eglot: dict[str, Any]) -> None:
        assert eglot["completed"] == "        raise KeyError(name)"

    def test_progress_is_shown(self, eglot: dict[str, Any]) -> None:
        assert re.match(r"Indexing|\d+ of 30\d files", eglot["progress"])  # as far as it is when looked at


class TestLspMode:
    def test_symbols_are_found_by_name_and_by_meaning(self, lsp_mode: dict[str, Any]) -> None:
        assert lsp_mode["by name"] == ["[Function] invoice_total"]
        assert lsp_mode["by meaning"][0] == "[Function] parsed_header"

    def test_find_similar_code_goes_to_the_nearest(self, lsp_mode: dict[str, Any]) -> None:
        assert lsp_mode["nearest"] == "invoices.py:4:5"

    def test_lenses_and_duplicates_are_shown_when_turned_on(self, lsp_mode: dict[str, Any]) -> None:
        assert lsp_mode["diagnostics"] == ["Nearly the same code as shop/invoices.py:4 invoice_total"]
        assert sorted(lsp_mode["lenses"]) == ["0 similar", "1 similar"]

    def test_how_the_code_goes_on_is_inserted_as_a_completion(self, lsp_mode: dict[str, Any]) -> None:
        assert lsp_mode["completed"] == "        raise KeyError(name)"

    def test_progress_is_shown(self, lsp_mode: dict[str, Any]) -> None:
        assert re.search(r"Indexing|\d+%% \d+ of 30\d files", lsp_mode["progress"])  # as far as it is when looked at

    def test_nothing_is_complained_about(self, lsp_mode: dict[str, Any]) -> None:
        assert not [line for line in lsp_mode["messages"] if re.search("(?i)unknown|codekin.*error", line)]
