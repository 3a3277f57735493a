-- Defines the command and the `<Plug>` mappings, and waits for the first file. Loads no module.

if vim.g.loaded_codekin then
  return
end
vim.g.loaded_codekin = true

vim.api.nvim_create_user_command('Codekin', function(command)
  require('codekin.command').run(command)
end, {
  nargs = '*',
  range = true,
  desc = 'Run a codekin command',
  complete = function(...)
    return require('codekin.command').complete(...)
  end,
})

---@param mode string|string[]
---@param name string of the mapping, and of the function of `require('codekin')` that it calls
---@param desc string
local function map_plug(mode, name, desc)
  vim.keymap.set(mode, ('<Plug>(codekin-%s)'):format(name), function()
    require('codekin')[name:gsub('-', '_')]()
  end, { desc = 'codekin: ' .. desc })
end

map_plug({ 'n', 'x' }, 'similar', 'find similar code')
map_plug('n', 'search', 'search by meaning')
map_plug('n', 'diff', 'compare a hit with the source')
map_plug('i', 'complete', 'request a completion')
map_plug('i', 'accept', 'accept the ghost text')
map_plug('i', 'accept-word', 'accept the next word of the ghost text')
map_plug('i', 'next', 'show the next candidate')
map_plug('i', 'previous', 'show the previous candidate')
map_plug('i', 'source', 'show the source of the candidate')

local function enable()
  require('codekin.client').enable()
end

if vim.v.vim_did_enter == 1 then -- loaded late by a plugin manager: files may be open already
  vim.schedule(enable)
else
  vim.api.nvim_create_autocmd('FileType', { once = true, desc = 'codekin: start', callback = enable })
end
