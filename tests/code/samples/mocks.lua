local Job = require("job")

local operators = {
  unm = function(a)
    return -a
  end, -- an alias
  pow = function(a, b)
    return a ^ b
  end,
}

local colors = setmetatable({
  none = function(text)
    return text
  end,
}, {
  __index = function(self, key)
    return self.none
  end,
})

local job = Job:new {
  command = "fdfind",
  on_stdout = function(_, line)
    print(line)
  end,
}

describe("fetching", function()
  lazy_setup(function()
    fs.download = function(url)
      return url
    end
  end)
end)

require("tap")(function(test)
  local function count(list)
    return #list
  end

  test("counts", function()
    assert(count({ 1 }) == 1)
  end)
end)

previewers.tags = defaulter(function(options)
  return options.tags
end)
