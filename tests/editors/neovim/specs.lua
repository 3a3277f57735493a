-- Tests that need no server, run inside Neovim: nvim --clean --headless -l specs.lua PLUGIN HOME

local plugin, home = arg[1], arg[2]
vim.opt.runtimepath:prepend(plugin)

---@param name string
---@param check fun()
local function it(name, check)
  local ok, traceback = xpcall(check, debug.traceback)
  io.stdout:write(('%s %s\n'):format(ok and 'ok' or 'FAILS', name), ok and '' or traceback .. '\n')
end

---@param expected any
---@param actual any
local function assert_equal(expected, actual)
  if not vim.deep_equal(expected, actual) then
    error(('expected %s, got %s'):format(vim.inspect(expected), vim.inspect(actual)), 2)
  end
end

---@param path string
---@return string
local function create_program(path)
  vim.fn.mkdir(vim.fs.dirname(path), 'p')
  vim.fn.writefile({ '#!/bin/sh' }, path)
  vim.uv.fs_chmod(path, 493)
  return path
end

it('no module is loaded before the first file', function()
  local before = vim.tbl_keys(package.loaded)
  vim.cmd.source(plugin .. '/plugin/codekin.lua')
  local after = vim.tbl_keys(package.loaded)
  table.sort(before)
  table.sort(after)
  local more = vim.tbl_filter(function(name)
    return not vim.list_contains(before, name)
  end, after)
  assert_equal({}, vim.tbl_filter(function(name)
    return name:find('codekin') or name:find('^vim%.lsp')
  end, more))
end)

it('no key is mapped', function()
  for _, mode in ipairs({ 'n', 'x', 'i', 'o', 't', 'c' }) do
    for _, map in ipairs(vim.api.nvim_get_keymap(mode)) do
      if (map.desc or ''):find('codekin') then
        assert_equal('<Plug>(codekin-', map.lhs:sub(1, 15))
      end
    end
  end
end)

it('subcommands and options are completed', function()
  assert_equal({ 'search', 'similar', 'status' }, vim.fn.getcompletion('Codekin s', 'cmdline'))
  assert_equal({ 'show=', 'limit=', 'language=', 'folder=' }, vim.fn.getcompletion('Codekin similar ', 'cmdline'))
  assert_equal({ 'show=telescope' }, vim.fn.getcompletion('Codekin search show=te', 'cmdline'))
  assert_equal({ 'language=java', 'language=javascript' }, vim.fn.getcompletion('Codekin search language=ja', 'cmdline'))
  assert_equal({ 'on', 'off' }, vim.fn.getcompletion('Codekin complete o', 'cmdline'))
  assert_equal({}, vim.fn.getcompletion('Codekin pause ', 'cmdline'))
  assert_equal({ 'similar' }, vim.fn.getcompletion("'<,'>Codekin sim", 'cmdline'))
end)

local codekin, server = require('codekin'), require('codekin.server')
local notifications = {}
vim.notify = function(text)
  table.insert(notifications, text)
end

it('wrong options are reported, and their defaults kept', function()
  codekin.setup({ ghost = true, limit = 'many', show = 'loclist' })
  table.sort(notifications)
  assert_equal(2, #notifications)
  assert_equal('codekin: unknown option ghost; use one of autostart, ', notifications[2]:sub(1, 53))
  assert_equal("codekin: option limit must be a number, not \"many\"", notifications[1])
  assert_equal({ nil, 'loclist', true }, { codekin.options.limit, codekin.options.show, codekin.options.ghost_text })
  codekin.setup()
  assert_equal('auto', codekin.options.show)
end)

it('an unknown subcommand is reported with the known ones', function()
  notifications = {}
  vim.cmd('Codekin simlar')
  assert_equal('codekin: unknown subcommand simlar; use one of complete, diff, ', notifications[1]:sub(1, 63))
end)

it('the server is found in setup, the virtual environment, PATH, and our own environment, in this order', function()
  vim.env.VIRTUAL_ENV, vim.env.CONDA_PREFIX, vim.env.PATH = nil, nil, home .. '/path'
  assert_equal(nil, server.find())
  local own = create_program(server.get_environment() .. '/bin/codekin')
  assert_equal({ cmd = { own, 'serve' }, program = own, from = ':Codekin install' }, server.find())
  local path = create_program(home .. '/path/codekin')
  assert_equal({ path, 'PATH' }, { server.find().program, server.find().from })
  local active = create_program(home .. '/active/bin/codekin')
  vim.env.VIRTUAL_ENV = home .. '/active'
  assert_equal({ active, 'VIRTUAL_ENV' }, { server.find().program, server.find().from })
  local configured = create_program(home .. '/named/codekin')
  codekin.setup({ cmd = configured })
  assert_equal({ { configured, 'serve' }, 'setup' }, { server.find().cmd, server.find().from })
  codekin.setup({ cmd = { configured, 'serve', '--debug' } })
  assert_equal({ configured, 'serve', '--debug' }, server.find().cmd)
  codekin.setup({ cmd = home .. '/gone' })
  assert_equal(nil, server.find())
  assert_equal(true, vim.startswith(server.describe_missing(), ('%s/gone is not executable; '):format(home)))
  codekin.setup()
end)

it('versions are compatible with the same minor version', function()
  assert_equal(true, server.is_compatible(server.version))
  assert_equal({ false, false, false }, { server.is_compatible('99.0.0'), server.is_compatible('0.99.0'), server.is_compatible('?') })
end)

it('a project root is the nearest repository, else the nearest folder with a project file, and never home', function()
  local client = require('codekin.client')
  vim.fn.mkdir(home .. '/repository/.git', 'p')
  vim.fn.mkdir(home .. '/repository/package', 'p')
  vim.fn.writefile({}, home .. '/repository/package/package.json')
  vim.fn.writefile({}, home .. '/package.json')
  vim.cmd.cd(home .. '/repository/package')
  assert_equal(home .. '/repository', client.find_root())
  vim.fn.delete(home .. '/repository/.git', 'd')
  assert_equal(home .. '/repository/package', client.find_root())
  vim.cmd.cd(home .. '/repository')
  assert_equal(nil, client.find_root())
end)

it('filetypes are listed once', function()
  local filetypes = vim.deepcopy(require('codekin.client').config.filetypes)
  local sorted = vim.deepcopy(filetypes)
  table.sort(sorted)
  assert_equal(#sorted, #vim.fn.uniq(vim.deepcopy(sorted)))
end)

it('vim.lsp.enable finds the configuration', function()
  assert_equal(require('codekin.client').config, dofile(plugin .. '/lsp/codekin.lua'))
end)

it('the file for nvim-lspconfig works without the plugin, for the same filetypes', function()
  local config = dofile(plugin .. '/registry/lspconfig/lsp/codekin.lua')
  assert_equal({ 'codekin', 'serve' }, config.cmd)
  assert_equal(require('codekin.client').config.filetypes, config.filetypes)
  assert_equal({ '.git', '.hg', '.jj', '.svn' }, config.root_markers)
end)

it('one of a thing is in the singular', function()
  local format_count = require('codekin.notify').format_count
  assert_equal({ '0 files', '1 file', '2 files' }, vim.tbl_map(function(count) return format_count(count, 'file') end, { 0, 1, 2 }))
end)

it('a module is called by its file, and code without a name by its first line', function()
  local range = { start = { line = 0, character = 0 }, ['end'] = { line = 2, character = 0 } }
  local function get_head(kind)
    local location = { uri = vim.uri_from_fname(home .. '/stock/shelves.py'), range = range }
    local hit = { kind = kind, name = '', score = 0.5, why = '', preview = 'import stock', location = location, selectionRange = range }
    local result = require('codekin.hits').create_result({ hits = { hit }, coverage = 1 }, '', { id = 1, offset_encoding = 'utf-8' })
    return result.items[1].user_data.codekin.head
  end
  assert_equal({ '50%  shelves.py', '50%  import stock' }, { get_head('module'), get_head('block') })
end)

it('the status line is empty without a server', function()
  assert_equal({ '' }, { codekin.status() })
end)
