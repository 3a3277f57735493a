--- The conversation with the server: its configuration, its clients, questions to it, what it tells of itself.

local server = require('codekin.server')

local M = {}

local NAME = 'codekin'
local CANCELLED, CHANGED = -32800, -32801 -- error codes of the protocol that no person wants to read
local MOST_MESSAGES = 1000

---@type table<integer, table> by client: its latest `Status`, see README.md of the server
local statuses = {}
---@type table<integer, fun(client: vim.lsp.Client)[]> by client: who waits until it is initialized
local waiting = {}
---@type string[] what the servers logged, oldest first
M.messages = {}

---@param text string
---@param level? integer
function M.tell(text, level)
  vim.notify('codekin: ' .. text, level or vim.log.levels.INFO)
end

---@type table<string, true>
local told = {}

---@param text string
local function warn_once(text)
  if not told[text] then
    told[text] = true
    M.tell(text, vim.log.levels.WARN)
  end
end

-- Configuration

-- As Neovim calls what codekin reads. Files that it reads in windows of lines, having no grammar, are in here, too.
local FILETYPES = [[
  ada arduino asm astro basic bash bzl c capnp clojure cmake cobol coffee cpp crystal cs css cuda d dart dockerfile
  dosbatch eelixir elisp elixir elm epuppet erlang eruby fish fortran fsharp gdscript gdshader gleam glsl go graphql
  groovy handlebars haskell haxe hcl heex hlsl html htmldjango idl idlang java javascript javascriptreact jinja julia
  just kotlin lean less lhaskell liquid lisp lua make matlab mustache nasm nim nix objc objcpp ocaml odin pascal perl
  php plsql proto ps1 pug puppet purescript pyrex python r racket rescript ruby rust sass sbt scala scheme scss sh
  solidity sql starlark stylus svelte swift systemverilog tcl terraform terraform-vars thrift tiltfile tpp twig
  typescript typescriptreact v vb verilog vhdl vim vue wgsl xhtml zig zsh
]]

--- The project that a buffer, or without one Neovim's directory, is in: the nearest repository, else the nearest folder
--- that looks like a project. The home folder is none.
---@param bufnr? integer
---@return string?
function M.root(bufnr)
  local start = bufnr and vim.api.nvim_buf_get_name(bufnr) or ''
  for _, markers in ipairs(require('codekin').options.root_markers) do
    local root = vim.fs.root(start ~= '' and start or vim.fn.getcwd(), markers)
    if root and root ~= vim.fs.normalize('~') then
      return root
    end
  end
end

---@param message { type: integer, message: string }
local function note(message)
  local level = ({ 'error', 'warning', 'info', 'log', 'debug' })[message.type] or 'log'
  for line in vim.gsplit(message.message, '\n', { trimempty = true }) do
    table.insert(M.messages, ('%s %-7s %s'):format(os.date('%H:%M:%S'), level, line))
  end
  while #M.messages > MOST_MESSAGES do
    table.remove(M.messages, 1)
  end
end

--- What `lsp/codekin.lua` returns; `vim.lsp.config('codekin', …)` is laid over it.
---@type vim.lsp.Config
M.config = {
  cmd = function(dispatchers)
    local found = assert(server.find(), server.missing())
    return vim.lsp.rpc.start(found.cmd, dispatchers, server.surroundings(found.program))
  end,
  filetypes = vim.split(FILETYPES, '%s+', { trimempty = true }),
  root_dir = function(bufnr, use)
    local root = M.root(bufnr)
    if not root then
      return
    elseif server.find() then
      use(root)
    else
      warn_once(server.missing())
    end
  end,
  settings = { codekin = {} },
  before_init = function(params, config)
    local ours = require('codekin').options.settings
    params.initializationOptions = vim.tbl_deep_extend('force', ours, params.initializationOptions or {})
    config.settings.codekin = vim.tbl_deep_extend('force', ours, config.settings.codekin or {})
  end,
  on_init = function(client, result)
    local version = vim.tbl_get(result, 'serverInfo', 'version') or '?'
    if not server.suits(version) then
      local text = 'the server is %s, this plugin is %s. Update the older of the two; :checkhealth codekin says more.'
      warn_once(text:format(version, server.version))
    end
    for _, ready in ipairs(waiting[client.id] or {}) do
      ready(client)
    end
    waiting[client.id] = nil
  end,
  on_exit = function(_, _, id)
    statuses[id], waiting[id] = nil, nil
  end,
  commands = {
    ['codekin.compare'] = function(command)
      local places = command.arguments[1]
      require('codekin.hits').compare(places.mine, places.theirs)
    end,
  },
  handlers = {
    ['codekin/statusChanged'] = function(_, status, context)
      statuses[context.client_id] = status
      vim.api.nvim_exec_autocmds('User', { pattern = 'CodekinStatus', modeline = false, data = status })
      vim.cmd.redrawstatus({ bang = true })
    end,
    ['window/logMessage'] = function(problem, message, context, config)
      note(message)
      return vim.lsp.handlers['window/logMessage'](problem, message, context, config)
    end,
  },
}

-- Clients

---@param bufnr integer
---@return boolean
local function is_file(bufnr)
  return vim.bo[bufnr].buftype == '' and vim.api.nvim_buf_get_name(bufnr) ~= ''
end

--- Start a client for this root, or take the one there is; the buffer is attached where it is a file.
---@param bufnr integer
---@param root string
---@return integer? client
local function start(bufnr, root)
  local config = vim.deepcopy(vim.lsp.config and vim.lsp.config[NAME] or M.config)
  config.name, config.root_dir = NAME, root
  if vim.fn.has('nvim-0.11') == 1 then
    return vim.lsp.start(config, { bufnr = bufnr, attach = is_file(bufnr) })
  elseif is_file(bufnr) then
    return vim.lsp.start(config, { bufnr = bufnr })
  end
  return vim.lsp.start_client(config)
end

---@param bufnr integer
local function attach(bufnr)
  if is_file(bufnr) and vim.list_contains(M.config.filetypes, vim.bo[bufnr].filetype) then
    M.config.root_dir(bufnr, function(root)
      start(bufnr, root)
    end)
  end
end

--- Attach to the files that are open, and to those that will be.
function M.enable()
  require('codekin.completion').enable()
  if not require('codekin').options.autostart then
    return
  elseif vim.fn.has('nvim-0.11') == 1 then
    return vim.lsp.enable(NAME)
  end
  vim.api.nvim_create_autocmd('FileType', {
    group = vim.api.nvim_create_augroup('codekin.client', {}),
    desc = 'codekin: attach',
    callback = function(event)
      attach(event.buf)
    end,
  })
  vim.iter(vim.api.nvim_list_bufs()):filter(vim.api.nvim_buf_is_loaded):each(attach)
end

---@param client vim.lsp.Client
---@param method string a method of the client, which 0.10 has without self
local function call(client, method, ...)
  if vim.fn.has('nvim-0.11') == 1 then
    return client[method](client, ...)
  end
  return client[method](...)
end

--- Start the servers anew.
function M.restart()
  for _, client in ipairs(vim.lsp.get_clients({ name = NAME })) do
    call(client, 'stop')
  end
  local function again()
    if #vim.lsp.get_clients({ name = NAME }) > 0 then
      return vim.defer_fn(again, 50)
    end
    vim.iter(vim.api.nvim_list_bufs()):filter(vim.api.nvim_buf_is_loaded):each(attach)
  end
  again()
end

--- The client of the buffer, else of the project that Neovim's directory is in, else any.
---@param bufnr integer
---@return vim.lsp.Client?
function M.of(bufnr)
  local attached = vim.lsp.get_clients({ name = NAME, bufnr = bufnr })[1]
  if attached then
    return attached
  end
  local clients, root = vim.lsp.get_clients({ name = NAME }), M.root()
  for _, client in ipairs(clients) do
    if client.config.root_dir == root then
      return client
    end
  end
  return not root and clients[1] or nil
end

--- Call `ready` with the buffer's client as soon as it can answer; start one where there is none.
---@param bufnr integer
---@param ready fun(client: vim.lsp.Client)
function M.with(bufnr, ready)
  local client = M.of(bufnr)
  if client and client.initialized then
    return ready(client)
  end
  local id = client and client.id
  if not id then
    local root = is_file(bufnr) and M.root(bufnr) or M.root()
    if not root then
      return M.tell('no project is open: there is no repository around this file. :cd into one.', vim.log.levels.WARN)
    elseif not server.find() then
      return M.tell(server.missing(), vim.log.levels.WARN)
    end
    id = start(bufnr, root)
  end
  if id then
    waiting[id] = waiting[id] or {}
    table.insert(waiting[id], ready)
  end
end

--- Ask the buffer's server. A refusal is shown; what is cancelled is never answered.
---@param bufnr integer
---@param method string
---@param params table|nil|fun(client: vim.lsp.Client): table
---@param answered fun(result: any, client: vim.lsp.Client)
---@return fun() cancel
function M.ask(bufnr, method, params, answered)
  local cancelled, cancel = false, function() end
  M.with(bufnr, function(client)
    if cancelled then
      return
    end
    local given = type(params) == 'function' and params(client) or params
    local sent, id = call(client, 'request', method, given, function(problem, result)
      if cancelled then
        return
      elseif not problem then
        answered(result, client)
      elseif problem.code ~= CANCELLED and problem.code ~= CHANGED then
        M.tell(problem.message, vim.log.levels.WARN)
      end
    end, bufnr)
    cancel = function()
      if sent and id then
        call(client, 'cancel_request', id)
      end
    end
  end)
  return function()
    cancelled = true
    cancel()
  end
end

---@param client vim.lsp.Client
---@param method string
---@return boolean
function M.can(client, method)
  return call(client, 'supports_method', method) and true or false
end

--- The latest status that the client's server told.
---@param id integer
---@return table?
function M.status_of(id)
  return statuses[id]
end

--- The latest status that the buffer's server told.
---@param bufnr integer
---@return table?
function M.status(bufnr)
  local client = M.of(bufnr)
  return client and statuses[client.id]
end

return M
