--- codekin answers two questions about your project: what else looks like this code, and where is the code that does X?
---
--- Works without `setup`, which changes the defaults. See `:help codekin`.

local M = {}

local MAX_LIMIT = 1000 -- hits of an answer, as in the server

-- Options

--- Options of `setup`; all are optional.
---@class codekin.Options
---@field autostart boolean attach to the files of a project automatically
---@field cmd? string|string[] the server: a program, or a command with arguments; by default it is searched for
---@field python? string the Python that `:Codekin install` uses
---@field root_markers (string|string[])[] files that mark a project's root; earlier lists take precedence
---@field ghost_text boolean show completions as you type (Neovim 0.12)
---@field show codekin.Show where results are shown
---@field limit? integer maximum number of hits; by default the server's setting `search.limit`
---@field settings table the server's settings, see its README: `{ index = { exclude = { 'legacy/' } } }`

--- Where results are shown. `auto`: the installed picker, or else the quickfix list.
---@alias codekin.Show 'auto'|'quickfix'|'loclist'|'select'|'telescope'|'snacks'|'fzf-lua'|'mini.pick'

--- Options of one query.
---@class codekin.QueryOptions
---@field show? codekin.Show
---@field limit? integer
---@field language? string only hits in this language: an id of the server's, as in `python`
---@field folder? string only hits below this folder
---@field range? { [1]: integer, [2]: integer } similar only: first and last line of the code, from 1

---@type codekin.Options
local defaults = {
  autostart = true,
  cmd = nil,
  python = nil,
  root_markers = {
    { '.git', '.hg', '.jj', '.svn' },
    {
      'pyproject.toml',
      'setup.py',
      'package.json',
      'Cargo.toml',
      'go.mod',
      'pom.xml',
      'build.gradle',
      '.codekinignore',
    },
  },
  ghost_text = true,
  show = 'auto',
  limit = nil,
  settings = {},
}

M.options = vim.deepcopy(defaults)

local option_types = {
  autostart = 'boolean',
  cmd = { 'string', 'table' },
  python = 'string',
  root_markers = 'table',
  ghost_text = 'boolean',
  show = 'string',
  limit = 'number',
  settings = 'table',
}

--- Explain what is wrong with a value of `show` or `limit`.
---@param name string
---@param value any
---@return string? problem
local function find_problem(name, value)
  if name == 'show' and value ~= nil then
    local names = vim.list_extend({ 'auto', 'quickfix', 'loclist' }, require('codekin.pickers').names)
    if not vim.list_contains(names, value) then
      return ('show must be one of %s, not %s'):format(table.concat(names, ', '), tostring(value))
    end
  elseif name == 'limit' and value ~= nil then
    if type(value) ~= 'number' or value < 1 or value > MAX_LIMIT or value % 1 ~= 0 then
      return ('limit must be a whole number from 1 to %d, not %s'):format(MAX_LIMIT, tostring(value))
    end
  end
end

--- Set options.
---@param options? codekin.Options
function M.setup(options)
  M.options = vim.deepcopy(defaults)
  for name, value in pairs(options or {}) do
    local expected = option_types[name] and vim.iter({ option_types[name] }):flatten():totable()
    if not expected then
      local names = vim.tbl_keys(option_types)
      table.sort(names)
      require('codekin.client').notify(
        ('unknown option %s; use one of %s'):format(name, table.concat(names, ', ')),
        vim.log.levels.WARN
      )
    elseif not vim.list_contains(expected, type(value)) then
      local text = ('option %s must be a %s, not %s'):format(
        name,
        table.concat(expected, ' or '),
        vim.inspect(value)
      )
      require('codekin.client').notify(text, vim.log.levels.WARN)
    elseif find_problem(name, value) then
      require('codekin.client').notify('option ' .. find_problem(name, value), vim.log.levels.WARN)
    else
      M.options[name] = value
    end
  end
end

-- Queries

---@param folder string
---@return string path absolute
local function resolve_folder(folder)
  return vim.fs.normalize(vim.fn.fnamemodify(folder, ':p'))
end

--- Show what is wrong with the options of a query.
---@param options codekin.QueryOptions
---@return boolean is_valid
local function check_options(options)
  local problem = find_problem('show', options.show) or find_problem('limit', options.limit)
  if not problem and options.folder and vim.fn.isdirectory(resolve_folder(options.folder)) == 0 then
    problem = 'there is no folder ' .. resolve_folder(options.folder)
  end
  if problem then
    require('codekin.client').notify(problem, vim.log.levels.WARN)
  end
  return not problem
end

---@param options codekin.QueryOptions
---@return table scope
local function create_scope(options)
  return {
    limit = options.limit or M.options.limit,
    language = options.language,
    folder = options.folder and resolve_folder(options.folder) or nil,
  }
end

--- Explain why there is no code to compare in a buffer.
---@param bufnr integer
---@return string? problem
local function find_buffer_problem(bufnr)
  if vim.bo[bufnr].buftype == 'quickfix' then
    return 'this is a list; go to one of its hits with Enter first'
  elseif vim.bo[bufnr].buftype ~= '' then
    return 'this buffer is no file; use :Codekin similar in one'
  elseif vim.api.nvim_buf_get_name(bufnr) == '' then
    return 'this buffer has no file; :write it first'
  end
end

---@param result codekin.Result
---@param show codekin.Show
local function show_result(result, show)
  require('codekin.hits').set_latest(result)
  local picker = require('codekin.pickers').get(show)
  if #result.items == 0 and (picker or result.coverage >= 1) then -- an empty list fills as the index grows
    return require('codekin.client').notify('no results for ' .. result.title)
  end
  if picker then
    return picker.pick(result)
  end
  require('codekin.hits').show_list(result, show == 'loclist' and 'loclist' or 'quickfix')
end

--- Return the parameters of a query for code that has moved.
---@param params table
---@param shift integer by how many lines
---@return table
local function shift_params(params, shift)
  local shifted = vim.deepcopy(params)
  local range = shifted.range or {}
  for _, position in pairs({ shifted.position, range.start, range['end'] }) do -- those that there are
    position.line = math.max(position.line + shift, 0)
  end
  return shifted
end

--- Send a query to the buffer's server, and call back with its result, which can be asked for again.
---@param bufnr integer
---@param method string
---@param params table
---@param title string
---@param callback fun(result: codekin.Result)
---@return fun() cancel
local function ask(bufnr, method, params, title, callback)
  return require('codekin.client').request(bufnr, method, params, function(answer, client)
    local hits = require('codekin.hits')
    local result = hits.create_result(answer, title, client)
    function result.ask_again(callback_again, shift)
      require('codekin.client').request_silently(client, method, shift_params(params, shift), function(later)
        callback_again(later and hits.create_result(later, title, client))
      end)
    end
    callback(result)
  end)
end

--- Send a query, and show its answer.
---@param method string
---@param params table
---@param title string
---@param show codekin.Show
local function ask_and_show(method, params, title, show)
  local bufnr = vim.api.nvim_get_current_buf()
  ask(bufnr, method, params, title, function(result)
    show_result(result, show)
  end)
  require('codekin.client').notify_if_starting(bufnr)
end

---@return integer, integer first and last line of the visual selection
local function get_selected_lines()
  local first, last = vim.fn.line('v'), vim.fn.line('.')
  vim.api.nvim_feedkeys(vim.keycode('<Esc>'), 'nx', false)
  return math.min(first, last), math.max(first, last)
end

--- Find code similar to the function at the cursor, or to the selected lines.
---@param options? codekin.QueryOptions
function M.similar(options)
  options = options or {}
  local bufnr, line = vim.api.nvim_get_current_buf(), vim.fn.line('.')
  local problem = find_buffer_problem(bufnr)
  if problem then
    return require('codekin.client').notify(problem, vim.log.levels.WARN)
  elseif not check_options(options) then
    return
  end
  local range = options.range
  if not range and vim.api.nvim_get_mode().mode:find('^[vV\22]') then
    range = { get_selected_lines() }
  end
  local params = create_scope(options)
  params.textDocument = { uri = vim.uri_from_bufnr(bufnr) }
  if range and range[1] < range[2] then
    params.range = { start = { line = range[1] - 1, character = 0 }, ['end'] = { line = range[2], character = 0 } }
  else
    params.position = { line = (range and range[1] or line) - 1, character = 0 }
  end
  local hits = require('codekin.hits')
  local path = hits.shorten_path(hits.get_display_path(vim.api.nvim_buf_get_name(bufnr)), 40)
  local title = ('Similar to %s:%d'):format(path, range and range[1] or line)
  ask_and_show('codekin/findSimilar', params, title, options.show or M.options.show)
end

---@param options codekin.QueryOptions
---@return codekin.SearchFunction
local function create_search_function(options)
  local bufnr, cancel = vim.api.nvim_get_current_buf(), function() end
  return function(query, callback)
    cancel()
    if not query:find('%S') then
      cancel = function() end
      return callback({})
    end
    local params = vim.tbl_extend('force', create_scope(options), { query = query })
    cancel = ask(bufnr, 'codekin/search', params, query, function(result)
      require('codekin.hits').set_latest(result)
      callback(result.items, result.title, result)
    end)
  end
end

--- Search by meaning. Without a query, search while the user types.
---@param query? string
---@param options? codekin.QueryOptions
function M.search(query, options)
  options = options or {}
  if not check_options(options) then
    return
  end
  local show = options.show or M.options.show
  if not query or query == '' then
    local picker = require('codekin.pickers').get(show)
    local live = picker and picker.live or require('codekin.live').search
    return live('codekin: search by meaning', create_search_function(options))
  end
  local params = vim.tbl_extend('force', create_scope(options), { query = query })
  ask_and_show('codekin/search', params, query, show)
end

--- Compare a hit with the code of the query.
function M.diff()
  local problem = require('codekin.hits').diff()
  if problem then
    require('codekin.client').notify(problem, vim.log.levels.WARN)
  end
end

-- Completions: see `:help codekin-completion`

--- Request a completion.
function M.complete()
  require('codekin.completion').trigger()
end

--- Accept the ghost text. Returns false if there is none, so that your key can do something else.
---@return boolean accepted
function M.accept()
  return require('codekin.completion').accept()
end

--- Accept the next word of the ghost text.
---@return boolean accepted
function M.accept_word()
  return require('codekin.completion').accept_word()
end

--- Show the next candidate.
function M.next()
  require('codekin.completion').select(1)
end

--- Show the previous candidate.
function M.previous()
  require('codekin.completion').select(-1)
end

--- Show the source of the candidate.
function M.source()
  require('codekin.completion').show_source()
end

-- Status

---@param status? table `Status` of the server
---@return string
local function format_status(status)
  if require('codekin.server').is_installing() then
    return 'codekin: installing'
  elseif not status then
    return ''
  end
  local progress = status.progress ~= vim.NIL and status.progress or nil
  if status.state == 'indexing' and progress then
    return ('codekin %d/%d'):format(progress.done, progress.total)
  elseif status.state == 'ready' or status.state == 'standing by' then
    local covered = status.coverage < 1 and (' %d%%'):format(math.floor(status.coverage * 100)) or ''
    return 'codekin' .. (#status.problems > 0 and ' !' or covered)
  end
  return 'codekin: ' .. status.state
end

--- Return text for a status line (see `:help codekin-state`), and the whole status.
---@param bufnr? integer
---@return string, table?
function M.status(bufnr)
  if not package.loaded['codekin.client'] then
    return '', nil
  end
  local status = require('codekin.client').get_status(bufnr or vim.api.nvim_get_current_buf())
  return format_status(status), status
end

return M
