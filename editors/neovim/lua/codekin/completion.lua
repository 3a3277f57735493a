--- Completions from the workspace: ghost text where Neovim has it (0.12), else items of the usual completion menu.

local client = require('codekin.client')

local M = {}

local METHOD = 'textDocument/inlineCompletion'
local SHOW_SOURCE = 'codekin.showCompletionSource'

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
        ghost().enable(true, { bufnr = event.buf })
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

--- The ghost text that is still ahead of the cursor: Neovim keeps showing it while one types what it says.
---@param item table
---@return string?
local function ahead(item)
  if not item.range then
    return item.insert_text
  end
  local row, column = unpack(vim.api.nvim_win_get_cursor(0))
  local first_row, first_column = item.range:to_extmark()
  local typed = vim.api.nvim_get_current_line():sub(first_column + 1, column)
  if first_row == row - 1 and vim.startswith(item.insert_text, typed) then
    return item.insert_text:sub(#typed + 1)
  end
end

--- Accept the ghost text, or as much of it as `cut` leaves.
---@param cut? fun(text: string): string
---@return boolean accepted
local function accept(cut)
  return ghost() ~= nil
    and ghost().get({
      on_accept = function(item)
        local text = type(item.insert_text) == 'string' and ahead(item)
        if text and (cut or item.range:is_empty()) then
          item.insert_text, item.range = cut and cut(text) or text, nil
          item.command = not cut and item.command or nil
        end
        return item
      end,
    })
end

--- Accept the ghost text.
---@return boolean accepted
function M.accept()
  return accept()
end

--- Accept the next word of the ghost text; the rest is shown again.
---@return boolean accepted
function M.accept_word()
  return accept(word)
end

--- Show the place that the candidate comes from, in the preview window; else that of the completion taken last.
function M.source()
  local function shown(item)
    local source = item.command and item.command.arguments and item.command.arguments[1]
    if type(source) == 'table' and source.location then
      local line = source.location.range.start.line + 1
      vim.cmd(('pedit +%d %s'):format(line, vim.fn.fnameescape(vim.uri_to_fname(source.location.uri))))
    end
  end
  if ghost() and ghost().get({ on_accept = shown }) then
    return
  end
  client.ask(vim.api.nvim_get_current_buf(), 'workspace/executeCommand', { command = SHOW_SOURCE }, function() end)
end

---@param count integer
function M.select(count)
  if ghost() then
    ghost().select({ count = count })
  end
end

return M
