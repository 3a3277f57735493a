--- Completions from the workspace: ghost text in Neovim 0.12, items of the completion menu in older versions.

local client = require('codekin.client')

local M = {}

local METHOD = 'textDocument/inlineCompletion'
local SHOW_SOURCE = 'codekin.showCompletionSource'

--- Return `vim.lsp.inline_completion`, or nil in older versions.
---@return table?
local function get_inline_completion()
  return vim.fn.has('nvim-0.12') == 1 and vim.lsp.inline_completion or nil
end

--- Enable ghost text for codekin's clients whenever one attaches.
function M.enable()
  vim.api.nvim_create_autocmd('LspAttach', {
    group = vim.api.nvim_create_augroup('codekin.completion', {}),
    desc = 'codekin: ghost text',
    callback = function(event)
      local attached = vim.lsp.get_client_by_id(event.data.client_id)
      local is_enabled = attached and attached.name == 'codekin' and require('codekin').options.ghost_text
      if is_enabled and get_inline_completion() and client.supports(attached, METHOD) then
        get_inline_completion().enable(true, { bufnr = event.buf })
      end
    end,
  })
end

--- Turn ghost text on or off in all buffers.
---@param is_enabled boolean
function M.set_enabled(is_enabled)
  require('codekin').options.ghost_text = is_enabled
  if not get_inline_completion() then
    return client.notify('ghost text needs Neovim 0.12; use the completion menu')
  end
  for _, active_client in ipairs(vim.lsp.get_clients({ name = 'codekin' })) do
    if client.supports(active_client, METHOD) then
      get_inline_completion().enable(is_enabled, { client_id = active_client.id })
    end
  end
end

--- Request candidates at a byte column of the current line; call back with whether there are any.
---@param column integer
---@param callback fun(has_candidates: boolean)
local function request_candidates(column, callback)
  local bufnr, row = vim.api.nvim_get_current_buf(), vim.api.nvim_win_get_cursor(0)[1] - 1
  local method = get_inline_completion() and METHOD or 'textDocument/completion'
  local function create_params(attached)
    local character = vim.lsp.util.character_offset(bufnr, row, column, attached.offset_encoding)
    return {
      textDocument = { uri = vim.uri_from_bufnr(bufnr) },
      position = { line = row, character = character },
      context = { triggerKind = 1 },
    }
  end
  client.request(bufnr, method, create_params, function(result)
    local items = type(result) == 'table' and (result.items or result) or {}
    callback(#items > 0)
  end)
end

--- Request a completion at the cursor. From Normal mode, Insert mode is entered only if there is one.
function M.trigger()
  if vim.api.nvim_get_mode().mode:sub(1, 1) == 'i' then
    return M.show()
  elseif not vim.bo.modifiable then
    return client.notify('this buffer cannot be edited', vim.log.levels.WARN)
  end
  local is_at_end = vim.fn.col('.') >= vim.fn.col('$') - 1
  local column = is_at_end and vim.fn.col('$') - 1 or vim.fn.col('.') - 1
  request_candidates(column, function(has_candidates)
    if not has_candidates then
      return client.notify('no completion here')
    end
    vim.cmd.startinsert({ bang = is_at_end })
    vim.schedule(M.show)
  end)
end

--- Show completions at the cursor, in Insert mode.
function M.show()
  if get_inline_completion() and get_inline_completion().is_enabled({ bufnr = 0 }) then
    return vim.schedule(function() -- as Neovim does 200 ms after a key stroke
      vim.api.nvim_exec_autocmds('CursorMovedI', { buffer = 0, modeline = false })
    end)
  end
  vim.api.nvim_feedkeys(vim.keycode('<C-x><C-o>'), 'n', false)
end

--- Return the first word of a text, with leading white space.
---@param text string
---@return string
local function get_first_word(text)
  return text:match('^%s*[%w_\128-\255]+') or text:match('^%s*[^%w%s_\128-\255]+') or text
end

--- Return the part of the ghost text after the cursor: Neovim keeps showing it while the user types it.
---@param item table
---@return string?
local function get_remaining_text(item)
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

--- Accept the ghost text, or the part that `shorten` returns.
---@param shorten? fun(text: string): string
---@return boolean accepted
local function accept_text(shorten)
  return get_inline_completion() ~= nil
    and get_inline_completion().get({
      on_accept = function(item)
        local text = type(item.insert_text) == 'string' and get_remaining_text(item)
        if text and (shorten or item.range:is_empty()) then
          item.insert_text, item.range = shorten and shorten(text) or text, nil
          item.command = not shorten and item.command or nil
        end
        return item
      end,
    })
end

--- Accept the ghost text.
---@return boolean accepted
function M.accept()
  return accept_text()
end

--- Accept the next word of the ghost text; the rest stays visible.
---@return boolean accepted
function M.accept_word()
  return accept_text(get_first_word)
end

--- Show the source of the candidate in the preview window, or else go to the source of the last accepted completion.
function M.show_source()
  local function show_item_source(item)
    local source = item.command and item.command.arguments and item.command.arguments[1]
    if type(source) == 'table' and source.location then
      local line = source.location.range.start.line + 1
      vim.cmd(('pedit +%d %s'):format(line, vim.fn.fnameescape(vim.uri_to_fname(source.location.uri))))
    end
  end
  if get_inline_completion() and get_inline_completion().get({ on_accept = show_item_source }) then
    return
  end
  client.request(vim.api.nvim_get_current_buf(), 'workspace/executeCommand', { command = SHOW_SOURCE }, function() end)
end

--- Select another candidate.
---@param count integer how many candidates further
function M.select(count)
  if get_inline_completion() then
    get_inline_completion().select({ count = count })
  end
end

return M
