--- The server: finds it, checks its version, and installs it.

local M = {}

local is_windows = vim.fn.has('win32') == 1

--- The plugin's version, which should equal the server's.
M.version = '0.1.0'

---@class codekin.Server
---@field cmd string[] the command that starts the language server
---@field program string the `codekin` executable, for other commands
---@field from string where it was found: 'setup', 'VIRTUAL_ENV', 'CONDA_PREFIX', 'PATH' or ':Codekin install'

--- Return the path of the virtual environment that `:Codekin install` creates.
---@return string
function M.get_environment()
  return vim.fs.joinpath(vim.fn.stdpath('data'), 'codekin', 'venv')
end

---@param environment string
---@param name string
---@return string
local function get_program(environment, name)
  return vim.fs.joinpath(environment, is_windows and 'Scripts' or 'bin', is_windows and name .. '.exe' or name)
end

---@param path string
local function is_absolute(path)
  return (path:match('^[/\\]') or path:match('^%a:[/\\]')) ~= nil
end

--- Find a program on PATH. Relative entries are skipped, because they may point into a workspace.
---@param name string
---@return string? path absolute
local function find_on_path(name)
  for _, folder in ipairs(vim.split(vim.env.PATH or '', is_windows and ';' or ':')) do
    if is_absolute(folder) then
      local program = vim.fn.exepath(vim.fs.joinpath(folder, name))
      if program ~= '' then
        return program
      end
    end
  end
end

--- Resolve a program in the options: a path, or a name on PATH.
---@param name string
---@return string
local function resolve_program(name)
  return name:find('[/\\]') and vim.fn.fnamemodify(name, ':p') or find_on_path(name) or name
end

--- Return folder and environment for a program, in which no workspace can inject code.
---@param program string its absolute path
---@return { cwd: string, env: table<string, string> }
function M.isolated_options(program)
  -- Windows would look for programs in the current folder first
  local env = { NoDefaultCurrentDirectoryInExePath = '1' }
  for name in pairs(vim.fn.environ()) do
    if name:match('^PYTHON') then
      env[name] = '' -- Python treats an empty value as not set
    end
  end
  return { cwd = program:match('^%a:[/\\]') or '/', env = env }
end

--- Return the server in the options.
---@return codekin.Server?
local function get_configured_server()
  local cmd = require('codekin').options.cmd
  if not cmd then
    return nil
  end
  cmd = type(cmd) == 'string' and { vim.fn.expand(cmd), 'serve' } or vim.deepcopy(cmd)
  cmd[1] = resolve_program(cmd[1])
  return { cmd = cmd, program = cmd[1], from = 'setup' }
end

--- Find the server: the one in the options, or else in the active virtual environment, on PATH, or installed by us.
---@return codekin.Server?
function M.find()
  local server = get_configured_server()
  if server then
    return vim.fn.executable(server.program) == 1 and server or nil
  end
  local candidates = {}
  for _, variable in ipairs({ 'VIRTUAL_ENV', 'CONDA_PREFIX' }) do
    if is_absolute(vim.env[variable] or '') then
      table.insert(candidates, { get_program(vim.env[variable], 'codekin'), variable })
    end
  end
  table.insert(candidates, { find_on_path('codekin') or M.get_environment(), 'PATH' }) -- a folder is not executable
  table.insert(candidates, { get_program(M.get_environment(), 'codekin'), ':Codekin install' })
  for _, candidate in ipairs(candidates) do
    local program = vim.fn.exepath(candidate[1])
    if program ~= '' then
      return { cmd = { program, 'serve' }, program = program, from = candidate[2] }
    end
  end
end

--- Run a command of the server and wait for it.
---@param server codekin.Server
---@param words string[]
---@param timeout_ms integer
---@return vim.SystemCompleted
function M.run_command(server, words, timeout_ms)
  local options = vim.tbl_extend('error', M.isolated_options(server.program), { text = true })
  return vim.system(vim.list_extend({ server.program }, words), options):wait(timeout_ms)
end

--- Explain why no server was found, and what to do.
---@return string
function M.describe_missing()
  local server = get_configured_server()
  if server then
    return ('%s is not executable; correct or remove the option cmd'):format(server.program)
  end
  return 'server not found; run :Codekin install'
end

--- Whether a server is compatible: same major version; before 1.0, same minor version.
---@param version string
---@return boolean
function M.is_compatible(version)
  local ours, theirs = vim.version.parse(M.version), vim.version.parse(version)
  return theirs ~= nil and ours.major == theirs.major and (ours.major > 0 or ours.minor == theirs.minor)
end

-- Installing

local is_running = false

---@param text string
---@param level? integer
local function notify(text, level)
  require('codekin.notify').show(text, level)
end

--- Show progress that the next message replaces.
---@param text string
local function show_progress(text)
  vim.api.nvim_echo({ { ('codekin: ' .. text):sub(1, vim.o.columns - 12) } }, false, {})
  vim.cmd.redraw()
end

--- Return the root of the clone of codekin that contains this plugin, which is what is installed: codekin is on no
--- package index yet, and a package of that name there would be a stranger's.
---@return string?
local function get_clone()
  local source = debug.getinfo(1, 'S').source:sub(2)
  local here = vim.fs.normalize(vim.uv.fs_realpath(source) or source) -- the plugin may be a link into the clone
  local root = here:match('^(.*)/editors/neovim/lua/codekin/server.lua$')
  return root and vim.uv.fs_stat(root .. '/pyproject.toml') and root or nil
end

--- One command of the installation.
---@class codekin.Step
---@field cmd string[]
---@field title string
---@field fallback? codekin.Step[] run in place of this and all later steps if it fails

---@param clone string
---@return codekin.Step[]
local function plan_install(clone)
  local python = resolve_program(require('codekin').options.python or (is_windows and 'python' or 'python3'))
  local pip = { get_program(M.get_environment(), 'python'), '-I', '-m', 'pip', 'install', '--upgrade' }
  vim.list_extend(pip, { '--disable-pip-version-check' })
  local function create_command(...)
    return vim.list_extend(vim.list_extend({}, pip), { ... })
  end
  local install_step = { cmd = create_command(clone), title = 'installing' }
  install_step.fallback = { -- hnswlib needs a C++ compiler, but is optional
    {
      cmd = create_command('-r', clone .. '/server/requirements-no-compiler.txt'),
      title = 'installing without hnswlib (exact search)',
    },
    { cmd = create_command('--no-deps', clone), title = 'installing without hnswlib (exact search)' },
  }
  local create_command_line = { python, '-I', '-m', 'venv', M.get_environment() }
  return { { cmd = create_command_line, title = 'creating a virtual environment' }, install_step }
end

--- Extract what to show of a line of pip's output.
---@param line string
---@return string?
local function parse_progress(line)
  local package = line:match('^%s+Building wheel for (%S+).*: started')
  return package and 'building ' .. package
    or line:match('^Collecting ([^ (]+)')
    or line:match('^Processing (%S+)')
    or line:match('^Installing (collected packages)')
end

--- Run the steps in order.
---@param steps codekin.Step[]
---@param on_done fun(error: string?)
local function run_steps(steps, on_done)
  local step = table.remove(steps, 1)
  if not step then
    return on_done()
  end
  show_progress(step.title .. ' …')
  local function on_output(_, data)
    for line in vim.gsplit(data or '', '\n', { trimempty = true }) do
      local text = parse_progress(line)
      if text then
        vim.schedule(function()
          show_progress(('%s … %s'):format(step.title, text))
        end)
      end
    end
  end
  local function on_exit(result)
    if result.code == 0 then
      return run_steps(steps, on_done)
    elseif step.fallback then
      return run_steps(step.fallback, on_done)
    end
    local lines = vim.split(vim.trim(result.stderr or ''), '\n')
    on_done(('%s failed: %s'):format(table.concat(step.cmd, ' '), table.concat(vim.list_slice(lines, #lines - 2), ' ')))
  end
  local options = vim.tbl_extend('error', M.isolated_options(step.cmd[1]), { text = true, stdout = on_output })
  local ok, why = pcall(vim.system, step.cmd, options, vim.schedule_wrap(on_exit))
  if not ok then
    on_done(
      ('cannot run %s (%s); install Python 3.11 or set the option python'):format(
        step.cmd[1],
        why
      )
    )
  end
end

--- Install the server into the plugin's own virtual environment, and start it.
---@param on_done? fun(error: string?)
function M.install(on_done)
  if is_running then
    return notify('the server is already being installed')
  end
  local clone = get_clone()
  if not clone then
    local text = 'this plugin is not in a clone of codekin; run pipx install CLONE'
    return notify(text, vim.log.levels.ERROR)
  end
  is_running = true
  run_steps(plan_install(clone), function(error)
    is_running = false
    if error then
      notify(error, vim.log.levels.ERROR)
    else
      local server = M.find()
      local is_shadowed = server and server.from ~= ':Codekin install'
      notify(
        is_shadowed and ('installed, but %s takes precedence (%s)'):format(server.program, server.from)
          or 'installed in ' .. M.get_environment()
      )
      require('codekin.client').restart()
    end
    if on_done then
      on_done(error)
    end
  end)
end

---@return boolean
function M.is_installing()
  return is_running
end

return M
