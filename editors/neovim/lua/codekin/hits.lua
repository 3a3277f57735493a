--- Results: as quickfix items, in lists, and side by side.

local M = {}

local namespace = vim.api.nvim_create_namespace('codekin')
local MIN_SCORE = 0.2 -- of code that is similar in words or meaning only; the rest is noise
local max_name_width = 40 -- cells; longer names are shortened

--- A hit as an item of the quickfix list; pickers use some of its fields.
---@class codekin.Item
---@field filename string
---@field lnum integer of its name, from 1
---@field col integer in bytes, from 1
---@field end_lnum integer its last line
---@field text string score, kinship, name, and why
---@field user_data { codekin: codekin.Data }

---@class codekin.Data
---@field head string score, kinship and name
---@field why string
---@field before integer how many of its lines are above its name
---@field lines integer how many lines it has

--- Hits of one request.
---@class codekin.Result
---@field title string
---@field items codekin.Item[] best first
---@field source? codekin.Mark the code of the query
---@field coverage number the searched share of the workspace
---@field client_id integer of the server that answered
---@field ask_again? codekin.AskAgain

--- Asks the same server for the code, which has moved by so many lines. Calls back without a result if that fails.
---@alias codekin.AskAgain fun(callback: fun(result?: codekin.Result), shift: integer)

--- Lines of a buffer, tracked by extmarks.
---@class codekin.Mark
---@field bufnr integer
---@field first integer an extmark
---@field last integer an extmark

local latest_result ---@type codekin.Result? what `diff` compares

---@param value any
---@return any
local function from_json(value)
  return value ~= vim.NIL and value or nil
end

---@param hit table `Hit` of the server
---@return string
local function get_name(hit)
  local name = from_json(hit.qualifiedName) or ''
  name = name ~= '' and name or (hit.name or '')
  if name == '' and hit.kind == 'module' then
    name = vim.fs.basename(vim.uri_to_fname(hit.location.uri))
  elseif name == '' then -- the first line with a letter or digit
    name = vim.trim(('\n' .. (hit.preview or '')):match('\n([^\n]*%w[^\n]*)') or '…')
  end
  name = vim.fn.strtrans(name)
  return vim.fn.strcharlen(name) <= max_name_width and name or vim.fn.strcharpart(name, 0, max_name_width - 1) .. '…'
end

---@param hit table `Hit` of the server
---@param width integer cells for the name
---@return string
local function format_head(hit, width)
  local kinship = from_json(hit.kinship)
  local name = get_name(hit)
  name = name .. (' '):rep(width - vim.fn.strdisplaywidth(name))
  local kinship_text = kinship and ('%-9s '):format(kinship) or ''
  local score = ('%d%%'):format(math.floor(hit.score * 100 + 0.5))
  return ('%-4s %s%s'):format(score, kinship_text, name)
end

---@param hit table `Hit` of the server
---@param encoding string
---@param width integer
---@return codekin.Item
local function create_item(hit, encoding, width)
  local name_location = { uri = hit.location.uri, range = hit.selectionRange }
  local item = vim.lsp.util.locations_to_items({ name_location }, encoding)[1]
  local whole, head = hit.location.range, format_head(hit, width)
  local last = whole['end'].line + (whole['end'].character > 0 and 1 or 0)
  return {
    filename = item.filename,
    lnum = item.lnum,
    col = item.col,
    end_lnum = math.max(last, item.lnum),
    text = vim.trim(head .. '  ' .. hit.why),
    user_data = {
      codekin = {
        head = head,
        why = hit.why,
        before = item.lnum - 1 - whole.start.line,
        lines = last - whole.start.line,
      },
    },
  }
end

--- Track lines of a loaded buffer.
---@param location? table `Location` of whole lines
---@return codekin.Mark?
local function create_mark(location)
  if not from_json(location) then
    return nil
  end
  local bufnr = vim.uri_to_bufnr(location.uri)
  if not vim.api.nvim_buf_is_loaded(bufnr) then
    return nil
  end
  local last = math.min(location.range['end'].line, vim.api.nvim_buf_line_count(bufnr)) - 1
  return {
    bufnr = bufnr,
    first = vim.api.nvim_buf_set_extmark(bufnr, namespace, location.range.start.line, 0, { right_gravity = true }),
    last = vim.api.nvim_buf_set_extmark(bufnr, namespace, math.max(last, location.range.start.line), 0, {}),
  }
end

--- Return the tracked lines, from 1, and their text, or nil when their buffer is no longer loaded.
---@param mark codekin.Mark
---@return { first: integer, last: integer, text: string[] }?
function M.read_mark(mark)
  if not vim.api.nvim_buf_is_loaded(mark.bufnr) then
    return nil
  end
  local first = vim.api.nvim_buf_get_extmark_by_id(mark.bufnr, namespace, mark.first, {})[1]
  local last = vim.api.nvim_buf_get_extmark_by_id(mark.bufnr, namespace, mark.last, {})[1]
  if first and last then
    local text = vim.api.nvim_buf_get_lines(mark.bufnr, first, last + 1, false)
    return { first = first + 1, last = last + 1, text = text }
  end
end

--- Stop tracking lines.
---@param mark? codekin.Mark
function M.delete_mark(mark)
  if mark and vim.api.nvim_buf_is_valid(mark.bufnr) then
    vim.api.nvim_buf_del_extmark(mark.bufnr, namespace, mark.first)
    vim.api.nvim_buf_del_extmark(mark.bufnr, namespace, mark.last)
  end
end

--- Whether a hit is a search result, a clone, or similar enough.
---@param hit table `Hit` of the server
---@return boolean
local function is_worth_showing(hit)
  local kinship = from_json(hit.kinship)
  return not kinship or kinship ~= 'similar' or hit.score >= MIN_SCORE
end

--- Convert an answer of the server.
---@param answer table `Answer` of the server
---@param title string
---@param client vim.lsp.Client
---@return codekin.Result
function M.create_result(answer, title, client)
  local width = 0
  local hits = vim.tbl_filter(is_worth_showing, answer.hits)
  for _, hit in ipairs(hits) do
    width = math.max(width, vim.fn.strdisplaywidth(get_name(hit)))
  end
  local items = vim
    .iter(hits)
    :map(function(hit)
      return create_item(hit, client.offset_encoding, width)
    end)
    :totable()
  if answer.coverage < 1 then
    title = ('%s (%d%% of the workspace is indexed so far)'):format(title, math.floor(answer.coverage * 100))
  end
  return {
    title = title,
    items = items,
    source = create_mark(answer.asked),
    coverage = answer.coverage,
    client_id = client.id,
  }
end

--- Make `diff` compare the hits of this result.
---@param result codekin.Result
---@param earlier? codekin.Result do so only if it is this one whose hits are compared so far
function M.set_latest(result, earlier)
  if not earlier or latest_result == earlier then
    latest_result = result
  end
end

--- Return the path for display, with invisible and direction-changing characters escaped. Never open it by this.
---@param path string
---@return string
function M.get_display_path(path)
  return vim.fn.strtrans(vim.fn.fnamemodify(path, ':~:.'))
end

--- Jump to a hit.
---@param item codekin.Item
function M.jump_to(item)
  vim.cmd("normal! m'")
  vim.cmd.edit({ vim.fn.fnamemodify(item.filename, ':.'), magic = { file = false, bar = false } })
  local last = vim.api.nvim_buf_line_count(0)
  vim.api.nvim_win_set_cursor(0, { math.min(item.lnum, last), math.max(item.col - 1, 0) })
  vim.cmd('normal! zvzz')
end

-- Lists

--- Shorten a path from the left to this many cells, so that names stay visible.
---@param path string
---@param width integer
---@return string
function M.shorten_path(path, width)
  local shortened, rest = path, path:match('/(.*)')
  while rest and vim.fn.strdisplaywidth(shortened) > width do
    shortened, rest = '…/' .. rest, rest:match('/(.*)')
  end
  return shortened
end

--- Format the lines of a list for 'quickfixtextfunc', with names aligned.
---@param info { quickfix: 0|1, winid: integer, id: integer, start_idx: integer, end_idx: integer }
---@return string[]
local function format_list(info)
  local fields = { id = info.id, items = 1 }
  local items = info.quickfix == 1 and vim.fn.getqflist(fields).items or vim.fn.getloclist(info.winid, fields).items
  local locations, max_location_width = {}, 0
  for index, item in ipairs(items) do
    local display_path = M.get_display_path(vim.api.nvim_buf_get_name(item.bufnr))
    local path = M.shorten_path(display_path, math.max(24, vim.o.columns / 3))
    local last = item.end_lnum > item.lnum and '-' .. item.end_lnum or ''
    locations[index] = ('%s|%d%s|'):format(path, item.lnum, last)
    max_location_width = math.max(max_location_width, vim.fn.strdisplaywidth(locations[index]))
  end
  return vim
    .iter(vim.list_slice(items, info.start_idx, info.end_idx))
    :enumerate()
    :map(function(index, item)
      local location = locations[info.start_idx + index - 1]
      return ('%s%s %s'):format(location, (' '):rep(max_location_width - vim.fn.strdisplaywidth(location)), item.text)
    end)
    :totable()
end

--- Put the hits into the quickfix list, or into the window's location list.
---@param result codekin.Result
---@param where 'quickfix'|'loclist'
---@param list? integer the list to replace; without it a new one is added, and :colder returns to the earlier one
---@param index? integer of the current entry; the first without it
---@return integer list
function M.fill_list(result, where, list, index)
  local what = { title = result.title, items = result.items, id = list, idx = index }
  what.quickfixtextfunc = vim.o.quickfixtextfunc == '' and format_list or nil -- the user's own takes precedence
  local action = list and 'r' or ' '
  if where == 'loclist' then
    vim.fn.setloclist(0, {}, action, what)
    return vim.fn.getloclist(0, { id = 0 }).id
  end
  vim.fn.setqflist({}, action, what)
  return vim.fn.getqflist({ id = 0 }).id
end

---@param result codekin.Result
---@param where 'quickfix'|'loclist'
function M.show_list(result, where)
  local list = M.fill_list(result, where)
  require('codekin.growth').follow(result, where, list)
  M.open_list(where)
end

--- Open the list window, one line for each hit.
---@param where 'quickfix'|'loclist'
function M.open_list(where)
  vim.cmd(where == 'loclist' and 'lopen' or 'botright copen')
  vim.wo[0][0].wrap = false
end

-- Side by side

--- Return the hit to compare: the entry at the cursor of a list, the hit at the cursor, or the list's current entry.
---@return codekin.Item?
local function find_target()
  local window = vim.fn.getwininfo(vim.api.nvim_get_current_win())[1]
  if window.quickfix == 1 then
    local items = window.loclist == 1 and vim.fn.getloclist(0) or vim.fn.getqflist()
    return items[vim.fn.line('.')]
  end
  local here, line = vim.api.nvim_buf_get_name(0), vim.fn.line('.')
  for _, item in ipairs(latest_result and latest_result.items or {}) do
    local first = item.lnum - item.user_data.codekin.before
    if
      vim.fn.fnamemodify(item.filename, ':p') == here
      and first <= line
      and line < first + item.user_data.codekin.lines
    then
      return item
    end
  end
  local list = vim.fn.getqflist({ idx = 0, items = 1 })
  return list.items[list.idx] or (latest_result and latest_result.items[1])
end

---@param bufnr integer
---@param first integer from 1
---@param last integer
---@return integer buffer a scratch copy of these lines, dedented
local function create_excerpt(bufnr, first, last)
  vim.fn.bufload(bufnr)
  local lines = vim.api.nvim_buf_get_lines(bufnr, first - 1, last, false)
  local indent ---@type string?
  for _, line in ipairs(lines) do
    local line_indent = line:match('^(%s*)%S')
    if line_indent and (not indent or #line_indent < #indent) then
      indent = line_indent
    end
  end
  for index, line in ipairs(lines) do
    lines[index] = vim.startswith(line, indent or '') and line:sub(#(indent or '') + 1) or vim.trim(line)
  end
  local scratch = vim.api.nvim_create_buf(false, true)
  vim.api.nvim_buf_set_lines(scratch, 0, -1, false, lines)
  local path = M.get_display_path(vim.api.nvim_buf_get_name(bufnr))
  local name = ('codekin://%s:%d-%d'):format(path, first, last)
  if not pcall(vim.api.nvim_buf_set_name, scratch, name) then -- also shown in another tab
    vim.api.nvim_buf_set_name(scratch, ('%s (%d)'):format(name, scratch))
  end
  vim.bo[scratch].bufhidden, vim.bo[scratch].modifiable = 'wipe', false
  vim.bo[scratch].filetype = vim.filetype.match({ buf = bufnr }) or ''
  return scratch
end

---@param bufnr integer
---@param first integer from 1
---@param last integer
---@return boolean whether these lines are blank or do not exist
local function is_blank(bufnr, first, last)
  vim.fn.bufload(bufnr)
  return not table.concat(vim.api.nvim_buf_get_lines(bufnr, first - 1, last, false)):find('%S')
end

--- Show two excerpts side by side in diff mode, in a new tab.
---@param left integer
---@param right integer
local function show_side_by_side(left, right)
  vim.cmd.tabnew()
  vim.bo.bufhidden = 'wipe'
  for index, buffer in ipairs({ left, right }) do
    if index > 1 then
      vim.cmd('rightbelow vertical split')
    end
    vim.api.nvim_win_set_buf(0, buffer)
    vim.cmd.diffthis()
    vim.wo[0][0].foldenable = false -- a function is short enough to be shown whole
  end
  vim.cmd.wincmd('p')
end

---@param location lsp.Location
---@return integer buffer
local function create_location_excerpt(location)
  local last = location.range['end']
  local bufnr = vim.uri_to_bufnr(location.uri)
  return create_excerpt(bufnr, location.range.start.line + 1, last.line + (last.character > 0 and 1 or 0))
end

--- Compare two locations, for the quick fix of a duplicate.
---@param left lsp.Location
---@param right lsp.Location
function M.compare(left, right)
  show_side_by_side(create_location_excerpt(left), create_location_excerpt(right))
end

--- Compare a hit with the code of the query.
---@return string? problem
function M.diff()
  local item = find_target()
  local data = item and type(item.user_data) == 'table' and item.user_data.codekin
  if not item or not data then
    return 'no hit to compare here; run :Codekin similar first'
  end
  local source = latest_result and latest_result.source
  local code = source and M.read_mark(source)
  if not source or not code then
    return 'these hits have no source code to compare; run :Codekin similar first'
  end
  local bufnr = item.bufnr or vim.fn.bufadd(item.filename)
  local first = item.lnum - data.before
  local left = { source.bufnr, code.first, code.last }
  local right = { bufnr, first, first + data.lines - 1 }
  if is_blank(unpack(left)) or is_blank(unpack(right)) then
    return 'the code has been deleted; run :Codekin similar again'
  end
  show_side_by_side(create_excerpt(unpack(left)), create_excerpt(unpack(right)))
end

return M
