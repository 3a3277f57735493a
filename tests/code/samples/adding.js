#!/usr/bin/env node
// @ts-check
import x from "y";

/**
 * Adds.
 * @param {number} a the first
 */
export const add = (a, b) => a + b;

export default class Foo extends Bar {
  static count = 0;

  /** Makes. */
  constructor() {
    super();
  }

  handle = async (event) => {
    await event;
  };

  get size() { return 1; }
}

exports.run = exports.go = function (n) {
  return n;
};

Foo.prototype.extra = function () {
  return 1;
};

const api = {
  base: "x",
  load() {
    return 1;
  },
  save: function () {
    return 2;
  },
};

describe("adding", () => {
  const one = 1;
  beforeEach(() => {
    reset();
  });
  it("adds numbers", () => {
    expect(add(one, 1)).toBe(2);
  });
  it.each([1, 2])("adds %d", (n) => {
    expect(n).toBe(n);
  });
});

(function ($) {
  "use strict";
  function inner() {
    return 1;
  }
  $.fn.plug = function () {
    return inner();
  };
})(jQuery);

const Button = React.memo(function Button(props) {
  return <b>{props.x}</b>;
});
module.exports = { add, api };

(function (root, factory) {
  if (typeof define === "function") define(["exports"], factory);
  else factory((root.lib = {}));
})(this, function (exports) {
  // Halves.
  exports.half = function (n) {
    return n / 2;
  };
});

const counter = (() => {
  let n = 0;
  function next() {
    return n++;
  }
  return { next };
})();

export default {
  name: "panel",
  data() {
    return { open: true };
  },
  methods: {
    toggle() {
      this.open = !this.open;
    },
  },
};

module.exports = function renderTotals(totals) {
  return totals.map((total) => total.toFixed(2));
};
