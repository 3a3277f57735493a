--- Complete a list while the index grows: it was filled from what was indexed of the workspace when it was asked for.

local hits = require('codekin.hits')

local M = {}

local MAX_COVERAGE_STEP = 0.1 -- share of the workspace that may be newly indexed before the query is repeated
local RETRY_MS, MAX_RETRIES = 1000, 3 -- of a repeated query that fails

---@param where 'quickfix'|'loclist'
---@param fields table
---@return table
local function get_list(where, fields)
  return where == 'loclist' and vim.fn.getloclist(0, fields) or vim.fn.getqflist(fields)
end

--- Whether so much more is indexed than an answer is from that its query is worth repeating: twice as much, or a step.
---@param answered number share of the workspace
---@param reported number share of the workspace
---@return boolean
local function is_worth_repeating(answered, reported)
  local is_much_more = reported >= math.min(2 * answered, answered + MAX_COVERAGE_STEP)
  return reported >= 1 or (reported > answered and is_much_more)
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
--- the list's items. Ends earlier when the list is changed by others or gone, when the code of the query is changed, or
--- when the server is gone. A query that fails is tried again some times, then when the status changes.
---@param result codekin.Result of the first answer
---@param where 'quickfix'|'loclist' in the current window
---@param list integer
function M.follow(result, where, list)
  if result.coverage >= 1 or not result.ask_again then
    return
  end
  local source, ask_again, client_id = result.source, result.ask_again, result.client_id
  local asked_code = source and hits.read_mark(source) -- as the first answer with code knows it
  local is_untouched, replace = watch_list(where, list)
  local reported, retries, is_asking, has_ended = 0, 0, false, false
  local ask

  --- Return by how many lines the code of the query has moved; nil when it is changed or gone.
  local function find_shift()
    local code = source and hits.read_mark(source)
    if not source then
      return 0
    elseif code and asked_code and vim.deep_equal(code.text, asked_code.text) then
      return code.first - asked_code.first
    end
  end

  local function is_current()
    return not has_ended
      and vim.lsp.get_client_by_id(client_id) ~= nil
      and find_shift() ~= nil
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
    if source then
      hits.delete_mark(answer.source) -- the first answer's tracks the same code
    elseif answer.source then
      source, asked_code = answer.source, hits.read_mark(answer.source)
    end
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
    if is_worth_repeating(result.coverage, reported) and not is_asking and is_current() then
      local asked_at = reported
      is_asking = true
      ask_again(function(answer)
        take(answer, asked_at)
      end, find_shift())
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
