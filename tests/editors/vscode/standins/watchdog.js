// Stands for native-watchdog, which would have to be compiled: it ends an extension host whose server was killed, and
// here both are killed together.
exports.start = () => {};
exports.exit = (code) => process.exit(code || 0);
