--- Search as you type without a picker: the query in the command line, the hits in the quickfix window above.

local hits = require('codekin.hits')

local M = {}

local DEBOUNCE_MS = 80 -- after the last key stroke

--- Make the list before a search that was cancelled current again.
---@param list integer of the search
---@param earlier { id: integer, winid: integer } the list before it; its id is 0 without one
local function restore_list(list, earlier)
  if vim.fn.getqflist({ id = 0 }).id == list then
    if earlier.id == 0 then
      vim.fn.setqflist({}, 'f')
    else
      vim.cmd('silent colder')
    end
  end
  if earlier.winid == 0 then
    vim.cmd.cclose()
  end
end

---@param title string
---@param search codekin.SearchFunction
function M.search(title, search)
  local earlier = vim.fn.getqflist({ id = 0, winid = 0 })
  local list = hits.fill_list({ title = title, items = {}, coverage = 1 }, 'quickfix')
  local origin = vim.api.nvim_get_current_win()
  hits.open_list('quickfix')
  local timer, has_ended = assert(vim.uv.new_timer()), false
  local function refresh(query, is_final)
    search(query, function(items, list_title, result)
      hits.fill_list({ title = list_title or query, items = items, coverage = 1 }, 'quickfix', list)
      if is_final and result then
        require('codekin.growth').follow(result, 'quickfix', list)
      end
      vim.cmd.redraw()
    end)
  end
  local autocmd = vim.api.nvim_create_autocmd('CmdlineChanged', {
    pattern = '@',
    callback = function()
      local query = vim.fn.getcmdline()
      timer:start(
        DEBOUNCE_MS,
        0,
        vim.schedule_wrap(function()
          if not has_ended then -- else it was already queued when Enter was pressed
            refresh(query)
          end
        end)
      )
    end,
  })
  vim.cmd.redraw()
  local ok, query = pcall(vim.fn.input, { prompt = 'codekin: ', cancelreturn = '' })
  vim.api.nvim_del_autocmd(autocmd)
  has_ended = true
  timer:stop()
  timer:close()
  if ok and query ~= '' then
    return refresh(query, true)
  end
  restore_list(list, earlier)
  if vim.api.nvim_win_is_valid(origin) then
    vim.api.nvim_set_current_win(origin)
  end
end

return M
