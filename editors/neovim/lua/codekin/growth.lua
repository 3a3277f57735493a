--- Complete a list while the index grows: it was filled from what was indexed of the workspace when it was asked for.

local hits = require('codekin.hits')

local M = {}

local COVERAGE_STEP = 0.1 -- share of the workspace that must be newly indexed before the query is repeated

---@param where 'quickfix'|'loclist'
---@param list integer
---@param fields table
---@return table
local function get_list(where, list, fields)
  fields.id = list
  return where == 'loclist' and vim.fn.getloclist(0, fields) or vim.fn.getqflist(fields)
end

--- Return the index of the hit that the list's current entry is, in the items of a later answer.
---@param items codekin.Item[]
---@param current table?
---@return integer?
local function find_index(items, current)
  for index, item in ipairs(items) do
    if current and current.lnum == item.lnum and vim.api.nvim_buf_get_name(current.bufnr) == item.filename then
      return index
    end
  end
end

--- Repeat the query whenever much more is indexed, and when everything is; replace the list's items. Ends when the list
--- is gone or another has replaced it, or when the code of the query has been edited, which its place may not survive.
---@param result codekin.Result of the first answer
---@param where 'quickfix'|'loclist'
---@param list integer
---@param ask fun(callback: fun(result: codekin.Result))
function M.follow(result, where, list, ask)
  if result.coverage >= 1 then
    return
  end
  local window = where == 'loclist' and vim.api.nvim_get_current_win() -- to which the list belongs
  local source, title, coverage = result.source, result.title, result.coverage
  local tick = source and vim.api.nvim_buf_get_changedtick(source.bufnr)

  local function call_in_window(call)
    if window then
      return vim.api.nvim_win_call(window, call)
    end
    return call()
  end

  local function is_current()
    if window and not vim.api.nvim_win_is_valid(window) then
      return false
    elseif source and not vim.api.nvim_buf_is_loaded(source.bufnr) then
      return false
    elseif source and vim.api.nvim_buf_get_changedtick(source.bufnr) ~= tick then
      return false
    end
    return call_in_window(function()
      return get_list(where, list, { title = 1 }).title == title
    end)
  end

  local function replace(answer)
    if is_current() then
      call_in_window(function()
        local entries = get_list(where, list, { idx = 0, items = 1 })
        hits.fill_list(answer, where, list, find_index(answer.items, entries.items[entries.idx]))
      end)
      title = answer.title
    end
  end

  vim.api.nvim_create_autocmd('User', {
    pattern = 'CodekinStatus',
    callback = function(event)
      if not is_current() then
        return true -- removes this
      end
      local status = event.data
      if status.coverage >= 1 or status.coverage >= coverage + COVERAGE_STEP then
        coverage = status.coverage
        ask(replace)
        return coverage >= 1
      end
    end,
  })
end

return M
