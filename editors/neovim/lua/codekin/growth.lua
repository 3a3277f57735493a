--- Complete a list while the index grows: it was filled from what was indexed of the workspace when it was asked for.

local hits = require('codekin.hits')

local M = {}

local COVERAGE_STEP = 0.1 -- share of the workspace that must be newly indexed before the query is repeated
local RETRY_MS, MAX_RETRIES = 1000, 3 -- of a repeated query that fails

---@param where 'quickfix'|'loclist'
---@param fields table
---@return table
local function get_list(where, fields)
  return where == 'loclist' and vim.fn.getloclist(0, fields) or vim.fn.getqflist(fields)
end

--- Return the index of an entry of the list in the items of a later answer.
---@param items codekin.Item[]
---@param entry table?
---@return integer?
local function find_index(items, entry)
  if not entry or entry.bufnr == 0 then
    return nil
  end
  local name = vim.api.nvim_buf_get_name(entry.bufnr)
  for index, item in ipairs(items) do
    if entry.lnum == item.lnum and name == item.filename then
      return index
    end
  end
end

--- Replace the items of a list. Its current entry, and the cursor in its window, stay at their hits.
---@param result codekin.Result
---@param where 'quickfix'|'loclist' in this window
---@param list integer
local function refill_list(result, where, list)
  local shown = get_list(where, { id = 0, winid = 0 })
  local cursor = shown.winid ~= 0 and vim.api.nvim_win_get_cursor(shown.winid)
  local entries = get_list(where, { id = list, idx = 0, items = 1 })
  hits.fill_list(result, where, list, find_index(result.items, entries.items[entries.idx]))
  if cursor then
    local line = shown.id == list and find_index(result.items, entries.items[cursor[1]]) or cursor[1]
    local last = vim.api.nvim_buf_line_count(vim.api.nvim_win_get_buf(shown.winid))
    vim.api.nvim_win_set_cursor(shown.winid, { math.min(line, last), cursor[2] })
  end
end

--- Return a function that tells whether the list is as this module has left it, and one that replaces its items.
---@param where 'quickfix'|'loclist'
---@param list integer
---@return fun(): boolean is_untouched
---@return fun(result: codekin.Result) replace
local function watch_list(where, list)
  local window = where == 'loclist' and vim.api.nvim_get_current_win() -- to which the list belongs
  local function call_in_window(call)
    return window and vim.api.nvim_win_call(window, call) or not window and call()
  end
  local function read_tick()
    return get_list(where, { id = list, changedtick = 0 }).changedtick -- 0 without the list
  end
  local tick = call_in_window(read_tick)

  local function is_untouched()
    return (not window or vim.api.nvim_win_is_valid(window)) and call_in_window(read_tick) == tick
  end
  local function replace(result)
    call_in_window(function()
      refill_list(result, where, list)
    end)
    tick = call_in_window(read_tick)
  end
  return is_untouched, replace
end

--- Repeat the query whenever its server has indexed much more, and until an answer is from the whole workspace; replace
--- the list's items. Ends earlier when the list is changed by others or gone, when the code of the query is changed or
--- moved, or when the server is gone. A query that fails is tried again some times, then when the status changes.
---@param result codekin.Result of the first answer
---@param where 'quickfix'|'loclist' in the current window
---@param list integer
function M.follow(result, where, list)
  if result.coverage >= 1 or not result.ask_again then
    return
  end
  local source, ask_again, client_id = result.source, result.ask_again, result.client_id
  local asked_code = source and hits.read_mark(source)
  local is_untouched, replace = watch_list(where, list)
  local reported, retries, is_asking, has_ended = 0, 0, false, false
  local ask

  local function is_current()
    return not has_ended
      and vim.lsp.get_client_by_id(client_id) ~= nil
      and (not source or vim.deep_equal(hits.read_mark(source), asked_code))
      and is_untouched()
  end

  local function retry()
    if retries < MAX_RETRIES then
      retries = retries + 1
      vim.defer_fn(ask, RETRY_MS)
    end
  end

  local function take(answer, asked_at)
    is_asking = false
    if not answer then
      return retry()
    end
    hits.delete_mark(answer.source) -- the first answer's tracks the same code
    if #answer.items == 0 and #result.items > 0 then
      return retry() -- a server that is ending has no hits any more
    end
    if is_current() then
      answer.source, retries = source, 0
      replace(answer)
      hits.set_latest(answer, result)
      result, has_ended = answer, answer.coverage >= 1
      if reported > asked_at then
        ask()
      end
    end
  end

  function ask()
    local is_due = reported >= 1 or reported >= result.coverage + COVERAGE_STEP
    if is_due and not is_asking and is_current() then
      local asked_at = reported
      is_asking = true
      ask_again(function(answer)
        take(answer, asked_at)
      end)
    end
  end

  vim.api.nvim_create_autocmd('User', {
    pattern = 'CodekinStatus',
    desc = 'codekin: complete a list',
    callback = function(event)
      if not is_current() then
        return true -- removes this
      elseif event.data.client_id == client_id then
        reported = event.data.coverage
        ask()
      end
    end,
  })
  reported = (require('codekin.client').get_client_status(client_id) or result).coverage
  ask() -- what was indexed between the answer and now
end

return M
