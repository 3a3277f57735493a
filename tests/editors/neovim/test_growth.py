"""Lists that were filled from a part of the workspace."""

from .conftest import Editor

GROW = """
  asked = 0
  local function ask(callback)
    asked = asked + 1
    require('codekin.client').request(0, 'codekin/search', { query = 'total price' }, function(answer, client)
      callback(require('codekin.hits').create_result(answer, 'total price', client))
    end)
  end
  local hits = require('codekin.hits')
  local result = { title = 'total price (20% of the workspace is indexed so far)', items = {}, coverage = 0.2 }
  list = hits.fill_list(result, 'quickfix')
  require('codekin.growth').follow(result, 'quickfix', list, ask)
"""
REPORT = "vim.api.nvim_exec_autocmds('User', { pattern = 'CodekinStatus', data = { coverage = ... } })"


def test_a_list_is_completed_as_the_index_grows(editor: Editor) -> None:
    editor.lua(GROW)
    editor.lua(REPORT, 0.25)
    assert editor.lua("return asked") == 0
    editor.lua(REPORT, 0.5)
    editor.wait_until("return vim.fn.getqflist({ id = list, size = 0 }).size > 0")
    assert editor.lua("return vim.fn.getqflist({ id = list, title = 0 }).title") == "total price"
    editor.execute("call setqflist([], 'r', #{title: 'mine'})")
    editor.lua(REPORT, 1)
    assert editor.lua("return asked") == 1  # the list is another's now


SEARCH = """
  vim.schedule(function()
    require('codekin.live').search('codekin', function(query, callback)
      callback({}, query .. ' (20% of the workspace is indexed so far)')
    end)
  end)
"""


def test_a_search_while_one_types_says_how_much_is_indexed(editor: Editor) -> None:
    editor.lua(SEARCH)
    editor.wait_until("return vim.fn.getcmdtype() == '@'")
    editor.send_keys("total")
    editor.wait_until(
        "return vim.fn.getqflist({ title = 1 }).title == 'total (20% of the workspace is indexed so far)'"
    )
    editor.send_keys("<Esc>")
