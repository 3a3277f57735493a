// Stands for @vscode/spdlog, which would have to be compiled: writes VS Code's logs, in the same form, into the same files.
const fs = require('node:fs');
const path = require('node:path');

const LEVELS = ['trace', 'debug', 'info', 'warning', 'error', 'critical', 'off'];
const two = (value, digits = 2) => String(value).padStart(digits, '0');

class Logger {
    constructor(file) {
        Object.assign(this, { file, level: 2, isBare: false });
        fs.mkdirSync(path.dirname(file), { recursive: true });
    }
    getLevel() {
        return this.level;
    }
    setLevel(level) {
        this.level = level;
    }
    setPattern() {
        this.isBare = false; // VS Code knows one pattern
    }
    clearFormatters() {
        this.isBare = true;
    }
    flush() {} // each message is written at once
    drop() {}
}
for (const [level, name] of LEVELS.slice(0, -1).entries()) {
    Logger.prototype[name === 'warning' ? 'warn' : name] = function (message) {
        if (level >= this.level) {
            const now = new Date();
            const day = `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`;
            const time = `${two(now.getHours())}:${two(now.getMinutes())}:${two(now.getSeconds())}.${two(now.getMilliseconds(), 3)}`;
            fs.appendFileSync(this.file, this.isBare ? message : `${day} ${time} [${name}] ${message}\n`);
        }
    };
}

exports.version = 0;
exports.setLevel = exports.setFlushOn = exports.shutdown = () => {};
exports.Logger = Logger;
exports.createRotatingLogger = exports.createAsyncRotatingLogger = async (_name, file) => new Logger(file);
