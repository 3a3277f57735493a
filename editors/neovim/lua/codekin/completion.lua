--- Completions from the workspace: ghost text where Neovim has it (0.12), else items of the usual completion menu.

local client = require('codekin.client')

local M = {}

local METHOD = 'textDocument/inlineCompletion'

--- `vim.lsp.inline_completion`, where there is one.
---@return table?
local function ghost()
  return vim.fn.has('nvim-0.12') == 1 and vim.lsp.inline_completion or nil
end

--- Have ghost text from codekin's servers, now and later.
function M.enable()
  vim.api.nvim_create_autocmd('LspAttach', {
    group = vim.api.nvim_create_augroup('codekin.completion', {}),
    desc = 'codekin: ghost text',
    callback = function(event)
      local attached = vim.lsp.get_client_by_id(event.data.client_id)
      local wanted = attached and attached.name == 'codekin' and require('codekin').options.ghost_text
      if wanted and ghost() and client.can(attached, METHOD) then
        ghost().enable(true, { client_id = attached.id })
      end
    end,
  })
end

--- Turn ghost text on or off in all buffers.
---@param on boolean
function M.toggle(on)
  require('codekin').options.ghost_text = on
  if not ghost() then
    return client.tell('ghost text needs Neovim 0.12; here completions are in the completion menu.')
  end
  for _, each in ipairs(vim.lsp.get_clients({ name = 'codekin' })) do
    if client.can(each, METHOD) then
      ghost().enable(on, { client_id = each.id })
    end
  end
end

--- Ask for a completion at the cursor, now.
function M.ask()
  if vim.api.nvim_get_mode().mode:sub(1, 1) ~= 'i' then
    vim.cmd.startinsert({ bang = vim.fn.col('.') >= vim.fn.col('$') - 1 })
  end
  if ghost() and ghost().is_enabled({ bufnr = 0 }) then
    return vim.schedule(function() -- what Neovim does 200 ms after a key stroke
      vim.api.nvim_exec_autocmds('CursorMovedI', { buffer = 0, modeline = false })
    end)
  end
  vim.api.nvim_feedkeys(vim.keycode('<C-x><C-o>'), 'n', false)
end

--- The next word of a text, with what stands before it.
---@param text string
---@return string
local function word(text)
  return text:match('^%s*[%w_\128-\255]+') or text:match('^%s*[^%w%s_\128-\255]+') or text
end

--- Accept the ghost text, or of it what `cut` leaves.
---@param cut? fun(item: table): table
---@return boolean accepted
function M.accept(cut)
  return ghost() ~= nil and ghost().get({ on_accept = cut })
end

--- Accept the next word of the ghost text; the rest is shown again.
---@return boolean accepted
function M.accept_word()
  return M.accept(function(item)
    if type(item.insert_text) ~= 'string' then
      return item
    end
    local row, column = unpack(vim.api.nvim_win_get_cursor(0))
    local typed = ''
    if item.range then
      local first_row, first_column = item.range:to_extmark()
      if first_row == row - 1 then
        typed = vim.api.nvim_get_current_line():sub(first_column + 1, column)
      end
    end
    item.insert_text = typed .. word(item.insert_text:sub(#typed + 1))
    item.command = nil
    return item
  end)
end

---@param count integer
function M.select(count)
  if ghost() then
    ghost().select({ count = count })
  end
end

return M
