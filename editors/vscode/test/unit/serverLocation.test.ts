import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { findOnPath, findServer, isCompatible, type SearchPaths } from '../../src/serverLocation';

describe('The server', () => {
    let folder: string;
    const noPaths: SearchPaths = {
        setting: '',
        interpreter: undefined,
        path: '',
        bundled: '/none',
        installed: '/none',
        home: '/none',
    };

    function createProgram(...parts: string[]): string {
        const file = path.join(folder, ...parts);
        fs.mkdirSync(path.dirname(file), { recursive: true });
        fs.writeFileSync(file, '#!/bin/sh\n', { mode: 0o755 });
        return file;
    }

    beforeEach(() => (folder = fs.mkdtempSync(path.join(os.tmpdir(), 'places-'))));
    afterEach(() => fs.rmSync(folder, { recursive: true }));

    it('is found beside the interpreter, then on PATH, then in the package, then in the extension’s environment', () => {
        const [bundled, installed] = [path.join(folder, 'server'), path.join(folder, 'own')];
        const searchPaths = { ...noPaths, bundled, installed, path: path.join(folder, 'path') };
        const inEnvironment = createProgram('own', 'bin', 'codekin');
        assert.deepEqual(findServer(searchPaths), { program: inEnvironment, options: [], source: 'installed' });
        const python = createProgram('server', 'bin', 'python3');
        const options = ['-I', '-m', 'codekin'];
        assert.deepEqual(findServer(searchPaths), { program: python, options, source: 'bundled' });
        const fromPath = createProgram('path', 'codekin');
        assert.deepEqual(findServer(searchPaths), { program: fromPath, options: [], source: 'PATH' });
        const besideInterpreter = createProgram('venv', 'bin', 'codekin');
        const interpreter = path.join(folder, 'venv', 'bin', 'python');
        assert.deepEqual(findServer({ ...searchPaths, interpreter }), {
            program: besideInterpreter,
            options: [],
            source: 'interpreter',
        });
    });

    it('is the one in the setting, and no other if that is not an executable', () => {
        const fromSetting = createProgram('named', 'codekin');
        createProgram('path', 'codekin');
        const searchPaths = { ...noPaths, path: path.join(folder, 'path'), home: folder };
        assert.equal(findServer({ ...searchPaths, setting: '~/named/codekin' })?.program, fromSetting);
        assert.equal(findServer({ ...searchPaths, setting: `${fromSetting}-missing` }), undefined);
        assert.equal(findServer({ ...searchPaths, setting: './named/codekin' }), undefined);
        assert.equal(findServer({ ...searchPaths, setting: 'codekin' })?.source, 'codekin.path');
    });

    it('is not looked for in relative folders of PATH, which may belong to a workspace', () => {
        createProgram('codekin');
        assert.equal(findOnPath('codekin', `.${path.delimiter}`), undefined);
    });

    it('is compatible with the same major version, and before 1.0 with the same minor version', () => {
        assert.ok(isCompatible('0.1.0', '0.1.7') && isCompatible('1.2.0', '1.0.0'));
        assert.ok(
            !isCompatible('0.1.0', '0.2.0') && !isCompatible('1.0.0', '2.0.0') && !isCompatible('0.1.0', 'unknown'),
        );
    });
});
