import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { findServer, onPath, suits } from '../../src/places';

describe('Where the server is', () => {
    let home: string;
    const none = { setting: '', interpreter: undefined, path: '', installed: '/none', home: '/none' };

    function program(...parts: string[]): string {
        const file = path.join(home, ...parts);
        fs.mkdirSync(path.dirname(file), { recursive: true });
        fs.writeFileSync(file, '#!/bin/sh\n', { mode: 0o755 });
        return file;
    }

    beforeEach(() => (home = fs.mkdtempSync(path.join(os.tmpdir(), 'places-'))));
    afterEach(() => fs.rmSync(home, { recursive: true }));

    it('is the interpreter’s, then PATH’s, then the installed one', () => {
        const installed = program('own', 'bin', 'codekin');
        const sources = { ...none, installed: path.join(home, 'own'), path: path.join(home, 'path') };
        assert.deepEqual(findServer(sources), { program: installed, from: 'installed' });
        const onPath = program('path', 'codekin');
        assert.deepEqual(findServer(sources), { program: onPath, from: 'PATH' });
        const beside = program('venv', 'bin', 'codekin');
        const interpreter = path.join(home, 'venv', 'bin', 'python');
        assert.deepEqual(findServer({ ...sources, interpreter }), { program: beside, from: 'interpreter' });
    });

    it('is what the setting names, and nothing else where that is no program', () => {
        const named = program('named', 'codekin');
        program('path', 'codekin');
        const sources = { ...none, path: path.join(home, 'path'), home };
        assert.equal(findServer({ ...sources, setting: '~/named/codekin' })?.program, named);
        assert.equal(findServer({ ...sources, setting: named + '-not' }), undefined);
        assert.equal(findServer({ ...sources, setting: './named/codekin' }), undefined);
        assert.equal(findServer({ ...sources, setting: 'codekin' })?.from, 'codekin.path');
    });

    it('is not below a relative folder of PATH, which a workspace may have', () => {
        program('codekin');
        assert.equal(onPath('codekin', `.${path.delimiter}`), undefined);
    });

    it('must be of the same minor version before 1.0', () => {
        assert.ok(suits('0.1.0', '0.1.7') && suits('1.2.0', '1.0.0'));
        assert.ok(!suits('0.1.0', '0.2.0') && !suits('1.0.0', '2.0.0') && !suits('0.1.0', 'unknown'));
    });
});
