--- Answers: as lines to read, as lists to go through, and side by side.

local M = {}

local space = vim.api.nvim_create_namespace('codekin')
local widest = 40 -- cells for a name, before it is shortened

--- A hit as an item of the quickfix list, of which pickers understand as much as they need.
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

--- An answer to show.
---@class codekin.Found
---@field title string
---@field items codekin.Item[] best first
---@field asked? codekin.Mark what it was asked about
---@field coverage number the share of the workspace that was searched

--- Lines of a buffer, which follow when text above them comes or goes.
---@class codekin.Mark
---@field bufnr integer
---@field first integer an extmark
---@field last integer an extmark

local current ---@type codekin.Found? the latest

---@param value any
---@return any
local function known(value)
  return value ~= vim.NIL and value or nil
end

---@param hit table `Hit` of the server
---@return string
local function name_of(hit)
  local name = known(hit.qualifiedName) or ''
  name = name ~= '' and name or (hit.name or '')
  if name == '' then -- the first line that says something
    name = vim.trim(('\n' .. (hit.preview or '')):match('\n([^\n]*%w[^\n]*)') or '…')
  end
  name = vim.fn.strtrans(name)
  return vim.fn.strcharlen(name) <= widest and name or vim.fn.strcharpart(name, 0, widest - 1) .. '…'
end

---@param hit table `Hit` of the server
---@param width integer cells for the name
---@return string
local function head_of(hit, width)
  local kinship = known(hit.kinship)
  local name = name_of(hit)
  name = name .. (' '):rep(width - vim.fn.strdisplaywidth(name))
  local how = kinship and ('%-9s '):format(kinship) or ''
  local score = ('%d%%'):format(math.floor(hit.score * 100 + 0.5))
  return ('%-4s %s%s'):format(score, how, name)
end

---@param hit table `Hit` of the server
---@param encoding string
---@param width integer
---@return codekin.Item
local function item_of(hit, encoding, width)
  local at = { uri = hit.location.uri, range = hit.selectionRange }
  local item = vim.lsp.util.locations_to_items({ at }, encoding)[1]
  local whole, head = hit.location.range, head_of(hit, width)
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

---@param asked? table `Location` of whole lines
---@return codekin.Mark?
local function mark(asked)
  if not known(asked) then
    return nil
  end
  local bufnr = vim.uri_to_bufnr(asked.uri)
  if not vim.api.nvim_buf_is_loaded(bufnr) then
    return nil
  end
  local last = math.min(asked.range['end'].line, vim.api.nvim_buf_line_count(bufnr)) - 1
  return {
    bufnr = bufnr,
    first = vim.api.nvim_buf_set_extmark(bufnr, space, asked.range.start.line, 0, { right_gravity = true }),
    last = vim.api.nvim_buf_set_extmark(bufnr, space, math.max(last, asked.range.start.line), 0, {}),
  }
end

--- The answer, ready to be shown.
---@param answer table `Answer` of the server
---@param title string
---@param client vim.lsp.Client
---@return codekin.Found
function M.found(answer, title, client)
  local width = 0
  for _, hit in ipairs(answer.hits) do
    width = math.max(width, vim.fn.strdisplaywidth(name_of(hit)))
  end
  local items = vim
    .iter(answer.hits)
    :map(function(hit)
      return item_of(hit, client.offset_encoding, width)
    end)
    :totable()
  if answer.coverage < 1 then
    title = ('%s (%d%% of the workspace is indexed so far)'):format(title, math.floor(answer.coverage * 100))
  end
  current = { title = title, items = items, asked = mark(answer.asked), coverage = answer.coverage }
  return current
end

--- The path for a person: what shows nothing of its own, and turns text round, by number. Never to open it by.
---@param path string
---@return string
function M.shown(path)
  return vim.fn.strtrans(vim.fn.fnamemodify(path, ':~:.'))
end

--- Go to a hit, as after a jump.
---@param item codekin.Item
function M.jump(item)
  vim.cmd("normal! m'")
  vim.cmd.edit({ vim.fn.fnamemodify(item.filename, ':.'), magic = { file = false, bar = false } })
  local last = vim.api.nvim_buf_line_count(0)
  vim.api.nvim_win_set_cursor(0, { math.min(item.lnum, last), math.max(item.col - 1, 0) })
  vim.cmd('normal! zvzz')
end

-- Lists

--- A path's end in so many cells: a deep tree is not to push the names out of sight.
---@param path string
---@param width integer
---@return string
function M.shortened(path, width)
  local shown, rest = path, path:match('/(.*)')
  while rest and vim.fn.strdisplaywidth(shown) > width do
    shown, rest = '…/' .. rest, rest:match('/(.*)')
  end
  return shown
end

--- The lines of a list of ours, for 'quickfixtextfunc': names stand below each other.
---@param info { quickfix: 0|1, winid: integer, id: integer, start_idx: integer, end_idx: integer }
---@return string[]
local function lines_of(info)
  local wanted = { id = info.id, items = 1 }
  local items = info.quickfix == 1 and vim.fn.getqflist(wanted).items or vim.fn.getloclist(info.winid, wanted).items
  local places, widest_place = {}, 0
  for index, item in ipairs(items) do
    local path = M.shortened(M.shown(vim.api.nvim_buf_get_name(item.bufnr)), math.max(24, vim.o.columns / 3))
    local last = item.end_lnum > item.lnum and '-' .. item.end_lnum or ''
    places[index] = ('%s|%d%s|'):format(path, item.lnum, last)
    widest_place = math.max(widest_place, vim.fn.strdisplaywidth(places[index]))
  end
  return vim
    .iter(vim.list_slice(items, info.start_idx, info.end_idx))
    :enumerate()
    :map(function(index, item)
      local at = places[info.start_idx + index - 1]
      return ('%s%s %s'):format(at, (' '):rep(widest_place - vim.fn.strdisplaywidth(at)), item.text)
    end)
    :totable()
end

--- Put the answer into the quickfix list, or into the window's location list.
---@param found codekin.Found
---@param where 'quickfix'|'loclist'
---@param list? integer the list to replace; else there is a new one, and the older can be had again by :colder
---@return integer list
function M.fill(found, where, list)
  local what = { title = found.title, items = found.items, id = list }
  what.quickfixtextfunc = vim.o.quickfixtextfunc == '' and lines_of or nil -- a user's own goes first
  local action = list and 'r' or ' '
  if where == 'loclist' then
    vim.fn.setloclist(0, {}, action, what)
    return vim.fn.getloclist(0, { id = 0 }).id
  end
  vim.fn.setqflist({}, action, what)
  return vim.fn.getqflist({ id = 0 }).id
end

---@param found codekin.Found
---@param where 'quickfix'|'loclist'
function M.list(found, where)
  M.fill(found, where)
  M.open(where)
end

--- Show the list, a line for each hit.
---@param where 'quickfix'|'loclist'
function M.open(where)
  vim.cmd(where == 'loclist' and 'lopen' or 'botright copen')
  vim.wo[0][0].wrap = false
end

-- Side by side

--- The hit that is meant: the entry under a list's cursor, the hit that the cursor is in, or the list's current one.
---@return codekin.Item?
local function meant()
  local window = vim.fn.getwininfo(vim.api.nvim_get_current_win())[1]
  if window.quickfix == 1 then
    local items = window.loclist == 1 and vim.fn.getloclist(0) or vim.fn.getqflist()
    return items[vim.fn.line('.')]
  end
  local here, line = vim.api.nvim_buf_get_name(0), vim.fn.line('.')
  for _, item in ipairs(current and current.items or {}) do
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
  return list.items[list.idx] or (current and current.items[1])
end

---@param bufnr integer
---@param first integer from 1
---@param last integer
---@return integer buffer a scratch copy of these lines, without their common indentation
local function excerpt(bufnr, first, last)
  vim.fn.bufload(bufnr)
  local lines = vim.api.nvim_buf_get_lines(bufnr, first - 1, last, false)
  local indent ---@type string?
  for _, line in ipairs(lines) do
    local own = line:match('^(%s*)%S')
    if own and (not indent or #own < #indent) then
      indent = own
    end
  end
  for index, line in ipairs(lines) do
    lines[index] = vim.startswith(line, indent or '') and line:sub(#(indent or '') + 1) or vim.trim(line)
  end
  local scratch = vim.api.nvim_create_buf(false, true)
  vim.api.nvim_buf_set_lines(scratch, 0, -1, false, lines)
  local path = M.shown(vim.api.nvim_buf_get_name(bufnr))
  local name = ('codekin://%s:%d-%d'):format(path, first, last)
  if not pcall(vim.api.nvim_buf_set_name, scratch, name) then -- shown in another tab, too
    vim.api.nvim_buf_set_name(scratch, ('%s (%d)'):format(name, scratch))
  end
  vim.bo[scratch].bufhidden, vim.bo[scratch].modifiable = 'wipe', false
  vim.bo[scratch].filetype = vim.filetype.match({ buf = bufnr }) or ''
  return scratch
end

---@param bufnr integer
---@param first integer from 1
---@param last integer
---@return boolean whether there is nothing to read in these lines
local function is_gone(bufnr, first, last)
  vim.fn.bufload(bufnr)
  return not table.concat(vim.api.nvim_buf_get_lines(bufnr, first - 1, last, false)):find('%S')
end

--- Show two excerpts beside each other, in diff mode, in a tab of their own.
---@param mine integer
---@param theirs integer
local function beside(mine, theirs)
  vim.cmd.tabnew()
  vim.bo.bufhidden = 'wipe'
  for index, buffer in ipairs({ mine, theirs }) do
    if index > 1 then
      vim.cmd('rightbelow vertical split')
    end
    vim.api.nvim_win_set_buf(0, buffer)
    vim.cmd.diffthis()
    vim.wo[0][0].foldenable = false -- a function is short enough to be seen whole
  end
  vim.cmd.wincmd('p')
end

---@param location lsp.Location
---@return integer buffer
local function excerpt_of(location)
  local last = location.range['end']
  local bufnr = vim.uri_to_bufnr(location.uri)
  return excerpt(bufnr, location.range.start.line + 1, last.line + (last.character > 0 and 1 or 0))
end

--- Show two places beside each other, as the quick fix of a duplicate asks for.
---@param mine lsp.Location
---@param theirs lsp.Location
function M.compare(mine, theirs)
  beside(excerpt_of(mine), excerpt_of(theirs))
end

--- Show a hit beside the code that was asked about.
---@return string? problem
function M.diff()
  local item = meant()
  local data = item and type(item.user_data) == 'table' and item.user_data.codekin
  if not item or not data then
    return 'there is no hit here to compare. :Codekin similar finds some.'
  end
  local asked = current and current.asked
  if not asked or not vim.api.nvim_buf_is_loaded(asked.bufnr) then
    return 'these hits were not compared with code of yours. :Codekin similar asks about the function at the cursor.'
  end
  local function row(extmark)
    return vim.api.nvim_buf_get_extmark_by_id(asked.bufnr, space, extmark, {})[1] + 1
  end
  local bufnr = item.bufnr or vim.fn.bufadd(item.filename)
  local first = item.lnum - data.before
  local mine, theirs = { asked.bufnr, row(asked.first), row(asked.last) }, { bufnr, first, first + data.lines - 1 }
  if is_gone(unpack(mine)) or is_gone(unpack(theirs)) then
    return 'one of the two is not there any more. :Codekin similar asks anew.'
  end
  beside(excerpt(unpack(mine)), excerpt(unpack(theirs)))
end

return M
