--- codekin finds code's kin: what here is like this code, and where is the code that does X?
---
--- Works as it is installed; `setup` is for those who want something else. `:help codekin` says everything.

local M = {}

-- Options

--- What `setup` takes; every field may be left out.
---@class codekin.Options
---@field autostart boolean attach to the files of a project by itself
---@field cmd? string|string[] the server: a program, or a whole command; else it is looked for
---@field python? string what `:Codekin install` makes its virtual environment with
---@field root_markers (string|string[])[] what a project's folder has in it; the first found above a file counts
---@field ghost_text boolean show completions as you type (Neovim 0.12)
---@field show codekin.Show where answers go
---@field limit? integer how many hits an answer has at most; else the server's setting `search.limit`
---@field settings table the server's own settings, as in its README: `{ index = { exclude = { 'legacy/' } } }`

--- Where answers go: to the picker that is installed or else the quickfix list, or to what is named.
---@alias codekin.Show 'auto'|'quickfix'|'loclist'|'select'|'telescope'|'snacks'|'fzf-lua'|'mini.pick'

--- What limits a question, and where its answer goes.
---@class codekin.Asking
---@field show? codekin.Show
---@field limit? integer
---@field language? string only hits in this language: an id of the server's, as `python`
---@field folder? string only hits below this folder
---@field range? { [1]: integer, [2]: integer } similar: the first and the last line of the code, from 1

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

local kinds = {
  autostart = 'boolean',
  cmd = { 'string', 'table' },
  python = 'string',
  root_markers = 'table',
  ghost_text = 'boolean',
  show = 'string',
  limit = 'number',
  settings = 'table',
}

--- Change what is not to your taste.
---@param options? codekin.Options
function M.setup(options)
  M.options = vim.deepcopy(defaults)
  for name, value in pairs(options or {}) do
    local wanted = kinds[name] and vim.iter({ kinds[name] }):flatten():totable()
    if not wanted then
      local names = vim.tbl_keys(kinds)
      table.sort(names)
      require('codekin.client').tell(
        ('setup has no %s. It has %s.'):format(name, table.concat(names, ', ')),
        vim.log.levels.WARN
      )
    elseif not vim.list_contains(wanted, type(value)) then
      local text = ('setup: %s is to be a %s, and is %s.'):format(
        name,
        table.concat(wanted, ' or a '),
        vim.inspect(value)
      )
      require('codekin.client').tell(text, vim.log.levels.WARN)
    else
      M.options[name] = value
    end
  end
end

-- Questions

---@param asking codekin.Asking
---@return table scope
local function scope(asking)
  return {
    limit = asking.limit or M.options.limit,
    language = asking.language,
    folder = asking.folder and vim.fs.normalize(vim.fn.fnamemodify(asking.folder, ':p')) or nil,
  }
end

---@param found codekin.Found
---@param show codekin.Show
local function present(found, show)
  if #found.items == 0 then
    return require('codekin.client').tell(found.title .. ': nothing.')
  end
  local picker = require('codekin.pickers').get(show)
  if picker then
    return picker.pick(found)
  end
  require('codekin.hits').list(found, show == 'loclist' and 'loclist' or 'quickfix')
end

---@return integer, integer first and last line of the visual selection
local function selected()
  local first, last = vim.fn.line('v'), vim.fn.line('.')
  vim.api.nvim_feedkeys(vim.keycode('<Esc>'), 'nx', false)
  return math.min(first, last), math.max(first, last)
end

--- What is like the function at the cursor, or like the lines that are selected?
---@param asking? codekin.Asking
function M.similar(asking)
  asking = asking or {}
  local bufnr, line = vim.api.nvim_get_current_buf(), vim.fn.line('.')
  if vim.api.nvim_buf_get_name(bufnr) == '' then
    return require('codekin.client').tell('this buffer has no file yet: :write it first.', vim.log.levels.WARN)
  end
  local range = asking.range
  if not range and vim.api.nvim_get_mode().mode:find('^[vV\22]') then
    range = { selected() }
  end
  local params = scope(asking)
  params.textDocument = { uri = vim.uri_from_bufnr(bufnr) }
  if range and range[1] < range[2] then
    params.range = { start = { line = range[1] - 1, character = 0 }, ['end'] = { line = range[2], character = 0 } }
  else
    params.position = { line = (range and range[1] or line) - 1, character = 0 }
  end
  local hits = require('codekin.hits')
  local path = hits.shortened(hits.shown(vim.api.nvim_buf_get_name(bufnr)), 40)
  local title = ('Like %s:%d'):format(path, range and range[1] or line)
  require('codekin.client').ask(bufnr, 'codekin/findSimilar', params, function(answer, client)
    present(hits.found(answer, title, client), asking.show or M.options.show)
  end)
end

---@param asking codekin.Asking
---@return codekin.Look
local function looking(asking)
  local bufnr, cancel = vim.api.nvim_get_current_buf(), function() end
  return function(query, received)
    cancel()
    if not query:find('%S') then
      cancel = function() end
      return received({})
    end
    local params = vim.tbl_extend('force', scope(asking), { query = query })
    cancel = require('codekin.client').ask(bufnr, 'codekin/search', params, function(answer, client)
      received(require('codekin.hits').found(answer, query, client).items)
    end)
  end
end

--- Where is the code that does this? Without a query, look while it is typed.
---@param query? string
---@param asking? codekin.Asking
function M.search(query, asking)
  asking = asking or {}
  local show = asking.show or M.options.show
  if not query or query == '' then
    local picker = require('codekin.pickers').get(show)
    local live = picker and picker.live or require('codekin.live').search
    return live('codekin: where is the code that …', looking(asking))
  end
  local params = vim.tbl_extend('force', scope(asking), { query = query })
  require('codekin.client').ask(vim.api.nvim_get_current_buf(), 'codekin/search', params, function(answer, client)
    present(require('codekin.hits').found(answer, query, client), show)
  end)
end

--- Show a hit beside the code it was compared with.
function M.diff()
  local problem = require('codekin.hits').diff()
  if problem then
    require('codekin.client').tell(problem, vim.log.levels.WARN)
  end
end

-- Completions: see `:help codekin-completion`

--- Ask for a completion, now.
function M.complete()
  require('codekin.completion').ask()
end

--- Accept the ghost text. Returns false where there is none, for your key to do something else.
---@return boolean accepted
function M.accept()
  return require('codekin.completion').accept()
end

--- Accept the ghost text's next word.
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

--- Show where the candidate comes from.
function M.source()
  require('codekin.completion').source()
end

-- State

---@param status? table `Status` of the server
---@return string
local function shown(status)
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

--- For a status line: `codekin`, `codekin 120/4000` files, `codekin 40%` can be searched, `codekin: paused`, empty
--- without a server; and all that the server says.
---@param bufnr? integer
---@return string, table?
function M.status(bufnr)
  if not package.loaded['codekin.client'] then
    return '', nil
  end
  local status = require('codekin.client').status(bufnr or vim.api.nvim_get_current_buf())
  return shown(status), status
end

return M
