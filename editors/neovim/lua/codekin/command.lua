--- The command `:Codekin`: its subcommands, and their completion.

local client = require('codekin.client')
local codekin = require('codekin')

local M = {}

-- Languages that the server parses. It indexes others by lines only.
local LANGUAGES =
  vim.split('bash c cpp csharp go java javascript kotlin lua php python ruby rust scala swift tsx typescript', ' ')

---@param name 'pause'|'resume'|'reindex'
---@param text string
local function send_index_command(name, text)
  return function()
    client.request(vim.api.nvim_get_current_buf(), 'codekin/' .. name, nil, function()
      client.notify(text)
    end)
  end
end

--- Parse the options before a query.
---@param words string[]
---@return codekin.QueryOptions options, string query
local function parse_options(words)
  local options = {}
  while words[1] do
    local key, value = words[1]:match('^(%l+)=(.*)$')
    if not vim.list_contains({ 'show', 'limit', 'language', 'folder' }, key) then
      break
    end
    options[key] = key == 'limit' and tonumber(value) or value
    table.remove(words, 1)
  end
  return options, table.concat(words, ' ')
end

---@param bytes integer
---@return string
local function format_megabytes(bytes)
  return ('%.1f MB'):format(bytes / 1e6)
end

---@param status table `Status` of the server
---@param unparsed_count? integer files that are read by lines only
---@return string[] lines
local function format_status(status, unparsed_count)
  local format_count = require('codekin.notify').format_count
  local progress = status.progress ~= vim.NIL and status.progress or nil
  local lines = {
    ('codekin %s: %s'):format(status.version, status.state),
    ('  folders   %s'):format(table.concat(status.roots, ', ')),
    ('  index     %s, %s, %s'):format(
      format_count(status.files, 'file'),
      format_count(status.snippets, 'snippet'),
      format_megabytes(status.storeBytes)
    ),
    ('  covered   %d%%'):format(math.floor(status.coverage * 100)),
    ('  model     %s on %s, %s'):format(status.model, status.device, status.dense),
    ('  watching  %s'):format(status.watching),
  }
  if unparsed_count and unparsed_count > 0 then
    table.insert(lines, ('  unparsed  %s read by lines only'):format(format_count(unparsed_count, 'file')))
  end
  if progress then
    table.insert(lines, ('  progress  %d of %s'):format(progress.done, format_count(progress.total, 'file')))
  end
  for _, problem in ipairs(status.problems) do
    table.insert(lines, '  problem   ' .. problem:gsub('%s*\n%s*', ' '))
  end
  return lines
end

--- Show lines in a window of their own, which `q` closes: as a message they would wait for a key.
---@param lines string[]
---@param height? integer
local function show_lines(lines, height)
  vim.cmd(('botright %snew'):format(height or ''))
  vim.bo.buftype, vim.bo.bufhidden, vim.bo.swapfile = 'nofile', 'wipe', false
  vim.api.nvim_buf_set_lines(0, 0, -1, false, lines)
  vim.bo.modifiable = false
  vim.keymap.set('n', 'q', '<C-w>c', { buffer = 0, nowait = true, desc = 'codekin: close this window' })
end

--- Show the status; a server without an index has no report.
local function show_status()
  local bufnr = vim.api.nvim_get_current_buf()
  local function show(status, unparsed_count)
    local lines = format_status(status, unparsed_count)
    show_lines(lines, #lines)
  end
  client.request(bufnr, 'codekin/report', nil, function(report)
    if report and report ~= vim.NIL then
      return show(report.status, report.unparsed)
    end
    client.request(bufnr, 'codekin/status', nil, function(status)
      show(status)
    end)
  end)
  client.notify_if_starting(bufnr)
end

--- Collect the log messages, and the last lines of standard error from Neovim's LSP log.
---@return string[]
local function collect_log()
  local path = vim.lsp.log and vim.lsp.log.get_filename and vim.lsp.log.get_filename() or vim.lsp.get_log_path()
  local lines = { ('Log of codekin in this session; all messages are in %s.'):format(path), '' }
  vim.list_extend(lines, #client.messages > 0 and client.messages or { 'No messages.' })
  local location = require('codekin.server').find()
  local file = location and io.open(path)
  if file then
    local errors = {}
    for line in file:lines() do
      if line:find(location.program, 1, true) and line:find('"stderr"', 1, true) then
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
---@field words? string[] completions of the next word

local query_options = { 'show=', 'limit=', 'language=', 'folder=' }

---@type table<string, codekin.Subcommand>
local subcommands = {
  similar = {
    words = query_options,
    run = function(words, command)
      local options, query = parse_options(words)
      if query ~= '' then
        return client.notify(
          ('similar takes only %s, not %s'):format(table.concat(query_options, ' '), query),
          vim.log.levels.WARN
        )
      end
      options.range = command.range == 2 and { command.line1, command.line2 } or nil
      codekin.similar(options)
    end,
  },
  search = {
    words = query_options,
    run = function(words)
      local options, query = parse_options(words)
      codekin.search(query, options)
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
        return require('codekin.completion').set_enabled(words[1] ~= 'off')
      end
      codekin.complete()
    end,
  },
  status = {
    run = show_status,
  },
  pause = {
    run = send_index_command('pause', 'indexing is paused; :Codekin resume continues'),
  },
  resume = {
    run = send_index_command('resume', 'indexing resumed'),
  },
  reindex = {
    run = send_index_command('reindex', 'rebuilding the index'),
  },
  install = {
    run = function()
      require('codekin.server').install()
    end,
  },
  log = {
    run = function()
      show_lines(collect_log())
      vim.cmd('normal! G')
    end,
  },
}

---@return string[]
local function list_subcommands()
  local sorted = vim.tbl_keys(subcommands)
  table.sort(sorted)
  return sorted
end

--- Run `:Codekin …`.
---@param command table the argument of `nvim_create_user_command`'s callback
function M.run(command)
  local words = vim.deepcopy(command.fargs)
  local name = table.remove(words, 1) or 'status'
  local subcommand = subcommands[name]
  if not subcommand then
    return client.notify(
      ('unknown subcommand %s; use one of %s'):format(name, table.concat(list_subcommands(), ', ')),
      vim.log.levels.WARN
    )
  end
  local known_words = subcommand.words or {}
  if known_words ~= query_options and words[1] and not vim.list_contains(known_words, table.concat(words, ' ')) then
    local expected = #known_words > 0 and table.concat(known_words, ' or ') or 'no more words'
    return client.notify(
      ('%s takes %s, not %s'):format(name, expected, table.concat(words, ' ')),
      vim.log.levels.WARN
    )
  end
  subcommand.run(words, command)
end

--- Complete the value of an option, as in `show=`.
---@param word string
---@return string[]
local function list_values(word)
  local key, value = word:match('^(%l+)=(.*)$')
  local candidates = {}
  if key == 'show' then
    candidates = vim.list_extend({ 'auto', 'quickfix', 'loclist' }, require('codekin.pickers').names)
  elseif key == 'language' then
    candidates = LANGUAGES
  elseif key == 'folder' then
    candidates = vim.fn.getcompletion(value, 'dir')
  end
  return vim
    .iter(candidates)
    :map(function(candidate)
      return key .. '=' .. candidate
    end)
    :totable()
end

--- Complete the word at the cursor.
---@param word string the part before the cursor
---@param line string
---@param position integer
---@return string[]
function M.complete(word, line, position)
  local words = vim.split(line:sub(1, position):match('Codekin%s+(.*)$') or '', '%s+')
  local subcommand = subcommands[words[1]]
  local candidates = list_subcommands()
  if #words > 1 then
    candidates = subcommand and subcommand.words or {}
    if subcommand and subcommand.words == query_options and word:find('=', 1, true) then
      candidates = list_values(word)
    end
  end
  return vim
    .iter(candidates)
    :filter(function(candidate)
      return vim.startswith(candidate, word)
    end)
    :totable()
end

return M
