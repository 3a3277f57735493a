--- The server: where is it, which one is it, and how does one get it?

local M = {}

local is_windows = vim.fn.has('win32') == 1

--- The plugin's own version; the server's should be the same.
M.version = '0.1.0'

---@class codekin.Server
---@field cmd string[] what starts the language server
---@field program string the `codekin` to run other commands with
---@field from string who named it: 'setup', 'VIRTUAL_ENV', 'CONDA_PREFIX', 'PATH' or ':Codekin install'

--- Where `:Codekin install` puts its virtual environment.
---@return string
function M.home()
  return vim.fs.joinpath(vim.fn.stdpath('data'), 'codekin', 'venv')
end

---@param environment string
---@param name string
---@return string
local function program_of(environment, name)
  return vim.fs.joinpath(environment, is_windows and 'Scripts' or 'bin', is_windows and name .. '.exe' or name)
end

---@param path string
local function is_full(path)
  return (path:match('^[/\\]') or path:match('^%a:[/\\]')) ~= nil
end

--- A program on PATH; relative entries are passed over, for a workspace may be meant by them.
---@param name string
---@return string? path in full
local function on_path(name)
  for _, folder in ipairs(vim.split(vim.env.PATH or '', is_windows and ';' or ':')) do
    if is_full(folder) then
      local program = vim.fn.exepath(vim.fs.joinpath(folder, name))
      if program ~= '' then
        return program
      end
    end
  end
end

--- What the user names: a program on PATH, or one with its folder.
---@param name string
---@return string
local function resolved(name)
  return name:find('[/\\]') and vim.fn.fnamemodify(name, ':p') or on_path(name) or name
end

--- Where and with what environment programs are started, so that no workspace lends them code.
---@param program string its path in full
---@return { cwd: string, env: table<string, string> }
function M.surroundings(program)
  local env = { NoDefaultCurrentDirectoryInExePath = '1' } -- Windows looks for programs in the current folder first
  for name in pairs(vim.fn.environ()) do
    if name:match('^PYTHON') then
      env[name] = '' -- which Python takes for not set
    end
  end
  return { cwd = program:match('^%a:[/\\]') or '/', env = env }
end

---@return codekin.Server?
local function named()
  local cmd = require('codekin').options.cmd
  if not cmd then
    return nil
  end
  cmd = type(cmd) == 'string' and { vim.fn.expand(cmd), 'serve' } or vim.deepcopy(cmd)
  cmd[1] = resolved(cmd[1])
  return { cmd = cmd, program = cmd[1], from = 'setup' }
end

--- The server to start: what `setup` names, else the active virtual environment's, else the one on PATH, else our own.
---@return codekin.Server?
function M.find()
  local server = named()
  if server then
    return vim.fn.executable(server.program) == 1 and server or nil
  end
  local places = {}
  for _, variable in ipairs({ 'VIRTUAL_ENV', 'CONDA_PREFIX' }) do
    if is_full(vim.env[variable] or '') then
      table.insert(places, { program_of(vim.env[variable], 'codekin'), variable })
    end
  end
  table.insert(places, { on_path('codekin') or M.home(), 'PATH' }) -- a folder is no program
  table.insert(places, { program_of(M.home(), 'codekin'), ':Codekin install' })
  for _, place in ipairs(places) do
    local program = vim.fn.exepath(place[1])
    if program ~= '' then
      return { cmd = { program, 'serve' }, program = program, from = place[2] }
    end
  end
end

--- Run a command of the server's program to its end.
---@param server codekin.Server
---@param words string[]
---@param wait_ms integer
---@return vim.SystemCompleted
function M.run(server, words, wait_ms)
  local options = vim.tbl_extend('error', M.surroundings(server.program), { text = true })
  return vim.system(vim.list_extend({ server.program }, words), options):wait(wait_ms)
end

--- Why there is none, and what helps.
---@return string
function M.missing()
  local server = named()
  if server then
    return ('setup names the server %s, which cannot be run. Correct `cmd`, or leave it out.'):format(server.program)
  end
  return 'no server is in the active virtual environment or on PATH. Run :Codekin install (see :help codekin-install).'
end

--- Whether a server of this version and this plugin know each other: before 1.0, minor versions may not.
---@param version string
---@return boolean
function M.suits(version)
  local ours, theirs = vim.version.parse(M.version), vim.version.parse(version)
  return theirs ~= nil and ours.major == theirs.major and (ours.major > 0 or ours.minor == theirs.minor)
end

-- Installing

local notes = { running = false }

---@param text string
---@param level? integer
local function tell(text, level)
  vim.notify('codekin: ' .. text, level or vim.log.levels.INFO)
end

--- Show how far it is, where the next message takes its place.
---@param text string
local function show(text)
  vim.api.nvim_echo({ { ('codekin: ' .. text):sub(1, vim.o.columns - 12) } }, false, {})
  vim.cmd.redraw()
end

--- The clone that this plugin is part of, or else what the package index has under our version.
---@return { words: string[], root: string? }
local function package()
  local here = vim.fs.normalize(debug.getinfo(1, 'S').source:sub(2))
  local root = here:match('^(.*)/editors/neovim/lua/codekin/server.lua$')
  if root and vim.uv.fs_stat(root .. '/pyproject.toml') then
    return { words = { root }, root = root }
  end
  return { words = { 'codekin==' .. M.version } }
end

--- Commands to run one after another, until one fails that nothing makes good.
---@class codekin.Step
---@field cmd string[]
---@field says string
---@field otherwise? codekin.Step[] what to do instead of this and the rest, where it fails

---@return codekin.Step[]
local function steps()
  local python = resolved(require('codekin').options.python or (is_windows and 'python' or 'python3'))
  local pip = { program_of(M.home(), 'python'), '-I', '-m', 'pip', 'install', '--upgrade' }
  vim.list_extend(pip, { '--disable-pip-version-check' })
  local wanted = package()
  local function install(...)
    return vim.list_extend(vim.list_extend({}, pip), { ... })
  end
  local whole = { cmd = install(unpack(wanted.words)), says = 'installing' }
  if wanted.root then -- hnswlib wants a C++ compiler, and can be done without
    local known = wanted.root .. '/server/requirements-no-compiler.txt'
    whole.otherwise = {
      { cmd = install('-r', known), says = 'installing without hnswlib (exact search)' },
      { cmd = install('--no-deps', wanted.root), says = 'installing without hnswlib (exact search)' },
    }
  end
  return { { cmd = { python, '-I', '-m', 'venv', M.home() }, says = 'making a virtual environment' }, whole }
end

--- pip's one line per package, as a person wants to read it.
---@param line string
---@return string?
local function news(line)
  return line:match('^Collecting ([^ (]+)')
    or line:match('^Processing (%S+)')
    or line:match('^Building wheel[s]? for (.*)')
    or line:match('^Installing collected packages')
end

---@param rest codekin.Step[]
---@param done fun(problem: string?)
local function run(rest, done)
  local step = table.remove(rest, 1)
  if not step then
    return done()
  end
  show(step.says .. ' …')
  local function heard(_, data)
    for line in vim.gsplit(data or '', '\n', { trimempty = true }) do
      local text = news(line)
      if text then
        vim.schedule(function()
          show(('%s … %s'):format(step.says, text))
        end)
      end
    end
  end
  local function ended(result)
    if result.code == 0 then
      return run(rest, done)
    elseif step.otherwise then
      return run(step.otherwise, done)
    end
    local said = vim.split(vim.trim(result.stderr or ''), '\n')
    done(('%s failed: %s'):format(table.concat(step.cmd, ' '), table.concat(vim.list_slice(said, #said - 2), ' ')))
  end
  local options = vim.tbl_extend('error', M.surroundings(step.cmd[1]), { text = true, stdout = heard })
  local ok, why = pcall(vim.system, step.cmd, options, vim.schedule_wrap(ended))
  if not ok then
    done(
      ('%s cannot be started (%s). Install Python 3.11 or newer, or name it: setup{ python = … }.'):format(
        step.cmd[1],
        why
      )
    )
  end
end

--- Install the server into a virtual environment of the plugin's own, and start it.
---@param done? fun(problem: string?)
function M.install(done)
  if notes.running then
    return tell('is being installed already')
  end
  notes.running = true
  run(steps(), function(problem)
    notes.running = false
    if problem then
      tell(problem, vim.log.levels.ERROR)
    else
      local server = M.find()
      local other = server and server.from ~= ':Codekin install'
      tell(
        other and ('installed, but %s comes first (%s)'):format(server.program, server.from)
          or 'installed in ' .. M.home()
      )
      require('codekin.client').restart()
    end
    if done then
      done(problem)
    end
  end)
end

---@return boolean
function M.is_installing()
  return notes.running
end

return M
