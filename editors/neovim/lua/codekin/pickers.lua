--- Results in the installed picker: all show the hits of a query, and most can search while the user types.

local hits = require('codekin.hits')

local M = {}

--- Search for a query. Calls back with the items, a title and the whole result, without these two for a blank query;
--- does not when a later query has replaced this one.
---@alias codekin.SearchCallback fun(items: codekin.Item[], title?: string, result?: codekin.Result)
---@alias codekin.SearchFunction fun(query: string, callback: codekin.SearchCallback)

---@class codekin.Picker
---@field name string
---@field is_available fun(): boolean
---@field pick fun(result: codekin.Result)
---@field live? fun(title: string, search: codekin.SearchFunction)

---@param item codekin.Item
---@return string
local function format_location(item)
  return ('%s:%d'):format(hits.get_display_path(item.filename), item.lnum)
end

---@param item codekin.Item
---@return string
local function format_line(item)
  local data = item.user_data.codekin
  return ('%s  %s  %s'):format(data.head, format_location(item), data.why)
end

---@param module string
---@return fun(): boolean
local function check_module(module)
  return function()
    return (pcall(require, module))
  end
end

---@type codekin.Picker
local select = {
  name = 'select',
  is_available = function()
    return true
  end,
  pick = function(result)
    vim.ui.select(result.items, {
      prompt = result.title,
      kind = 'codekin',
      format_item = format_line,
      preview_item = function(item)
        local bufnr = vim.fn.bufadd(item.filename)
        vim.fn.bufload(bufnr)
        return { buf = bufnr, pos = { item.lnum, item.col - 1 }, pos_end = { item.end_lnum, 0 } }
      end,
    }, function(item)
      if item then
        hits.jump_to(item)
      end
    end)
  end,
}

-- Telescope

---@param title string
---@param finder table
---@param sorter table
local function open_telescope(title, finder, sorter)
  require('telescope.pickers')
    .new({}, {
      prompt_title = title,
      finder = finder,
      sorter = sorter,
      previewer = require('telescope.config').values.qflist_previewer({}),
    })
    :find()
end

---@param item codekin.Item
---@return table entry
local function telescope_entry(item)
  return {
    value = item,
    ordinal = format_line(item),
    display = format_line(item),
    filename = item.filename,
    lnum = item.lnum,
    lnend = item.end_lnum,
    col = item.col,
    text = item.text,
  }
end

---@type codekin.Picker
local telescope_picker = {
  name = 'telescope',
  is_available = check_module('telescope'),
  pick = function(result)
    local finder = require('telescope.finders').new_table({ results = result.items, entry_maker = telescope_entry })
    open_telescope(result.title, finder, require('telescope.config').values.generic_sorter({}))
  end,
  live = function(title, search)
    local finder = setmetatable({ close = function() end }, {
      __call = function(_, prompt, process_result, process_complete)
        search(prompt, function(items)
          for index, item in ipairs(items) do
            local entry = telescope_entry(item)
            entry.index = index
            process_result(entry)
          end
          process_complete()
        end)
      end,
    })
    open_telescope(title, finder, require('telescope.sorters').empty())
  end,
}

-- snacks.picker

---@param item codekin.Item
---@return table
local function snacks_item(item)
  return {
    text = format_line(item),
    item = item,
    file = item.filename,
    pos = { item.lnum, item.col - 1 },
    end_pos = { item.end_lnum, 0 },
  }
end

---@param item table
---@return table[]
local function snacks_format(item)
  local data = item.item.user_data.codekin
  return {
    { data.head .. '  ' },
    { format_location(item.item), 'SnacksPickerDir' },
    { '  ' .. data.why, 'SnacksPickerComment' },
  }
end

---@type codekin.Picker
local snacks = {
  name = 'snacks',
  is_available = function()
    return Snacks ~= nil and (pcall(require, 'snacks.picker'))
  end,
  pick = function(result)
    local items = vim.iter(result.items):map(snacks_item):totable()
    local options = { source = 'codekin', title = result.title, items = items }
    options.format, options.preview = snacks_format, 'file'
    require('snacks.picker').pick(vim.tbl_extend('error', options, { sort = { fields = { 'score:desc', 'idx' } } }))
  end,
  live = function(title, search)
    require('snacks.picker').pick({
      source = 'codekin',
      title = title,
      live = true,
      format = snacks_format,
      preview = 'file',
      finder = function(_, context)
        local query = context.filter.search
        return function(add)
          local done = false
          vim.schedule(function()
            search(query, function(items)
              done = true
              vim.iter(items):map(snacks_item):each(add)
              context.async:resume()
            end)
          end)
          while not done do
            context.async:suspend()
          end
        end
      end,
    })
  end,
}

-- fzf-lua

---@param item codekin.Item
---@return string
local function fzf_line(item)
  return ('%s:%d:%d: %s'):format(vim.fn.fnamemodify(item.filename, ':~:.'), item.lnum, item.col, item.text)
end

---@param title string
---@return table
local function fzf_options(title)
  local actions = require('fzf-lua.actions')
  return {
    prompt = 'codekin> ',
    winopts = { title = (' %s '):format(title) },
    previewer = 'builtin',
    fzf_opts = { ['--no-sort'] = true },
    actions = {
      ['enter'] = actions.file_edit_or_qf,
      ['ctrl-s'] = actions.file_split,
      ['ctrl-v'] = actions.file_vsplit,
      ['ctrl-t'] = actions.file_tabedit,
      ['alt-q'] = actions.file_sel_to_qf,
    },
  }
end

---@type codekin.Picker
local fzf = {
  name = 'fzf-lua',
  is_available = function()
    return vim.fn.executable('fzf') == 1 and (pcall(require, 'fzf-lua'))
  end,
  pick = function(result)
    require('fzf-lua').fzf_exec(vim.iter(result.items):map(fzf_line):totable(), fzf_options(result.title))
  end,
  live = function(title, search)
    require('fzf-lua').fzf_live(function(words)
      return function(add)
        search(type(words) == 'table' and words[1] or words or '', function(items)
          vim.iter(items):map(fzf_line):each(function(text)
            add(text)
          end)
          add(nil)
        end)
      end
    end, fzf_options(title))
  end,
}

-- mini.pick

---@param item codekin.Item
---@return table
local function mini_item(item)
  return { text = format_line(item), path = item.filename, lnum = item.lnum, col = item.col, end_lnum = item.end_lnum }
end

---@type codekin.Picker
local mini = {
  name = 'mini.pick',
  is_available = function()
    return MiniPick ~= nil
  end,
  pick = function(result)
    MiniPick.start({ source = { name = result.title, items = vim.iter(result.items):map(mini_item):totable() } })
  end,
  live = function(title, search)
    local function match(_, _, query)
      search(table.concat(query), function(items)
        MiniPick.set_picker_items(vim.iter(items):map(mini_item):totable(), { do_match = false })
      end)
    end
    MiniPick.start({ source = { name = title, items = {}, match = match } })
  end,
}

---@type codekin.Picker[]
local pickers = { snacks, telescope_picker, fzf, mini, select }

--- Values of `show` besides 'auto', 'quickfix' and 'loclist'.
M.names = vim
  .iter(pickers)
  :map(function(picker)
    return picker.name
  end)
  :totable()

--- Return the picker with this name. For 'auto', return the first installed one, or nil if only `vim.ui.select` exists.
---@param name string a name, or 'auto'
---@return codekin.Picker?
function M.get(name)
  for _, picker in ipairs(pickers) do
    if name == picker.name or (name == 'auto' and picker ~= select and picker.is_available()) then
      return picker
    end
  end
end

return M
