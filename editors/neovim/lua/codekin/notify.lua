--- Messages to the user that fit one line: after a longer one, Neovim would wait for a key.

local M = {}

local RESERVED_CELLS = 12 -- at the right of the last line, for the ruler and pending keys
local HIGHLIGHTS = { [vim.log.levels.ERROR] = 'ErrorMsg', [vim.log.levels.WARN] = 'WarningMsg' }

--- Whether `vim.notify` is Neovim's own, which echoes the text.
---@return boolean
local function echoes()
  local source = debug.getinfo(vim.notify, 'S').source
  return source == '?' or source:find('vim/_', 1, true) ~= nil -- newer versions compile their own modules
end

--- Shorten a text to this many cells.
---@param text string
---@param width integer
---@return string
local function truncate(text, width)
  while vim.fn.strdisplaywidth(text) > width do
    text = vim.fn.strcharpart(text, 0, vim.fn.strcharlen(text) - 1)
  end
  return text
end

--- Format a count with its noun: 1 file, 2 files.
---@param count integer
---@param noun string in the singular
---@return string
function M.format_count(count, noun)
  return ('%d %s%s'):format(count, noun, count == 1 and '' or 's')
end

--- Show a message. One that is too long for a line is shortened; `:Codekin log` has the whole text.
---@param text string
---@param level? integer
function M.show(text, level)
  level = level or vim.log.levels.INFO
  local message = ('codekin: ' .. text):gsub('%s*\n%s*', ' ')
  local width = vim.o.columns - RESERVED_CELLS
  if not echoes() or vim.fn.strdisplaywidth(message) <= width then
    return vim.notify(message, level)
  end
  require('codekin.client').record_message({ type = 3, message = text })
  local suffix = '… (:Codekin log)'
  local shortened = truncate(message, width - vim.fn.strdisplaywidth(suffix)) .. suffix
  vim.api.nvim_echo({ { shortened, HIGHLIGHTS[level] } }, false, {})
end

return M
