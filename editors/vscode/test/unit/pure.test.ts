import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { carryOut, news, plan, StepError } from '../../src/installing';
import { surroundings } from '../../src/isolation';
import { Patience } from '../../src/patience';
import type { Hit } from '../../src/protocol';
import { moved } from '../../src/spans';
import { apart, byFile, byKinship, fenced, nameOf, narrowPlaceOf, remark } from '../../src/wording';

function hit(more: Partial<Hit>): Hit {
    const range = { start: { line: 0, character: 0 }, end: { line: 2, character: 0 } };
    const location = { uri: 'file:///a.py', range };
    const rest = { name: 'f', kind: 'function', language: 'python', score: 1, why: '', preview: '' };
    return { location, selectionRange: range, qualifiedName: '', kinship: 'similar', ...rest, ...more };
}

describe('Patience', () => {
    it('waits ever longer, gives up, and comes back with time or when a person wants it', () => {
        const patience = new Patience();
        const waits = [1, 2, 3, 4, 5].map((at) => patience.ended(at));
        assert.deepEqual(waits, [500, 1000, 2000, 4000, undefined]);
        assert.equal(patience.ended(1_000_000), 500);
        patience.renew();
        assert.equal(patience.ended(1_000_001), 500);
    });
});

describe('A place in a text that is edited', () => {
    const span = { start: { line: 5, character: 4 }, end: { line: 9, character: 0 } };
    function change(startLine: number, startAt: number, endLine: number, endAt: number, text: string) {
        const range = { start: { line: startLine, character: startAt }, end: { line: endLine, character: endAt } };
        return moved(span, { range, text });
    }

    it('moves with lines above it', () => {
        assert.deepEqual(change(0, 0, 0, 0, 'a\nb\n'), { start: { line: 7, character: 4 }, end: { line: 11, character: 0 } });
        assert.deepEqual(change(1, 0, 3, 0, ''), { start: { line: 3, character: 4 }, end: { line: 7, character: 0 } });
    });

    it('moves with characters before it on its line', () => {
        assert.deepEqual(change(5, 0, 5, 2, '😋xyz').start, { line: 5, character: 7 });
        assert.deepEqual(change(5, 0, 5, 0, 'a\nbc').start, { line: 6, character: 6 });
    });

    it('grows with what is in it, stays with what is below, and falls to where it was deleted', () => {
        assert.deepEqual(change(7, 0, 7, 0, 'x\n').end, { line: 10, character: 0 });
        assert.deepEqual(change(20, 0, 21, 0, ''), span);
        assert.deepEqual(change(4, 0, 6, 0, '').start, { line: 4, character: 0 });
    });
});

describe('Hits', () => {
    it('are grouped by kinship, nearest first, or by file, best first', () => {
        const hits = [hit({ kinship: 'edited' }), hit({ kinship: 'identical', location: { ...hit({}).location, uri: 'file:///b.py' } })];
        assert.deepEqual(byKinship(hits).map((group) => group.key), ['identical', 'edited']);
        assert.deepEqual(byFile(hits).map((group) => group.key), ['file:///a.py', 'file:///b.py']);
    });

    it('in a notebook’s cells are of one file, and name their cell', () => {
        const { range } = hit({}).location;
        const cell = { index: 2, range, selectionRange: range };
        const hits = ['W2sZmlsZQ==', 'X10sZmlsZQ=='].map((of) => hit({ cell, location: { uri: `vscode-notebook-cell:/a/b.ipynb#${of}`, range } }));
        assert.deepEqual(byFile(hits).map((group) => [group.key, group.hits.length]), [['file:///a/b.ipynb', 2]]);
        assert.equal(narrowPlaceOf(hit({ cell }), 'lib/b.ipynb'), 'b.ipynb#3:1 · lib');
    });

    it('without a name are called by their first line', () => {
        assert.equal(nameOf(hit({ name: '', preview: '\n  x = 1\n' })), 'x = 1');
        assert.equal(nameOf(hit({ name: '', preview: 'y'.repeat(99) })).length, 60);
    });

    it('say in a narrow column the file first', () => {
        assert.equal(narrowPlaceOf(hit({}), 'lib/net/urls.py'), 'urls.py:1 · lib/net');
        assert.equal(narrowPlaceOf(hit({}), 'urls.py'), 'urls.py:1');
    });

    it('are told apart by their files, by their paths where these are called the same', () => {
        assert.deepEqual(apart('a/b/one.py', 'c/two.py'), ['one.py', 'two.py']);
        assert.deepEqual(apart('a/one.py', 'a/one.py'), ['one.py', 'one.py']);
        assert.deepEqual(apart('a/one.py', 'c/one.py'), ['a/one.py', 'c/one.py']);
    });

    it('can’t break out of their preview', () => {
        assert.ok(fenced(hit({ preview: '````\n[x](command:y)' })).startsWith('`````python\n'));
    });

    it('say when there are none, and when not all was searched', () => {
        assert.equal(remark(3, 1, 'None.'), '');
        assert.equal(remark(0, 0.424, 'None.'), 'None. 42 % of the workspace is indexed so far.');
        assert.match(remark(2, 0.999, 'None.'), /^99 %/);
    });
});

describe('Installing', () => {
    const go = new AbortController().signal;

    it('takes uv where it is there, else the Python', () => {
        const [venv, whole] = plan({ uv: '/bin/uv', python: undefined }, '/e', 'codekin==1');
        assert.deepEqual(venv?.words, ['/bin/uv', 'venv', '--python', '>=3.11', '/e']);
        assert.equal(whole?.words.at(-1), 'codekin==1');
        assert.deepEqual(plan({ uv: undefined, python: '/p' }, '/e', 'c')[0]?.words, ['/p', '-I', '-m', 'venv', '/e']);
        assert.deepEqual(plan({ uv: undefined, python: '/p' }, '/e', 'c')[1]?.words.slice(1, 4), ['-I', '-m', 'pip']);
    });

    it('starts programs where no workspace lends them code', async () => {
        const hostile = { PATH: ['/usr/bin', '.', '', 'bin', '/bin'].join(path.delimiter), PYTHONPATH: '.', HOME: '/h' };
        const { cwd, env } = surroundings('/venv/bin/python', hostile);
        assert.equal(cwd, '/');
        assert.deepEqual([env['PATH'], env['PYTHONPATH'], env['HOME']], ['/usr/bin:/bin', undefined, '/h']);
        process.env['PYTHONPATH'] = '/workspace';
        const told: string[] = [];
        await carryOut([{ says: 'x', words: ['/bin/sh', '-c', 'echo "$PWD:$PYTHONPATH:"'] }], () => undefined, (line) => told.push(line), go);
        delete process.env['PYTHONPATH'];
        assert.equal(told.at(-1), '/::');
    });

    it('does otherwise where a step has another way, and says what failed where none has', async () => {
        const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'steps-'));
        const made = path.join(folder, 'made');
        const otherwise = [{ says: 'again', words: ['touch', made] }];
        const told: string[] = [];
        await carryOut([{ says: 'once', words: ['false'], otherwise }], (text) => told.push(text), () => undefined, go);
        assert.ok(fs.existsSync(made));
        assert.deepEqual(told, ['once', 'again']);
        const fails = [{ says: 'trying', words: ['sh', '-c', 'echo no wheel >&2; exit 1'] }];
        const failing = carryOut(fails, () => undefined, () => undefined, go);
        await assert.rejects(failing, (error: Error) => error instanceof StepError && /trying failed: no wheel/.test(error.message));
        await assert.rejects(carryOut([{ says: 'x', words: ['/no/such'] }], () => undefined, () => undefined, go), StepError);
        fs.rmSync(folder, { recursive: true });
    });

    it('tells a person what pip is at', () => {
        assert.equal(news('Collecting numpy<3 (from codekin)'), 'numpy<3');
        assert.equal(news('  noise'), undefined);
    });
});
