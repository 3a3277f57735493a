--- `:checkhealth codekin`: reports problems, each with a remedy.

local M = {}

local DOCTOR_MS = 120000 -- the self-check of a large workspace takes a while

local health = vim.health

---@return boolean
local function check_neovim()
  health.start('codekin: Neovim')
  local version = tostring(vim.version())
  if vim.fn.has('nvim-0.10') == 0 then
    health.error(('Neovim %s is too old.'):format(version), 'Use Neovim 0.10 or newer.')
    return false
  elseif vim.fn.has('nvim-0.12') == 1 then
    health.ok(('Neovim %s, with ghost text'):format(version))
  else
    health.ok(('Neovim %s; completions appear in the completion menu (ghost text needs 0.12)'):format(version))
  end
  local picker = require('codekin.pickers').get('auto')
  health.info(('results are shown in %s'):format(picker and picker.name or 'the quickfix list'))
  return true
end

---@return codekin.Server?
local function check_server()
  health.start('codekin: server')
  local servers = require('codekin.server')
  local location = servers.find()
  if not location then
    health.error(servers.describe_missing(), {
      'Run :Codekin install',
      'or put the server of a clone on PATH: pipx install /path/to/clone',
      "or set its path: require('codekin').setup({ cmd = '/path/to/codekin' })",
    })
    return nil
  end
  local ok, completed = pcall(function()
    return servers.run_command(location, { '--version' }, DOCTOR_MS)
  end)
  local version = ok and completed.code == 0 and completed.stdout:match('%d[%w.+-]*')
  if not version then
    local why = ok and vim.trim(completed.stderr or '') or tostring(completed)
    health.error(('%s (from %s) does not run: %s'):format(location.program, location.from, why), 'Run :Codekin install')
    return nil
  elseif not servers.is_compatible(version) then
    health.error(
      ('%s (from %s) is codekin %s, but this plugin is %s.'):format(
        location.program,
        location.from,
        version,
        servers.version
      ),
      { 'Run :Codekin install to install the matching server,', 'or update the plugin' }
    )
    return nil
  end
  health.ok(('%s (from %s), codekin %s'):format(location.program, location.from, version))
  return location
end

---@param status table `Status` of the server
local function check_device(status)
  local has_gpu = vim.fn.executable('nvidia-smi') == 1 or vim.fn.has('mac') == 1
  if status.device == 'cpu' and has_gpu and not status.model:find('^codekin%-static') then
    health.warn(
      ('%s runs on the CPU although there is a GPU.'):format(status.model),
      "Install PyTorch for your GPU in the server's environment, then restart Neovim."
    )
  elseif status.device ~= '' then
    health.ok(('model %s, on %s'):format(status.model, status.device))
  end
end

---@param root string
---@param status table? `Status` of the server
local function check_client(root, status)
  health.start('codekin: ' .. root)
  if not status then
    return health.info('no server is running for this project; open one of its files')
  elseif status.state == 'failed' then
    health.error('the server could not open the index.', status.problems)
  elseif status.state == 'no folder' then
    health.warn('the server has no folder to index.', status.problems)
  else
    local text = '%s: %s, %s, %d%% searchable'
    local count = require('codekin.notify').format_count
    local files, snippets = count(status.files, 'file'), count(status.snippets, 'snippet')
    health.ok(text:format(status.state, files, snippets, math.floor(status.coverage * 100)))
    vim.iter(status.problems):each(health.warn)
  end
  if status.watching:find('polling') then
    health.warn(('files are watched by %s, because the system has no watches left.'):format(status.watching), {
      'Run: sudo sysctl fs.inotify.max_user_watches=524288',
    })
  end
  check_device(status)
end

---@param location codekin.Server
---@param root string
local function run_doctor(location, root)
  health.start('codekin: doctor')
  local completed = require('codekin.server').run_command(location, { 'doctor', '--json', '--root', root }, DOCTOR_MS)
  local ok, report = pcall(vim.json.decode, completed.stdout or '')
  if not ok or type(report) ~= 'table' or not report.findings then
    local why = ok and type(report) == 'table' and report.error or vim.trim(completed.stderr or '')
    return health.error(
      'codekin doctor failed: ' .. tostring(why),
      ('Run: %s doctor --root %s'):format(location.program, root)
    )
  end
  for _, finding in ipairs(report.findings) do
    local text = ('%s: %s'):format(finding.check, finding.detail)
    if finding.level == 'ok' then
      health.ok(text)
    else
      (finding.level == 'fail' and health.error or health.warn)(text, finding.remedy)
    end
  end
end

--- Run all checks.
function M.check()
  if not check_neovim() then
    return
  end
  local clients = require('codekin.client')
  local location = check_server()
  local running = vim.lsp.get_clients({ name = 'codekin' })
  for _, running_client in ipairs(running) do
    check_client(running_client.config.root_dir or '?', clients.get_client_status(running_client.id))
  end
  local root = running[1] and running[1].config.root_dir or clients.find_root()
  if not location then
    return
  elseif root then
    return run_doctor(location, root)
  end
  health.start('codekin: doctor')
  health.info('no project is open: open a file of a project, or :cd into one')
end

return M
