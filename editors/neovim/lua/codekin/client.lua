--- LSP clients: configuration, start and restart, requests, status and log messages.

local server = require('codekin.server')

local M = {}

local NAME = 'codekin'
local CANCELLED, CHANGED = -32800, -32801 -- LSP error codes that are not shown
local MAX_MESSAGES = 1000
local SHOWN_LEVELS = { vim.log.levels.ERROR, vim.log.levels.WARN } -- of LSP's message types; others are informative
local RESTART_DELAYS_MS = { 500, 1000, 2000, 4000 } -- after that many crashes, give up
local FORGET_CRASHES_MS = 3 * 60 * 1000

---@type table<integer, table> the latest `Status` of each client, see the server's README.md
local statuses = {}
---@type table<integer, fun(client: vim.lsp.Client)[]> callbacks to run once a client is initialized
local pending_callbacks = {}
---@type table<integer, true> clients that are being stopped on purpose
local stopping = {}
---@type integer[] when servers have crashed, in milliseconds
local crash_times = {}
---@type string[] log messages of all servers, oldest first
M.messages = {}

--- Show a message.
---@param text string
---@param level? integer
function M.notify(text, level)
  require('codekin.notify').show(text, level)
end

---@type table<string, true>
local shown_warnings = {}

---@param text string
local function warn_once(text)
  if not shown_warnings[text] then
    shown_warnings[text] = true
    M.notify(text, vim.log.levels.WARN)
  end
end

-- Configuration

-- Neovim's filetypes of the languages that codekin indexes, including those without a grammar.
local FILETYPES = [[
  ada arduino asm astro basic bash bzl c capnp clojure cmake cobol coffee cpp crystal cs css cuda d dart dockerfile
  dosbatch eelixir elisp elixir elm epuppet erlang eruby fish fortran fsharp gdscript gdshader gleam glsl go graphql
  groovy handlebars haskell haxe hcl heex hlsl html htmldjango idl idlang java javascript javascriptreact jinja julia
  just kotlin lean less lhaskell liquid lisp lua make markdown matlab mustache nasm nim nix objc objcpp ocaml odin
  pascal perl php plsql proto ps1 pug puppet purescript pyrex python r racket rescript ruby rust sass sbt scala scheme
  scss sh solidity sql starlark stylus svelte swift systemverilog tcl terraform terraform-vars thrift tiltfile tpp
  twig typescript typescriptreact v vb verilog vhdl vim vue wgsl xhtml zig zsh
]]

--- Find the project root of a buffer, or of the current directory without one: the nearest repository, or else the
--- nearest folder with a project file. The home folder never counts.
---@param bufnr? integer
---@return string?
function M.find_root(bufnr)
  local start = bufnr and vim.api.nvim_buf_get_name(bufnr) or ''
  for _, markers in ipairs(require('codekin').options.root_markers) do
    local root = vim.fs.root(start ~= '' and start or vim.fn.getcwd(), markers)
    if root and root ~= vim.fs.normalize('~') then
      return root
    end
  end
end

--- Record a log message, a line at a time.
---@param message { type: integer, message: string }
function M.record_message(message)
  local level = ({ 'error', 'warning', 'info', 'log', 'debug' })[message.type] or 'log'
  for line in vim.gsplit(message.message, '\n', { trimempty = true }) do
    table.insert(M.messages, ('%s %-7s %s'):format(os.date('%H:%M:%S'), level, line))
  end
  while #M.messages > MAX_MESSAGES do
    table.remove(M.messages, 1)
  end
end

--- The configuration in `lsp/codekin.lua`, which `vim.lsp.config('codekin', …)` extends.
---@type vim.lsp.Config
M.config = {
  cmd = function(dispatchers)
    local location = assert(server.find(), server.describe_missing())
    return vim.lsp.rpc.start(location.cmd, dispatchers, server.isolated_options(location.program))
  end,
  filetypes = vim.split(FILETYPES, '%s+', { trimempty = true }),
  root_dir = function(bufnr, on_root)
    local root = M.find_root(bufnr)
    if not root then
      return
    elseif server.find() then
      on_root(root)
    elseif not server.is_installing() then
      warn_once(server.describe_missing())
    end
  end,
  settings = { codekin = {} },
  before_init = function(params, config)
    local settings = require('codekin').options.settings
    params.initializationOptions = vim.tbl_deep_extend('force', settings, params.initializationOptions or {})
    config.settings.codekin = vim.tbl_deep_extend('force', settings, config.settings.codekin or {})
  end,
  on_init = function(client, result)
    local version = vim.tbl_get(result, 'serverInfo', 'version') or '?'
    if not server.is_compatible(version) then
      local text = 'server is %s, plugin is %s; update the older one (:checkhealth codekin)'
      warn_once(text:format(version, server.version))
    end
    for _, callback in ipairs(pending_callbacks[client.id] or {}) do
      callback(client)
    end
    pending_callbacks[client.id] = nil
  end,
  on_exit = function(code, signal, id)
    statuses[id], pending_callbacks[id] = nil, nil
    if (code ~= 0 or signal ~= 0) and not stopping[id] then
      vim.schedule(M.restart_crashed)
    end
    stopping[id] = nil
  end,
  commands = {
    ['codekin.compare'] = function(command)
      local locations = command.arguments[1]
      require('codekin.hits').compare(locations.mine, locations.theirs)
    end,
  },
  handlers = {
    ['codekin/statusChanged'] = function(_, status, context)
      statuses[context.client_id] = status
      local data = vim.tbl_extend('force', status, { client_id = context.client_id })
      vim.api.nvim_exec_autocmds('User', { pattern = 'CodekinStatus', modeline = false, data = data })
      vim.cmd.redrawstatus({ bang = true })
    end,
    ['window/showMessage'] = function(_, message) -- Neovim's own shows it whole, and waits for a key
      M.notify((message.message:gsub('^codekin: ', '')), SHOWN_LEVELS[message.type])
      return vim.NIL
    end,
    ['window/logMessage'] = function(error, message, context, config)
      M.record_message(message)
      return vim.lsp.handlers['window/logMessage'](error, message, context, config)
    end,
  },
}

-- Clients

---@param bufnr integer
---@return boolean
local function is_file(bufnr)
  return vim.bo[bufnr].buftype == '' and vim.api.nvim_buf_get_name(bufnr) ~= ''
end

--- Start a client for this root or reuse the existing one, and attach the buffer if it is a file.
---@param bufnr integer
---@param root string
---@return integer? client
local function start_client(bufnr, root)
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
local function attach_buffer(bufnr)
  if is_file(bufnr) and vim.list_contains(M.config.filetypes, vim.bo[bufnr].filetype) then
    M.config.root_dir(bufnr, function(root)
      start_client(bufnr, root)
    end)
  end
end

--- Attach to all open files, and to those opened later.
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
      attach_buffer(event.buf)
    end,
  })
  vim.iter(vim.api.nvim_list_bufs()):filter(vim.api.nvim_buf_is_loaded):each(attach_buffer)
end

---@param client vim.lsp.Client
--- Call a method of the client, which takes no self in Neovim 0.10.
---@param method string
local function call_method(client, method, ...)
  if vim.fn.has('nvim-0.11') == 1 then
    return client[method](client, ...)
  end
  return client[method](...)
end

local function attach_open_buffers()
  vim.iter(vim.api.nvim_list_bufs()):filter(vim.api.nvim_buf_is_loaded):each(attach_buffer)
end

--- Start a crashed server again after a delay, which grows with each crash; after several, give up.
function M.restart_crashed()
  if vim.v.exiting ~= vim.NIL or not require('codekin').options.autostart then
    return
  end
  local now = vim.uv.now()
  crash_times = vim.tbl_filter(function(time)
    return now - time < FORGET_CRASHES_MS
  end, crash_times)
  table.insert(crash_times, now)
  local delay = RESTART_DELAYS_MS[#crash_times]
  if delay then
    vim.defer_fn(attach_open_buffers, delay)
  else
    M.notify('the server keeps crashing; see :Codekin log', vim.log.levels.ERROR)
  end
end

--- Restart all servers.
function M.restart()
  crash_times = {}
  for _, client in ipairs(vim.lsp.get_clients({ name = NAME })) do
    stopping[client.id] = true
    call_method(client, 'stop')
  end
  local function attach_when_stopped()
    if #vim.lsp.get_clients({ name = NAME }) > 0 then
      return vim.defer_fn(attach_when_stopped, 50)
    end
    attach_open_buffers()
  end
  attach_when_stopped()
end

--- Return the client of the buffer, or else of the project in the current directory, or else any.
---@param bufnr integer
---@return vim.lsp.Client?
function M.get_client(bufnr)
  local attached = vim.lsp.get_clients({ name = NAME, bufnr = bufnr })[1]
  if attached then
    return attached
  end
  local clients, root = vim.lsp.get_clients({ name = NAME }), M.find_root()
  for _, client in ipairs(clients) do
    if client.config.root_dir == root then
      return client
    end
  end
  return not root and clients[1] or nil
end

--- Call back with the buffer's client once it is initialized; start a client if there is none.
---@param bufnr integer
---@param callback fun(client: vim.lsp.Client)
function M.with_client(bufnr, callback)
  local client = M.get_client(bufnr)
  if client and client.initialized then
    return callback(client)
  end
  local id = client and client.id
  if not id then
    local root = is_file(bufnr) and M.find_root(bufnr) or M.find_root()
    if not root then
      return M.notify('no project found for this file; :cd into one first', vim.log.levels.WARN)
    elseif server.is_installing() then
      return M.notify('the server is being installed; try again when that is done')
    elseif not server.find() then
      return M.notify(server.describe_missing(), vim.log.levels.WARN)
    end
    id = start_client(bufnr, root)
  end
  if id then
    pending_callbacks[id] = pending_callbacks[id] or {}
    table.insert(pending_callbacks[id], callback)
  end
end

--- Send a request to the buffer's server. Errors are shown; a cancelled request never calls back.
---@param bufnr integer
---@param method string
---@param params table|nil|fun(client: vim.lsp.Client): table
---@param callback fun(result: any, client: vim.lsp.Client)
---@return fun() cancel
function M.request(bufnr, method, params, callback)
  local is_cancelled, cancel = false, function() end
  M.with_client(bufnr, function(client)
    if is_cancelled then
      return
    end
    local request_params = type(params) == 'function' and params(client) or params
    local is_sent, id = call_method(client, 'request', method, request_params, function(error, result)
      if is_cancelled then
        return
      elseif not error then
        callback(result, client)
      elseif error.code ~= CANCELLED and error.code ~= CHANGED then
        M.notify(error.message, vim.log.levels.WARN)
      end
    end, bufnr)
    cancel = function()
      if is_sent and id then
        call_method(client, 'cancel_request', id)
      end
    end
  end)
  return function()
    is_cancelled = true
    cancel()
  end
end

--- Send a request to a client in the background: calls back without a result if it fails, and shows no error.
---@param client vim.lsp.Client
---@param method string
---@param params table
---@param callback fun(result: any?)
function M.request_silently(client, method, params, callback)
  local is_sent = call_method(client, 'request', method, params, function(error, result)
    callback(not error and result or nil)
  end)
  if not is_sent then
    callback(nil)
  end
end

--- Say that the buffer's server is starting, where an answer has to wait for that.
---@param bufnr integer
function M.notify_if_starting(bufnr)
  local client = M.get_client(bufnr)
  local is_opening = client and (statuses[client.id] or {}).state == 'opening'
  if is_opening or (not client and next(pending_callbacks)) then -- get_client returns initialized ones only
    M.notify('starting…')
  end
end

--- Whether the client's server supports a method.
---@param client vim.lsp.Client
---@param method string
---@return boolean
function M.supports(client, method)
  return call_method(client, 'supports_method', method) and true or false
end

--- Return the latest status of a client's server.
---@param id integer
---@return table?
function M.get_client_status(id)
  return statuses[id]
end

--- Return the latest status of the buffer's server.
---@param bufnr integer
---@return table?
function M.get_status(bufnr)
  local client = M.get_client(bufnr)
  return client and statuses[client.id]
end

return M
