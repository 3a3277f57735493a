const std = @import("std");

/// A pool of nodes.
pub const Pool = struct {
    items: []u8,
    used: usize = 0,

    pub fn init(allocator: std.mem.Allocator) !Pool {
        const items = try allocator.alloc(u8, 16);
        return Pool{ .items = items };
    }

    /// Takes the next.
    pub fn next(self: *Pool) ?u8 {
        if (self.used == self.items.len) {
            return null;
        }
        self.used += 1;
        return self.items[self.used - 1];
    }
};

const Kind = enum {
    small,
    large,

    fn isSmall(self: Kind) bool {
        return self == .small;
    }
};

fn add(a: i32, b: i32) i32 {
    return a + b;
}

test "adds numbers" {
    const sum = add(1, 2);
    try std.testing.expect(sum == 3);
}
