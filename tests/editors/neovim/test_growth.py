"""Lists that were filled from a part of the workspace, as a server that indexes it answers and reports its status."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import Editor

BEND = """
  client = vim.lsp.get_clients({ name = 'codekin' })[1]
  answered, coverage, left_out, is_failing = 0, 0.2, 0, false
  request, report = client.request, client.handlers['codekin/statusChanged']
  client.handlers['codekin/statusChanged'] = function() end
  local function bend(handle)
    return function(error, answer, ...)
      if not answer or not answer.hits then
        return handle(error, answer, ...)
      end
      answered, answer.coverage = answered + 1, coverage
      answer.hits = vim.list_slice(answer.hits, left_out + 1)
      if is_failing then
        error, answer = { code = -32801, message = 'changed' }, nil
      end
      handle(error, answer, ...)
    end
  end
  function client.request(...)
    local words, count = { ... }, select('#', ...)
    for position = 1, count do
      if type(words[position]) == 'function' then
        words[position] = bend(words[position])
      end
    end
    return request(unpack(words, 1, count))
  end
"""
UNBEND = "client.request, client.handlers['codekin/statusChanged'] = request, report"
REPORT = """
  local share, id = ...
  local status = vim.deepcopy(require('codekin.client').get_client_status(client.id))
  status.coverage = share
  report(nil, status, { client_id = id or client.id, method = 'codekin/statusChanged' })
"""
SIZE = "return vim.fn.getqflist({ size = 1 }).size"
TITLE = "return vim.fn.getqflist({ title = 1 }).title"
PARTLY = " (20% of the workspace is indexed so far)"
QUERY = "total price of an order with tax"
LONG_QUERY = "the total of an order or an invoice"  # has three hits


@pytest.fixture
def growing(editor: Editor) -> Iterator[Editor]:
    """An editor whose server has indexed a fifth, and leaves out the best hit until then."""
    editor.lua(BEND)
    editor.lua(REPORT, 0.2)
    editor.lua("left_out = 1")
    yield editor
    editor.lua(REPORT, 1)
    editor.lua(UNBEND)


def grow(editor: Editor, coverage: float) -> None:
    """Index this share, whose answers have all hits."""
    editor.lua("coverage, left_out = ..., 0", coverage)
    editor.lua(REPORT, coverage)


def search(editor: Editor) -> int:
    """Fill the list, and return how many hits it has."""
    editor.execute(f"Codekin search {QUERY}")
    editor.wait_until(f"{TITLE} == ...", QUERY + PARTLY)
    return int(editor.lua(SIZE))


def settle(editor: Editor) -> None:
    """Wait until the server has answered whatever was asked before."""
    editor.lua("""
      is_settled = false
      require('codekin.client').request(0, 'codekin/status', {}, function() is_settled = true end)
    """)
    editor.wait_until("return is_settled")


def test_a_list_is_completed_as_the_index_grows(growing: Editor) -> None:
    size = search(growing)
    growing.lua(REPORT, 0.25)
    settle(growing)
    assert growing.lua("return answered") == 1
    grow(growing, 0.5)
    growing.wait_until(f"{TITLE} == ...", QUERY + PARTLY.replace("2", "5"))
    assert growing.lua(SIZE) == size + 1
    grow(growing, 1)
    growing.wait_until(f"{TITLE} == ...", QUERY)
    growing.lua(REPORT, 1)
    settle(growing)
    assert growing.lua("return answered") == 3


def test_another_project_s_server_completes_no_list(growing: Editor) -> None:
    search(growing)
    growing.lua(REPORT, 1, 999)
    settle(growing)
    assert growing.lua("return answered") == 1
    grow(growing, 1)
    growing.wait_until(f"{TITLE} == ...", QUERY)


def test_a_last_query_that_fails_is_repeated(growing: Editor) -> None:
    search(growing)
    growing.lua("is_failing = true")
    grow(growing, 1)
    growing.wait_until("return answered == 2")
    growing.lua("is_failing = false")
    growing.wait_until(f"{TITLE} == ...", QUERY)
    assert growing.lua("return messages") == []


def test_a_server_that_is_ending_empties_no_list(growing: Editor) -> None:
    """Its last answers have no hits."""
    size = search(growing)
    growing.lua("left_out, coverage = 1000, 0")
    growing.lua(REPORT, 0.5)
    growing.wait_until("return answered > 1")
    settle(growing)
    assert growing.lua(SIZE) == size
    grow(growing, 1)
    growing.wait_until(f"{TITLE} == ...", QUERY)
    assert growing.lua(SIZE) == size + 1


def test_a_last_answer_from_a_part_is_not_the_last(growing: Editor) -> None:
    search(growing)
    growing.lua("coverage = 0.9")
    growing.lua(REPORT, 1)
    growing.wait_until(f"{TITLE} == ...", QUERY + PARTLY.replace("2", "9"))
    grow(growing, 1)
    growing.wait_until(f"{TITLE} == ...", QUERY)


def test_an_index_that_is_complete_when_the_answer_comes_is_asked_again(growing: Editor) -> None:
    growing.lua(REPORT, 1)
    growing.execute(f"Codekin search {QUERY}")
    growing.wait_until("return answered >= 2")


def test_a_repeated_query_leaves_what_diff_compares(growing: Editor) -> None:
    growing.lua("left_out = 0")
    growing.execute("Codekin similar")
    growing.wait_until(f"{SIZE} > 0")
    growing.lua("coverage = 1")
    growing.execute("wincmd p | edit shop/invoices.py | 6 | Codekin similar")
    growing.wait_until(f"{TITLE} == ...", "Similar to shop/invoices.py:6")
    grow(growing, 0.5)
    growing.wait_until("return answered == 3")
    growing.execute("wincmd p | 6 | Codekin diff")
    left = growing.wait_until("return vim.api.nvim_buf_get_lines(vim.fn.winbufnr(1), 0, 1, false)")
    assert left == ["def invoice_total(items, tax_rate):"]


def test_repeated_queries_leave_no_marks(growing: Editor) -> None:
    buffer = growing.lua("return vim.api.nvim_get_current_buf()")
    count = "return #vim.api.nvim_buf_get_extmarks(..., vim.api.nvim_create_namespace('codekin'), 0, -1, {})"
    growing.lua("left_out = 0")
    growing.execute("Codekin similar")
    growing.wait_until("return answered == 1")
    before = growing.lua(count, buffer)
    grow(growing, 0.5)
    growing.wait_until(f"{TITLE}:find('50%', 1, true)")
    assert growing.lua(count, buffer) == before


def test_a_list_that_the_user_changes_stays_so(growing: Editor) -> None:
    search(growing)
    growing.lua("vim.fn.setqflist({}, 'r', { items = vim.list_slice(vim.fn.getqflist(), 2) })")
    size = growing.lua(SIZE)
    grow(growing, 1)
    settle(growing)
    assert growing.lua("return { answered, ... }", growing.lua(SIZE)) == [1, size]


@pytest.mark.parametrize("where", ["quickfix", "loclist"])
def test_the_cursor_of_the_list_stays_at_its_hit(growing: Editor, where: str) -> None:
    growing.execute(f"Codekin search show={where} {LONG_QUERY}")
    growing.wait_until("return vim.bo.buftype == 'quickfix'")
    growing.execute("$")
    line, text = growing.lua("return { vim.fn.line('.'), vim.fn.getline('.'):match('|.*') }")
    assert line > 1
    grow(growing, 1)
    growing.wait_until("return vim.fn.line('$') > ...", line)
    assert growing.lua("return { vim.fn.line('.'), vim.fn.getline('.'):match('%% +%S+') }") == [
        line + 1,
        growing.lua("return (...):match('%% +%S+')", text),
    ]


def test_a_list_stays_with_its_server_when_its_buffer_is_wiped(growing: Editor, tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    search(growing)
    growing.execute(f"wincmd p | cd {tmp_path} | edit other.txt | bwipeout shop/orders.py")
    grow(growing, 1)
    growing.wait_until(f"{TITLE} == ...", QUERY)
    count = growing.lua("return #vim.lsp.get_clients({ name = 'codekin' })")
    growing.execute(f"cd {growing.project.folder}")
    assert count == 1


def test_a_list_fills_from_the_first_files_on(growing: Editor) -> None:
    """It is asked for again whenever twice as much is indexed, until a step is more."""
    growing.lua("left_out, coverage = 1000, 0")
    growing.lua(REPORT, 0)
    growing.execute(f"Codekin search {QUERY}")
    growing.wait_until("return vim.bo.buftype == 'quickfix'")
    assert growing.lua(SIZE) == 0
    grow(growing, 0.01)
    growing.wait_until(f"{SIZE} > 0")
    growing.lua(REPORT, 0.015)
    settle(growing)
    assert growing.lua("return answered") == 2
    grow(growing, 0.02)
    growing.wait_until(f"{TITLE}:find('2%', 1, true)")
    assert growing.lua("return messages") == []


def test_a_list_of_nothing_yet_can_be_compared_when_it_fills(growing: Editor) -> None:
    growing.lua("left_out, coverage = 1000, 0")
    growing.lua(REPORT, 0)
    growing.execute("Codekin similar")
    growing.wait_until("return vim.bo.buftype == 'quickfix'")
    grow(growing, 1)
    growing.wait_until(f"{SIZE} > 0")
    growing.execute("Codekin diff")
    growing.wait_until("return vim.fn.tabpagenr('$') == 2")


@pytest.mark.parametrize("command", ["Codekin similar", ".,+2Codekin similar"])
def test_a_list_is_completed_after_edits_elsewhere_in_the_file_only(growing: Editor, command: str) -> None:
    line = growing.lua("left_out = 0; return vim.fn.line('.')")
    growing.execute(command)
    growing.wait_until("return answered == 1")
    buffer = growing.lua("return vim.fn.bufnr('shop/orders.py')")
    code = "return vim.tbl_map(function(item) return item.user_data.codekin.head:match('%S+$') end, vim.fn.getqflist())"
    names = growing.lua(code)
    growing.lua("vim.fn.appendbufline(..., '$', '# new')", buffer)
    grow(growing, 0.5)
    growing.wait_until(f"{TITLE}:find('50%', 1, true)")
    growing.lua("vim.fn.appendbufline(..., 0, vim.fn['repeat']({ '# new' }, 40))", buffer)
    grow(growing, 0.7)
    growing.wait_until(f"{TITLE}:find('70%', 1, true)")
    assert growing.lua(code) == names  # it is the same code's
    growing.lua("local buffer, line = ...; vim.fn.appendbufline(buffer, line, '    # new')", buffer, line + 40)
    grow(growing, 1)
    settle(growing)
    assert growing.lua("return answered") == 3


def test_a_search_while_one_types_is_completed_after_enter(growing: Editor) -> None:
    growing.execute('call feedkeys(":Codekin search\\<CR>")')
    growing.wait_until("return vim.fn.getcmdtype() == '@'")
    growing.send_keys(QUERY)
    growing.wait_until(f"{TITLE} == ...", QUERY + PARTLY)
    growing.send_keys("<CR>")
    growing.wait_until("return vim.fn.getcmdtype() == '' and answered == 2")
    size = growing.lua(SIZE)
    grow(growing, 1)
    growing.wait_until(f"{TITLE} == ...", QUERY)
    assert growing.lua(SIZE) == size + 1
