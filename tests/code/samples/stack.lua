-- A stack of values.
local M = {}

local LIMIT = 10

--- Makes a stack.
-- @param name its name
function M.new(name)
  return setmetatable({ name = name, items = {} }, { __index = M })
end

--[[
  Puts a value on top.
]]
function M:push(value)
  self.items[#self.items + 1] = value
end

local function check(value)
  return value ~= nil
end

M.pop = function(self)
  return table.remove(self.items)
end

local twice = function(x)
  return x * 2
end

local handlers = {
  open = function()
    return true
  end,
  close = function()
    return false
  end,
  size = 2,
}

if jit then
  function M.fast()
    return true
  end
end

describe("a stack", function()
  local stack = M.new("a")

  it("pushes", function()
    stack:push(1)
    assert.equals(1, #stack.items)
  end)
end)

Stack.drain = async(function(stack)
  while not stack:empty() do
    stack:pop()
  end
end)

return M
