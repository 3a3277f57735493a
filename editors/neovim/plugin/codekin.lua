-- What there is before anybody asks: a command, `<Plug>` mappings, one ear for the first file. Nothing is loaded here.

if vim.g.loaded_codekin then
  return
end
vim.g.loaded_codekin = true

vim.api.nvim_create_user_command('Codekin', function(command)
  require('codekin.command').run(command)
end, {
  nargs = '*',
  range = true,
  desc = 'Ask codekin',
  complete = function(...)
    return require('codekin.command').complete(...)
  end,
})

---@param mode string|string[]
---@param name string the mapping, and the function of `require('codekin')` that it calls
---@param desc string
local function plug(mode, name, desc)
  vim.keymap.set(mode, ('<Plug>(codekin-%s)'):format(name), function()
    require('codekin')[name:gsub('-', '_')]()
  end, { desc = 'codekin: ' .. desc })
end

plug({ 'n', 'x' }, 'similar', 'what is like this code?')
plug('n', 'search', 'where is the code that does …?')
plug('n', 'diff', 'compare a hit with what was asked')
plug('i', 'complete', 'ask for a completion')
plug('i', 'accept', 'accept the ghost text')
plug('i', 'accept-word', 'accept the next word of the ghost text')
plug('i', 'next', 'show the next candidate')
plug('i', 'previous', 'show the previous candidate')
plug('i', 'source', 'show where the candidate comes from')

local function enable()
  require('codekin.client').enable()
end

if vim.v.vim_did_enter == 1 then -- loaded later, as plugin managers do: files may be open already
  vim.schedule(enable)
else
  vim.api.nvim_create_autocmd('FileType', { once = true, desc = 'codekin: the first file', callback = enable })
end
