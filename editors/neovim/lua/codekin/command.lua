--- `:Codekin`: what the words mean, and how they are completed.

local client = require('codekin.client')
local codekin = require('codekin')

local M = {}

-- With a grammar of the server's; it knows more, which are read in windows of lines.
local LANGUAGES =
  vim.split('bash c cpp csharp go java javascript kotlin lua php python ruby rust scala swift tsx typescript', ' ')

---@param name 'pause'|'resume'|'reindex'
---@param text string
local function order(name, text)
  return function()
    client.ask(vim.api.nvim_get_current_buf(), 'codekin/' .. name, nil, function()
      client.tell(text)
    end)
  end
end

---@param words string[]
---@return codekin.Asking asking, string rest
local function read(words)
  local asking = {}
  while words[1] do
    local key, value = words[1]:match('^(%l+)=(.*)$')
    if not vim.list_contains({ 'show', 'limit', 'language', 'folder' }, key) then
      break
    end
    asking[key] = key == 'limit' and tonumber(value) or value
    table.remove(words, 1)
  end
  return asking, table.concat(words, ' ')
end

---@param bytes integer
---@return string
local function megabytes(bytes)
  return ('%.1f MB'):format(bytes / 1e6)
end

---@param status table `Status` of the server
---@return string
local function report(status)
  local progress = status.progress ~= vim.NIL and status.progress or nil
  local lines = {
    ('codekin %s: %s'):format(status.version, status.state),
    ('  folders   %s'):format(table.concat(status.roots, ', ')),
    ('  index     %d files, %d snippets, %s'):format(status.files, status.snippets, megabytes(status.storeBytes)),
    ('  covered   %d%%'):format(math.floor(status.coverage * 100)),
    ('  model     %s on %s, %s'):format(status.model, status.device, status.dense),
    ('  watching  %s'):format(status.watching),
  }
  if progress then
    table.insert(lines, ('  progress  %d of %d files'):format(progress.done, progress.total))
  end
  for _, problem in ipairs(status.problems) do
    table.insert(lines, '  problem   ' .. problem)
  end
  return table.concat(lines, '\n')
end

--- What the server logged, and the end of what it wrote to standard error, which Neovim keeps.
---@return string[]
local function log()
  local path = vim.lsp.log and vim.lsp.log.get_filename and vim.lsp.log.get_filename() or vim.lsp.get_log_path()
  local lines = { ('What codekin logged in this session; %s has the rest.'):format(path), '' }
  vim.list_extend(lines, #client.messages > 0 and client.messages or { 'Nothing.' })
  local found = require('codekin.server').find()
  local file = found and io.open(path)
  if file then
    local errors = {}
    for line in file:lines() do
      if line:find(found.program, 1, true) and line:find('"stderr"', 1, true) then
        table.insert(errors, (line:match('"stderr"%s+"(.*)"$') or line))
      end
    end
    file:close()
    vim.list_extend(lines, #errors > 0 and { '', 'Standard error:', '' } or {})
    for _, line in ipairs(vim.list_slice(errors, #errors - 200)) do
      vim.list_extend(lines, vim.split(vim.trim((line:gsub('\\n', '\n'):gsub('\\"', '"'))), '\n'))
    end
  end
  return lines
end

---@class codekin.Subcommand
---@field run fun(words: string[], command: table)
---@field words? string[] what can follow

local asked = { 'show=', 'limit=', 'language=', 'folder=' }

---@type table<string, codekin.Subcommand>
local subcommands = {
  similar = {
    words = asked,
    run = function(words, command)
      local asking, rest = read(words)
      if rest ~= '' then
        return client.tell(
          ('similar takes %s, and not %s.'):format(table.concat(asked, ' '), rest),
          vim.log.levels.WARN
        )
      end
      asking.range = command.range == 2 and { command.line1, command.line2 } or nil
      codekin.similar(asking)
    end,
  },
  search = {
    words = asked,
    run = function(words)
      local asking, query = read(words)
      codekin.search(query, asking)
    end,
  },
  diff = {
    run = function()
      codekin.diff()
    end,
  },
  complete = {
    words = { 'on', 'off' },
    run = function(words)
      if words[1] then
        return require('codekin.completion').toggle(words[1] ~= 'off')
      end
      codekin.complete()
    end,
  },
  status = {
    run = function()
      client.ask(vim.api.nvim_get_current_buf(), 'codekin/status', nil, function(status)
        vim.api.nvim_echo({ { report(status) } }, true, {})
      end)
    end,
  },
  pause = {
    run = order('pause', 'indexing is paused; what is indexed can be searched. :Codekin resume goes on.'),
  },
  resume = {
    run = order('resume', 'indexing goes on.'),
  },
  reindex = {
    run = order('reindex', 'the workspace is indexed anew; what has a vector is not embedded again.'),
  },
  install = {
    run = function()
      require('codekin.server').install()
    end,
  },
  log = {
    run = function()
      vim.cmd('botright new')
      vim.bo.buftype, vim.bo.bufhidden, vim.bo.swapfile = 'nofile', 'wipe', false
      vim.api.nvim_buf_set_lines(0, 0, -1, false, log())
      vim.bo.modifiable = false
      vim.cmd('normal! G')
    end,
  },
}

---@return string[]
local function names()
  local sorted = vim.tbl_keys(subcommands)
  table.sort(sorted)
  return sorted
end

--- Carry out `:Codekin …`.
---@param command table as `nvim_create_user_command` hands it over
function M.run(command)
  local words = vim.deepcopy(command.fargs)
  local name = table.remove(words, 1) or 'status'
  local subcommand = subcommands[name]
  if not subcommand then
    return client.tell(
      ('there is no :Codekin %s. There is %s.'):format(name, table.concat(names(), ', ')),
      vim.log.levels.WARN
    )
  end
  subcommand.run(words, command)
end

---@param word string
---@return string[]
local function values(word)
  local key, value = word:match('^(%l+)=(.*)$')
  local known = {}
  if key == 'show' then
    known = vim.list_extend({ 'auto', 'quickfix', 'loclist' }, require('codekin.pickers').names)
  elseif key == 'language' then
    known = LANGUAGES
  elseif key == 'folder' then
    known = vim.fn.getcompletion(value, 'dir')
  end
  return vim
    .iter(known)
    :map(function(each)
      return key .. '=' .. each
    end)
    :totable()
end

--- What can stand where the cursor is.
---@param word string as far as it is typed
---@param line string
---@param position integer
---@return string[]
function M.complete(word, line, position)
  local words = vim.split(line:sub(1, position):match('Codekin%s+(.*)$') or '', '%s+')
  local subcommand = subcommands[words[1]]
  local known = names()
  if #words > 1 then
    known = subcommand and subcommand.words or {}
    if subcommand and subcommand.words == asked and word:find('=', 1, true) then
      known = values(word)
    end
  end
  return vim
    .iter(known)
    :filter(function(each)
      return vim.startswith(each, word)
    end)
    :totable()
end

return M
