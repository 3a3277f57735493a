--- `:checkhealth codekin`: whatever is wrong is named with what helps.

local M = {}

local DOCTOR_MS = 120000 -- large workspaces are asked for a sample of themselves

local health = vim.health

---@return boolean
local function neovim()
  health.start('codekin: Neovim')
  local version = tostring(vim.version())
  if vim.fn.has('nvim-0.10') == 0 then
    health.error(('Neovim %s is too old.'):format(version), 'Use Neovim 0.10 or newer.')
    return false
  elseif vim.fn.has('nvim-0.12') == 1 then
    health.ok(('Neovim %s, with ghost text'):format(version))
  else
    health.ok(('Neovim %s; completions are in the completion menu (ghost text needs 0.12)'):format(version))
  end
  local picker = require('codekin.pickers').get('auto')
  health.info(('answers go to %s'):format(picker and picker.name or 'the quickfix list'))
  return true
end

---@return codekin.Server?
local function server()
  health.start('codekin: server')
  local servers = require('codekin.server')
  local found = servers.find()
  if not found then
    health.error(servers.missing(), {
      'Run :Codekin install',
      'or put `codekin` on PATH (pipx install codekin)',
      "or name it: require('codekin').setup({ cmd = '/path/to/codekin' })",
    })
    return nil
  end
  local ok, done = pcall(function()
    return servers.run(found, { '--version' }, DOCTOR_MS)
  end)
  local version = ok and done.code == 0 and done.stdout:match('%d[%w.+-]*')
  if not version then
    local why = ok and vim.trim(done.stderr or '') or tostring(done)
    health.error(('%s (from %s) does not run: %s'):format(found.program, found.from, why), 'Run :Codekin install')
    return nil
  elseif not servers.suits(version) then
    health.error(
      ('%s (from %s) is codekin %s, this plugin is %s.'):format(found.program, found.from, version, servers.version),
      { 'Update the older of the two:', ':Codekin install installs the server of this version', 'or update the plugin' }
    )
    return nil
  end
  health.ok(('%s (from %s), codekin %s'):format(found.program, found.from, version))
  return found
end

---@param status table `Status` of the server
local function gpu(status)
  local has_gpu = vim.fn.executable('nvidia-smi') == 1 or vim.fn.has('mac') == 1
  if status.device == 'cpu' and has_gpu and not status.model:find('^codekin%-static') then
    health.warn(
      ('%s runs on the processor, and there is a GPU.'):format(status.model),
      'Install the PyTorch that is built for your GPU where the server is installed, then restart Neovim.'
    )
  elseif status.device ~= '' then
    health.ok(('model %s, on %s'):format(status.model, status.device))
  end
end

---@param root string
---@param status table? `Status` of the server
local function client(root, status)
  health.start('codekin: ' .. root)
  if not status then
    return health.info('no server is running for it; open one of its files')
  elseif status.state == 'failed' then
    health.error('the server could not open the index.', status.problems)
  elseif status.state == 'no folder' then
    health.warn('the server has no folder to look through.', status.problems)
  else
    local text = '%s: %d files, %d snippets, %d%% searchable'
    health.ok(text:format(status.state, status.files, status.snippets, math.floor(status.coverage * 100)))
    vim.iter(status.problems):each(health.warn)
  end
  if status.watching:find('polling') then
    health.warn(('files are watched by %s, as the system has no watches left.'):format(status.watching), {
      'Run: sudo sysctl fs.inotify.max_user_watches=524288',
    })
  end
  gpu(status)
end

---@param found codekin.Server
---@param root string
local function doctor(found, root)
  health.start('codekin: doctor')
  local done = require('codekin.server').run(found, { 'doctor', '--json', '--root', root }, DOCTOR_MS)
  local ok, told = pcall(vim.json.decode, done.stdout or '')
  if not ok or type(told) ~= 'table' or not told.findings then
    local why = ok and type(told) == 'table' and told.error or vim.trim(done.stderr or '')
    return health.error(
      'the doctor has no answer: ' .. tostring(why),
      ('Run: %s doctor --root %s'):format(found.program, root)
    )
  end
  for _, finding in ipairs(told.findings) do
    local text = ('%s: %s'):format(finding.check, finding.detail)
    if finding.level == 'ok' then
      health.ok(text)
    else
      (finding.level == 'fail' and health.error or health.warn)(text, finding.remedy)
    end
  end
end

--- Look whether all is well.
function M.check()
  if not neovim() then
    return
  end
  local clients = require('codekin.client')
  local found = server()
  local running = vim.lsp.get_clients({ name = 'codekin' })
  for _, each in ipairs(running) do
    client(each.config.root_dir or '?', clients.status_of(each.id))
  end
  local root = running[1] and running[1].config.root_dir or clients.root()
  if not found then
    return
  elseif root then
    return doctor(found, root)
  end
  health.start('codekin: doctor')
  health.info('no project is open: open one of its files, or :cd into it')
end

return M
