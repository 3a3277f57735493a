-- Claims about what needs no server, checked inside Neovim: nvim --clean --headless -l specs.lua PLUGIN HOME

local plugin, home = arg[1], arg[2]
vim.opt.runtimepath:prepend(plugin)

---@param claim string
---@param check fun()
local function it(claim, check)
  local ok, why = xpcall(check, debug.traceback)
  io.stdout:write(('%s %s\n'):format(ok and 'holds' or 'FAILS', claim), ok and '' or why .. '\n')
end

---@param expected any
---@param given any
local function same(expected, given)
  if not vim.deep_equal(expected, given) then
    error(('expected %s, given %s'):format(vim.inspect(expected), vim.inspect(given)), 2)
  end
end

---@param path string
---@return string
local function program(path)
  vim.fn.mkdir(vim.fs.dirname(path), 'p')
  vim.fn.writefile({ '#!/bin/sh' }, path)
  vim.uv.fs_chmod(path, 493)
  return path
end

it('nothing is loaded before the first file', function()
  local before = vim.tbl_keys(package.loaded)
  vim.cmd.source(plugin .. '/plugin/codekin.lua')
  local after = vim.tbl_keys(package.loaded)
  table.sort(before)
  table.sort(after)
  local more = vim.tbl_filter(function(name)
    return not vim.list_contains(before, name)
  end, after)
  same({}, vim.tbl_filter(function(name)
    return name:find('codekin') or name:find('^vim%.lsp')
  end, more))
end)

it('no key is taken', function()
  for _, mode in ipairs({ 'n', 'x', 'i', 'o', 't', 'c' }) do
    for _, map in ipairs(vim.api.nvim_get_keymap(mode)) do
      if (map.desc or ''):find('codekin') then
        same('<Plug>(codekin-', map.lhs:sub(1, 15))
      end
    end
  end
end)

it('commands are completed', function()
  same({ 'search', 'similar', 'status' }, vim.fn.getcompletion('Codekin s', 'cmdline'))
  same({ 'show=', 'limit=', 'language=', 'folder=' }, vim.fn.getcompletion('Codekin similar ', 'cmdline'))
  same({ 'show=telescope' }, vim.fn.getcompletion('Codekin search show=te', 'cmdline'))
  same({ 'language=java', 'language=javascript' }, vim.fn.getcompletion('Codekin search language=ja', 'cmdline'))
  same({ 'on', 'off' }, vim.fn.getcompletion('Codekin complete o', 'cmdline'))
  same({}, vim.fn.getcompletion('Codekin pause ', 'cmdline'))
  same({ 'similar' }, vim.fn.getcompletion("'<,'>Codekin sim", 'cmdline'))
end)

local codekin, server = require('codekin'), require('codekin.server')
local told = {}
vim.notify = function(text)
  table.insert(told, text)
end

it('what is wrong in setup is told, and the default kept', function()
  codekin.setup({ ghost = true, limit = 'many', show = 'loclist' })
  table.sort(told)
  same(2, #told)
  same('codekin: setup has no ghost. It has autostart, ', told[1]:sub(1, 47))
  same("codekin: setup: limit is to be a number, and is \"many\".", told[2])
  same({ nil, 'loclist', true }, { codekin.options.limit, codekin.options.show, codekin.options.ghost_text })
  codekin.setup()
  same('auto', codekin.options.show)
end)

it('an unknown command names those there are', function()
  told = {}
  vim.cmd('Codekin simlar')
  same('codekin: there is no :Codekin simlar. There is complete, diff, ', told[1]:sub(1, 63))
end)

it('the server is the one of setup, else of the virtual environment, else of PATH, else our own', function()
  vim.env.VIRTUAL_ENV, vim.env.CONDA_PREFIX, vim.env.PATH = nil, nil, home .. '/path'
  same(nil, server.find())
  local own = program(server.home() .. '/bin/codekin')
  same({ cmd = { own, 'serve' }, program = own, from = ':Codekin install' }, server.find())
  local path = program(home .. '/path/codekin')
  same({ path, 'PATH' }, { server.find().program, server.find().from })
  local active = program(home .. '/active/bin/codekin')
  vim.env.VIRTUAL_ENV = home .. '/active'
  same({ active, 'VIRTUAL_ENV' }, { server.find().program, server.find().from })
  local named = program(home .. '/named/codekin')
  codekin.setup({ cmd = named })
  same({ { named, 'serve' }, 'setup' }, { server.find().cmd, server.find().from })
  codekin.setup({ cmd = { named, 'serve', '--debug' } })
  same({ named, 'serve', '--debug' }, server.find().cmd)
  codekin.setup({ cmd = home .. '/gone' })
  same(nil, server.find())
  same(true, vim.startswith(server.missing(), ('setup names the server %s/gone, which cannot be run. '):format(home)))
  codekin.setup()
end)

it('versions suit each other up to what may break', function()
  same(true, server.suits(server.version))
  same({ false, false, false }, { server.suits('99.0.0'), server.suits('0.99.0'), server.suits('?') })
end)

it('a project is the nearest repository, else the nearest folder that looks like one, and never home', function()
  local client = require('codekin.client')
  vim.fn.mkdir(home .. '/repository/.git', 'p')
  vim.fn.mkdir(home .. '/repository/package', 'p')
  vim.fn.writefile({}, home .. '/repository/package/package.json')
  vim.fn.writefile({}, home .. '/package.json')
  vim.cmd.cd(home .. '/repository/package')
  same(home .. '/repository', client.root())
  vim.fn.delete(home .. '/repository/.git', 'd')
  same(home .. '/repository/package', client.root())
  vim.cmd.cd(home .. '/repository')
  same(nil, client.root())
end)

it('every filetype is there once', function()
  local filetypes = vim.deepcopy(require('codekin.client').config.filetypes)
  local sorted = vim.deepcopy(filetypes)
  table.sort(sorted)
  same(#sorted, #vim.fn.uniq(vim.deepcopy(sorted)))
end)

it('the configuration is where vim.lsp.enable looks for it', function()
  same(require('codekin.client').config, dofile(plugin .. '/lsp/codekin.lua'))
end)

it('a status line is empty where there is no server', function()
  same({ '' }, { codekin.status() })
end)
