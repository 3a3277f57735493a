"""Answers, in what every Neovim has: lists, `vim.ui.select`, the command line, diff mode."""

import re

from .conftest import INDEXED, Editor, Start

LIVE = "return vim.fn.getcmdtype() == '@'"
LINES = (
    "return vim.tbl_map(function(w) return vim.api.nvim_buf_get_lines(vim.fn.winbufnr(w), 0, -1, false) end, {1, 2})"
)

SET_DUPLICATES = """
  local client = vim.lsp.get_clients({name = 'codekin'})[1]
  client.settings.codekin.duplicates = {enabled = ...}
  local method, params = 'workspace/didChangeConfiguration', {settings = client.settings}
  if vim.fn.has('nvim-0.11') == 1 then client:notify(method, params) else client.notify(method, params) end
"""


def test_similar_fills_the_quickfix_list_best_first_with_score_kinship_and_name(editor: Editor) -> None:
    editor.execute("Codekin similar")
    best, *others = editor.read_quickfix()
    assert re.match(r"\d+% +(identical|renamed|edited|similar) +invoice_total  ", best)
    scores = [int(text.split("%")[0]) for text in (best, *others)]
    assert scores == sorted(scores, reverse=True)
    assert editor.lua("return vim.fn.getqflist({title = 1}).title") == "Similar to shop/orders.py:6"
    editor.terminal.wait_until(lambda screen: "shop/invoices.py|4-12| " in screen)


def test_weak_hits_of_a_file_s_first_line_are_left_out(editor: Editor) -> None:
    editor.execute("1")
    editor.execute("Codekin similar")
    editor.wait_until("return #vim.fn.getqflist() > 0 or #messages > 0")
    texts = [item["text"] for item in editor.lua("return vim.fn.getqflist()")]
    assert all(int(text.split("%")[0]) >= 20 or " similar " not in text for text in texts)


def test_names_stand_below_each_other_whatever_the_paths(editor: Editor) -> None:
    deep = "shop/a/path/that/leads/deep/into/the/tree/of/a/large/project/to/größen.py"
    for path, name in ((deep, "count_boxes"), ("shop/regal.py", "boxes_of_shelf")):
        editor.execute(f"edit {path}")
        text = f"def {name}(shelf):\n    return len(shelf.boxes)"
        editor.lua("vim.api.nvim_buf_set_lines(0, 0, -1, false, {...})", *text.split("\n"))
    editor.execute("edit shop/orders.py")
    editor.repeat_until("Codekin search count of boxes in the shelf", "return #vim.fn.getqflist() > 1")
    shown = editor.lua("return vim.fn.getbufline(vim.fn.getqflist({qfbufnr = 1}).qfbufnr, 1, '$')")
    assert "…/into/the/tree/of/a/large/project/to/größen.py|1-2| " in "".join(shown[:2])
    before_names = [re.match(r".*\| +\d+% +", line) for line in shown]
    assert len({found and found.end() for found in before_names}) == 1


def test_a_layout_of_the_user_s_own_goes_first(editor: Editor) -> None:
    editor.lua("function _G.plain(info) return vim.fn['repeat']({'mine'}, info.end_idx) end")
    editor.execute("set quickfixtextfunc=v:lua.plain")
    editor.execute("Codekin similar")
    editor.read_quickfix()
    shown = editor.lua("return vim.api.nvim_buf_get_lines(0, 0, -1, false)")
    editor.execute("set quickfixtextfunc=")
    assert set(shown) == {"mine"}


def test_the_list_has_the_cursor_and_enter_goes_to_the_name(editor: Editor) -> None:
    editor.execute("Codekin similar")
    editor.wait_until("return vim.bo.buftype == 'quickfix'")
    editor.send_keys("<CR>")
    editor.wait_until("return vim.fn.expand('%:t') == 'invoices.py'")
    assert tuple(editor.api.current.window.cursor) == (4, 4)


def test_a_location_list_is_the_window_s_own(editor: Editor) -> None:
    editor.execute("Codekin similar show=loclist limit=1")
    assert len(editor.wait_until("return vim.fn.getloclist(0)")) == 1
    assert editor.lua("return vim.fn.getqflist()") == []


def test_hits_follow_what_is_typed_above_them(editor: Editor) -> None:
    editor.execute("edit shop/invoices.py | edit shop/orders.py | 6")
    editor.execute("Codekin similar")
    editor.read_quickfix()
    other = "vim.fn.bufnr('shop/invoices.py')"
    editor.lua(f"vim.fn.appendbufline({other}, 0, {{'# new', '# new'}})")
    assert editor.lua("return vim.fn.getqflist()[1].lnum") == 6
    editor.execute("wincmd p")  # and the server looks at the text that is not saved
    editor.repeat_until(
        "Codekin similar", "local best = vim.fn.getqflist()[1] return best.lnum == 6 and best.end_lnum == 14"
    )


def test_a_name_behind_characters_of_several_bytes_is_found(editor: Editor) -> None:
    editor.execute("edit größe.ts")
    line = 'const mund = "😋𝕏"; function zählerstand(eingänge) { return eingänge.length + 1 }'
    editor.lua("vim.api.nvim_buf_set_lines(0, 0, -1, false, {...})", line)
    editor.repeat_until(
        "Codekin search zählerstand der eingänge", "return vim.fn.getqflist()[1].text:find('zählerstand')"
    )
    found = editor.lua("return vim.fn.getqflist()[1]")
    assert found["col"] == line.encode().index("zählerstand".encode()) + 1


def test_a_selection_is_asked_about_as_it_is(editor: Editor) -> None:
    editor.execute("edit shop/orders.py | 5")
    editor.send_keys("V6j")
    editor.wait_until("return vim.fn.mode() == 'V'")
    editor.send_keys("<Plug>(codekin-similar)")
    editor.read_quickfix()
    assert editor.lua("return vim.fn.getqflist({title = 1}).title").startswith("Similar to shop/orders.py:5")
    assert editor.lua("return vim.fn.mode()") == "n"
    editor.lua("vim.fn.setqflist({}, 'f')")
    editor.open_file("shop/orders.py")
    editor.execute("5,11Codekin similar limit=1")
    assert "invoice_total" in editor.read_quickfix()[0]


def test_search_finds_by_meaning(editor: Editor) -> None:
    editor.execute("Codekin search what the browser sent as cookies")
    assert "parsed_header" in editor.read_quickfix()[0]


def test_search_is_limited_by_folder_language_and_count(editor: Editor) -> None:
    editor.execute("Codekin search folder=shop language=python limit=1 price of items with tax")
    assert len(editor.read_quickfix()) == 1
    editor.execute("Codekin search folder=shop cookies of a browser")
    editor.wait_for_message("no results for cookies of a browser")
    editor.execute("Codekin search language=klingon price")
    editor.wait_for_message('There is no language "klingon". Do you mean kotlin?')


def search_and_cancel(editor: Editor) -> None:
    """Type a query into a search that shows what it finds meanwhile, then give it up."""
    editor.execute('call feedkeys(":Codekin search\\<CR>")')
    editor.wait_until(LIVE)
    editor.send_keys("price with tax")
    editor.wait_until("for _, each in ipairs(vim.fn.getqflist()) do return each.text:find('total') end")
    editor.terminal.wait_until(lambda screen: "codekin: price with tax" in screen and "_total" in screen)
    editor.send_keys("<Esc>")
    editor.wait_until("return vim.fn.getcmdtype() == ''")


def test_search_looks_while_one_types_and_stays_where_one_was_when_cancelled(editor: Editor) -> None:
    search_and_cancel(editor)
    assert editor.lua("return vim.fn.expand('%:t')") == "orders.py"
    assert editor.lua("return #vim.api.nvim_list_wins()") == 1
    assert editor.lua("return vim.fn.getqflist({nr = '$'}).nr") == 0


def test_a_cancelled_search_leaves_the_earlier_list_current_and_open(editor: Editor) -> None:
    editor.lua("vim.fn.setqflist({}, ' ', {title = 'earlier', lines = {'one'}}) vim.cmd('copen | wincmd p')")
    search_and_cancel(editor)
    assert editor.lua("return vim.fn.getqflist({title = 1}).title") == "earlier"
    assert editor.lua("return #vim.api.nvim_list_wins()") == 2
    assert editor.lua("return vim.fn.expand('%:t')") == "orders.py"


def test_enter_takes_what_the_search_has_found(editor: Editor) -> None:
    editor.execute('call feedkeys(":Codekin search\\<CR>")')
    editor.wait_until(LIVE)
    editor.send_keys("cookies of a browser<CR>")
    editor.wait_until("return vim.bo.buftype == 'quickfix' and vim.fn.getcmdtype() == ''")
    assert "parsed_header" in editor.read_quickfix()[0]
    editor.wait_until("return vim.fn.getqflist({title = 1}).title == 'cookies of a browser'")


def test_vim_ui_select_goes_to_the_chosen_one(editor: Editor) -> None:
    editor.execute('call feedkeys(":Codekin similar show=select\\<CR>")')
    editor.terminal.wait_until("Type number")
    editor.send_keys("1<CR>")
    editor.wait_until("return vim.fn.expand('%:t') == 'invoices.py'")
    editor.send_keys("<C-o>")
    editor.wait_until("return vim.fn.expand('%:t') == 'orders.py'")


def test_diff_shows_mine_and_the_hit_side_by_side(editor: Editor) -> None:
    editor.execute("Codekin similar")
    editor.wait_until("return vim.bo.buftype == 'quickfix'")
    editor.execute("Codekin diff")
    mine, theirs = editor.lua(LINES)
    assert (mine[0], theirs[0]) == ("def total_price(items, tax_rate):", "def invoice_total(items, tax_rate):")
    assert mine[1:] == theirs[1:]
    assert editor.lua("return {vim.wo[vim.fn.win_getid(1)].diff, vim.wo[vim.fn.win_getid(2)].diff}") == [True, True]
    assert editor.lua("return vim.fn.tabpagenr('$')") == 2


def test_diff_shows_what_both_are_after_edits(editor: Editor) -> None:
    editor.execute("edit shop/invoices.py | edit shop/orders.py | 6")
    editor.execute("Codekin similar")
    editor.read_quickfix()
    editor.lua("vim.fn.appendbufline(vim.fn.bufnr('shop/invoices.py'), 0, {'# new'})")
    editor.lua("vim.fn.appendbufline(vim.fn.bufnr('shop/orders.py'), 0, {'# new', '# new'})")
    editor.execute("Codekin diff")
    mine, theirs = editor.lua(LINES)
    assert (mine[0], theirs[0]) == ("def total_price(items, tax_rate):", "def invoice_total(items, tax_rate):")
    assert (len(mine), len(theirs)) == (9, 9)


def test_diff_compares_the_hit_that_the_cursor_is_in(editor: Editor) -> None:
    editor.execute("Codekin similar")
    editor.read_quickfix()
    editor.send_keys("<CR>jjj")
    editor.wait_until("return vim.fn.expand('%:t') == 'invoices.py' and vim.fn.line('.') == 7")
    editor.execute("Codekin diff")
    assert editor.lua(LINES)[1][0] == "def invoice_total(items, tax_rate):"


def test_diff_says_what_it_lacks(editor: Editor) -> None:
    editor.execute("Codekin search price with tax")
    editor.read_quickfix()
    editor.execute("Codekin diff")
    editor.wait_for_message("have no source code to compare")


def test_diff_says_that_code_is_blank(editor: Editor) -> None:
    editor.execute("Codekin similar")
    editor.read_quickfix()
    editor.execute("wincmd p | 4,12delete _")
    editor.execute("Codekin diff")
    editor.wait_for_message("the code has been deleted")
    editor.execute("undo")


def test_a_duplicate_s_quick_fix_compares_it(start: Start) -> None:
    editor = start()
    editor.lua("require('codekin').setup({settings = {duplicates = {enabled = true}}})")
    editor.open_file("shop/orders.py")
    editor.execute("call cursor(4, 5)")
    editor.wait_until("return #vim.diagnostic.get(0) > 0")
    editor.lua("""
      vim.lsp.buf.code_action({apply = true, filter = function(each) return each.title:find('^Compare') end})
    """)
    editor.wait_until("return vim.fn.tabpagenr('$') == 2")
    mine, theirs = editor.wait_until(LINES)
    assert (mine[0], theirs[0]) == ("def total_price(items, tax_rate):", "def invoice_total(items, tax_rate):")
    assert mine[1:] == theirs[1:]


def test_duplicates_that_are_turned_off_are_marked_no_more(start: Start) -> None:
    editor = start()
    editor.lua("require('codekin').setup({settings = {duplicates = {enabled = true}}})")
    editor.open_file("shop/orders.py")
    editor.wait_until("return #vim.diagnostic.get(0) > 0")
    for enabled in (False, True, False):
        editor.lua(SET_DUPLICATES, enabled)
        editor.wait_until("return (#vim.diagnostic.get(0) > 0) == ...", enabled)


def test_commands_in_the_quickfix_window_raise_no_error(editor: Editor) -> None:
    editor.execute("Codekin similar")
    editor.wait_until("return vim.bo.buftype == 'quickfix'")
    editor.execute("let v:errmsg = ''")
    editor.execute("Codekin similar")
    editor.wait_for_message("this is a list; go to one of its hits")
    editor.execute("Codekin complete")
    editor.wait_for_message("this buffer cannot be edited")
    editor.execute("Codekin search cookies of a browser")
    editor.wait_until("return vim.fn.getqflist({title = 1}).title == 'cookies of a browser'")
    assert editor.lua("return vim.v.errmsg") == ""


def test_a_buffer_without_a_file_is_told_apart(editor: Editor) -> None:
    editor.execute("enew")
    editor.execute("Codekin similar")
    editor.wait_for_message("this buffer has no file")
    editor.execute("help | Codekin similar")
    editor.wait_for_message("this buffer is no file")


def test_a_wrong_option_of_a_question_is_named(editor: Editor) -> None:
    editor.lua("require('codekin').setup({show = 'nowhere', limit = 0})")
    editor.wait_for_message("option show must be one of auto, quickfix")
    editor.wait_for_message("option limit must be a whole number")
    for question in ("similar", "search"):
        for words, problem in {
            "limit=x": "limit must be a whole number from 1 to 1000, not x",
            "limit=1001": "limit must be a whole number from 1 to 1000, not 1001",
            "show=there": "show must be one of auto, quickfix",
            "folder=nosuch": f"there is no folder {editor.project.folder}/nosuch",
        }.items():
            editor.lua("messages = {}")
            editor.execute(f"Codekin {question} {words}" + (" price" if question == "search" else ""))
            editor.wait_for_message(problem)
    assert editor.lua("return vim.fn.getqflist()") == []


def test_a_project_is_searched_from_an_empty_buffer(start: Start) -> None:
    editor = start()
    editor.execute("Codekin pause")
    editor.wait_for_message("paused")
    editor.execute("Codekin resume")
    editor.wait_until(INDEXED)
    editor.execute("Codekin search price of items with tax")
    assert "_total" in editor.read_quickfix()[0] or "total_" in editor.read_quickfix()[0]


def test_outside_of_a_project_the_remedy_is_told(start: Start) -> None:
    editor = start()
    editor.execute("cd /")
    editor.execute("Codekin search anything")
    assert "no project found" in editor.wait_for_message("no project")
