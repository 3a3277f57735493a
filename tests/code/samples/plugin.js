$.fn.extend({
  toggleRow: function (row) {
    var open = row.hasClass('open');
    row.toggleClass('open', !open);
    return row;
  },
  hideRow: function (row) {
    row.removeClass('open');
    return row.hide();
  }
});

Object.assign(Table.prototype, {
  sortRows(column) {
    const rows = this.rows.slice();
    return rows.sort(by(column));
  },
});

defineGetter(request, "hostname", function hostname() {
  const host = this.get("Host");
  return host.split(":")[0];
});
