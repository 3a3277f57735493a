import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import {
    elideDocstring,
    fenceCode,
    formatAnswerNote,
    formatBadge,
    formatIndexState,
    formatNarrowLocation,
    formatProgress,
    getHitName,
    groupByFile,
    groupByKinship,
    replaceLines,
    shortenPaths,
    splitWeakHits,
} from '../../src/format';
import { isWorthRepeating } from '../../src/growth';
import { HitKeys } from '../../src/hitKeys';
import {
    InstallError,
    type InstallStep,
    parseProgress,
    planInstall,
    planTreeKill,
    runSteps,
} from '../../src/installPlan';
import { getIsolatedOptions } from '../../src/isolation';
import type { Hit, Status } from '../../src/protocol';
import { RestartBackoff } from '../../src/restartBackoff';
import { shiftSpan } from '../../src/spanTracking';
import { formatAnswerText, formatExistenceText } from '../../src/toolText';
import { isAlive } from '../processes';

function createHit(overrides: Partial<Hit>): Hit {
    const range = { start: { line: 0, character: 0 }, end: { line: 2, character: 0 } };
    const location = { uri: 'file:///a.py', range };
    const defaults = { name: 'f', kind: 'function', language: 'python', score: 1, why: '', preview: '' };
    return { location, selectionRange: range, qualifiedName: '', kinship: 'similar', ...defaults, ...overrides };
}

describe('a request while the index grows', () => {
    it('is worth repeating when twice as much is indexed, a tenth more, or everything', () => {
        const cases: [answered: number, indexed: number, isWorth: boolean][] = [
            [0, 0, false],
            [0, 0.001, true],
            [0.02, 0.03, false],
            [0.02, 0.04, true],
            [0.5, 0.55, false],
            [0.5, 0.6, true],
            [0.97, 1, true],
            [1, 1, false],
            [0.5, 0.2, false], // it is built again
        ];
        for (const [answered, indexed, isWorth] of cases) {
            assert.equal(isWorthRepeating(answered, indexed), isWorth, `${answered} ${indexed}`);
        }
    });
});

describe('The restart delay', () => {
    it('grows until there is none, and starts anew after a while or when the user restarts', () => {
        const backoff = new RestartBackoff();
        const delays = [1, 2, 3, 4, 5].map((time) => backoff.recordCrash(time));
        assert.deepEqual(delays, [500, 1000, 2000, 4000, undefined]);
        assert.equal(backoff.recordCrash(1_000_000), 500);
        backoff.reset();
        assert.equal(backoff.recordCrash(1_000_001), 500);
    });
});

describe('The key of a hit', () => {
    const at = (line: number, score: number): Hit => {
        const range = { start: { line, character: 0 }, end: { line: line + 2, character: 0 } };
        return createHit({ location: { uri: 'file:///a.py', range }, qualifiedName: 'A.f', score });
    };

    it('is another for each of several with one name, and the same in each answer, whatever their order', () => {
        const [first, second] = [at(3, 0.5), at(9, 0.9)];
        const keys = new HitKeys();
        keys.add([second, first]);
        assert.notEqual(keys.get(first), keys.get(second));
        const [later, latest] = [at(5, 0.8), at(11, 0.7)]; // two lines further down, and in the other order
        keys.add([later, latest]);
        assert.deepEqual([keys.get(later), keys.get(latest)], [keys.get(first), keys.get(second)]);
    });

    it('stays when a namesake leaves the answer, unless both begin alike', () => {
        const keys = new HitKeys();
        const [first, second] = [
            { ...at(9, 0.9), preview: 'def f(x):' },
            { ...at(50, 0.8), preview: 'def f(y):' },
        ];
        keys.add([first, second]);
        const later = { ...second, score: 0.7 };
        keys.add([later]);
        assert.equal(keys.get(later), keys.get(second));
        assert.equal(keys.get({ ...first }), keys.get(first)); // of no answer
    });
});

describe('A span in a document that is edited', () => {
    const span = { start: { line: 5, character: 4 }, end: { line: 9, character: 0 } };
    function applyChange(
        startLine: number,
        startCharacter: number,
        endLine: number,
        endCharacter: number,
        text: string,
    ) {
        const start = { line: startLine, character: startCharacter };
        const range = { start, end: { line: endLine, character: endCharacter } };
        return shiftSpan(span, { range, text });
    }

    it('shifts with edits of lines above it', () => {
        assert.deepEqual(applyChange(0, 0, 0, 0, 'a\nb\n'), {
            start: { line: 7, character: 4 },
            end: { line: 11, character: 0 },
        });
        assert.deepEqual(applyChange(1, 0, 3, 0, ''), {
            start: { line: 3, character: 4 },
            end: { line: 7, character: 0 },
        });
    });

    it('shifts with edits before it on its line', () => {
        assert.deepEqual(applyChange(5, 0, 5, 2, '😋xyz').start, { line: 5, character: 7 });
        assert.deepEqual(applyChange(5, 0, 5, 0, 'a\nbc').start, { line: 6, character: 6 });
    });

    it('grows with edits inside, ignores edits below, and collapses when it is deleted', () => {
        assert.deepEqual(applyChange(7, 0, 7, 0, 'x\n').end, { line: 10, character: 0 });
        assert.deepEqual(applyChange(20, 0, 21, 0, ''), span);
        assert.deepEqual(applyChange(4, 0, 6, 0, '').start, { line: 4, character: 0 });
    });
});

describe('Code in the lines of another document', () => {
    const codeLines = ['a0', 'a1', 'a2', 'a3'];
    const frameLines = ['b0', 'b1', 'b2', 'b3'];

    it('keeps its line numbers, and the rest of that document', () => {
        const [early, late] = [
            { first: 1, last: 2 },
            { first: 2, last: 4 },
        ];
        assert.deepEqual(replaceLines(codeLines, late, frameLines, early), ['', 'b0', 'a2', 'a3', 'b2', 'b3']);
        assert.deepEqual(replaceLines(codeLines, early, frameLines, late), ['b1', 'a1']);
    });
});

describe('Hits', () => {
    it('are grouped by kinship, nearest first, or by file, best first', () => {
        const hits = [
            createHit({ kinship: 'edited' }),
            createHit({ kinship: 'identical', location: { ...createHit({}).location, uri: 'file:///b.py' } }),
        ];
        assert.deepEqual(
            groupByKinship(hits).map((group) => group.key),
            ['identical', 'edited'],
        );
        assert.deepEqual(
            groupByFile(hits).map((group) => group.key),
            ['file:///a.py', 'file:///b.py'],
        );
    });

    it('in cells of a notebook belong to one file, and show their cell', () => {
        const { range } = createHit({}).location;
        const cell = { index: 2, range, selectionRange: range };
        const hits = ['W2sZmlsZQ==', 'X10sZmlsZQ=='].map((fragment) =>
            createHit({ cell, location: { uri: `vscode-notebook-cell:/a/b.ipynb#${fragment}`, range } }),
        );
        assert.deepEqual(
            groupByFile(hits).map((group) => [group.key, group.hits.length]),
            [['file:///a/b.ipynb', 2]],
        );
        assert.equal(formatNarrowLocation(createHit({ cell }), 'lib/b.ipynb'), 'b.ipynb#3:1 · lib');
    });

    it('without a name show their first line', () => {
        assert.equal(getHitName(createHit({ name: '', preview: '\n  x = 1\n' })), 'x = 1');
        assert.equal(getHitName(createHit({ name: '', preview: 'y'.repeat(99) })).length, 60);
    });

    it('show the file first in a narrow column', () => {
        assert.equal(formatNarrowLocation(createHit({}), 'lib/net/urls.py'), 'urls.py:1 · lib/net');
        assert.equal(formatNarrowLocation(createHit({}), 'urls.py'), 'urls.py:1');
    });

    it('are distinguished by file name, or by path where file names are equal', () => {
        assert.deepEqual(shortenPaths('a/b/one.py', 'c/two.py'), ['one.py', 'two.py']);
        assert.deepEqual(shortenPaths('a/one.py', 'a/one.py'), ['one.py', 'one.py']);
        assert.deepEqual(shortenPaths('a/one.py', 'c/one.py'), ['a/one.py', 'c/one.py']);
    });

    it('that are weak are separated', () => {
        const hits = [
            createHit({ score: 0.2, kinship: 'edited' }),
            createHit({ score: 0.2 }),
            createHit({ score: 0.7 }),
        ];
        const [strongHits, weakHits] = splitWeakHits(hits);
        assert.deepEqual([strongHits, weakHits], [[hits[0], hits[2]], [hits[1]]]);
    });

    it('that are weak are shown like others where none is stronger', () => {
        const hits = [createHit({ score: 0.2 }), createHit({ score: 0.1 })];
        assert.deepEqual(splitWeakHits(hits), [hits, []]);
    });

    it('in modules show the file name', () => {
        const location = { ...createHit({}).location, uri: 'file:///lib/a%20b.py' };
        assert.equal(getHitName(createHit({ name: '', kind: 'module', location })), 'a b.py');
    });

    it('show the root first in a workspace of several', () => {
        assert.equal(
            formatNarrowLocation(createHit({}), 'office/lib/net/urls.py', true),
            'office · urls.py:1 · lib/net',
        );
        assert.equal(formatNarrowLocation(createHit({}), 'office/urls.py', true), 'office · urls.py:1');
    });

    it('preview signature and body, not a long docstring', () => {
        const docstring = `    """First.\n\n${'    more\n'.repeat(30)}    """\n`;
        const code = elideDocstring(`    def f(self):\n    ${docstring}        return self.x\n`, 24);
        assert.equal(code, 'def f(self):\n    """First.\n    …"""\n    return self.x\n');
        assert.equal(
            elideDocstring('def g():\n    """Short."""\n    return 1', 24),
            'def g():\n    """Short."""\n    return 1',
        );
        assert.equal(elideDocstring('a\nb\nc', 2), 'a\nb\n…');
    });

    it('have a badge of two characters at most', () => {
        assert.deepEqual([0.02, 0.974, 1].map(formatBadge), ['2', '97', '★']);
    });

    it('cannot close the fence of their preview', () => {
        assert.ok(fenceCode('````\n[x](command:y)', 'python').startsWith('`````python\n'));
    });

    it('have a note if there are none, or if the index is incomplete', () => {
        assert.equal(formatAnswerNote(3, 1, 'None.'), '');
        assert.equal(formatAnswerNote(0, 0.424, 'None.'), 'None. 42% of the workspace is indexed so far.');
        assert.match(formatAnswerNote(2, 0.999, 'None.'), /^99%/);
    });
});

describe('The state of the index', () => {
    const format = (status: Partial<Status>) => [formatProgress(status as Status), formatIndexState(status as Status)];

    it('has the share that is indexed, also if another process does that', () => {
        const progress = { done: 2, total: 3, secondsLeft: null };
        assert.deepEqual(format({ state: 'indexing', coverage: 0, progress }), ['66%', 'indexing 66%']);
        assert.deepEqual(format({ state: 'standing by', coverage: 0.389, progress: null }), [
            '38%',
            'indexed by another codekin process: 38%',
        ]);
        assert.deepEqual(format({ state: 'standing by', coverage: 1, progress: null }), [
            '',
            'kept up to date by another codekin process',
        ]);
        assert.deepEqual(format({ state: 'ready', coverage: 1, progress: null }), ['', 'ready']);
    });
});

function createReporter() {
    const [messages, lines]: [string[], string[]] = [[], []];
    const reporter = { report: (message: string) => messages.push(message), log: (line: string) => lines.push(line) };
    return { reporter, messages, lines };
}

describe('Answers for language models', () => {
    const range = { start: { line: 4, character: 0 }, end: { line: 9, character: 0 } };
    const hit = {
        location: { uri: 'file:///w/a.py', range },
        selectionRange: range,
        name: 'read',
        qualifiedName: 'Files.read',
        kind: 'method',
        language: 'python',
        score: 0.876,
        kinship: 'renamed',
        why: 'other names\u202e',
        preview: '',
    } as Hit;
    const toPath = (uri: string): string => uri.replace('file:///w/', '');

    it('are a line for each hit, from line 1, without characters that change the text’s direction', () => {
        const answer = { hits: [hit], asked: null, coverage: 0.5, seconds: 0 };
        assert.deepEqual(formatAnswerText(answer, toPath).split('\n'), [
            'a.py:5-9  method Files.read  88%  (renamed: other names\\u202e)',
            'Only 50% of the workspace is indexed so far.',
        ]);
    });

    it('say so where there is nothing', () => {
        const answer = { hits: [], asked: null, coverage: 1, seconds: 0 };
        assert.equal(formatAnswerText(answer, toPath), 'Nothing here is likely to be that.');
    });

    it('say whether a function exists, and where, or what is nearest', () => {
        const existence = { name: 'load', line: 0, verdict: 'yes' as const, probability: 0.9, matches: [hit] };
        const functions = [existence, { ...existence, name: '', verdict: 'no' as const, probability: 0.1 }];
        assert.deepEqual(formatExistenceText({ functions, coverage: 1 }, toPath).split('\n'), [
            'load: exists already (90%)',
            'a.py:5-9  method Files.read  88%  (renamed: other names\\u202e)',
            'does not exist here (10%) Nearest:',
            'a.py:5-9  method Files.read  88%  (renamed: other names\\u202e)',
        ]);
    });
});

describe('Installing', () => {
    const { signal } = new AbortController();

    it('uses uv if available, else pip', () => {
        const [createStep, installStep] = planInstall({ uv: '/bin/uv', python: undefined }, '/e', 'codekin==1');
        assert.deepEqual(createStep?.command, ['/bin/uv', 'venv', '--python', '>=3.11', '/e']);
        assert.equal(installStep?.command.at(-1), 'codekin[mcp,small]==1');
        const [plainStep, ...extraSteps] = installStep?.fallback ?? []; // where ONNX Runtime has no wheel
        assert.equal(plainStep?.command.at(-1), 'codekin==1');
        assert.ok(extraSteps.length === 2 && extraSteps.every(({ part, fallback }) => part && !fallback));
        for (const [packageSpec, complete] of [
            ['/clone', '/clone[mcp,small]'],
            ['codekin @ git+https://h/c', 'codekin[mcp,small] @ git+https://h/c'],
            ['codekin[mcp]', 'codekin[mcp]'],
            ['git+https://h/codekin', 'git+https://h/codekin'],
        ]) {
            const [, step] = planInstall({ uv: '/bin/uv', python: undefined }, '/e', packageSpec ?? '');
            assert.equal(step?.command.at(-1), complete);
        }
        assert.deepEqual(planInstall({ uv: undefined, python: '/p' }, '/e', 'c')[0]?.command, [
            '/p',
            '-I',
            '-m',
            'venv',
            '/e',
        ]);
        assert.deepEqual(planInstall({ uv: undefined, python: '/p' }, '/e', 'c')[1]?.command.slice(1, 4), [
            '-I',
            '-m',
            'pip',
        ]);
    });

    it('runs programs where no workspace can inject code', async () => {
        const hostile = {
            PATH: ['/usr/bin', '.', '', 'bin', '/bin'].join(path.delimiter),
            PYTHONPATH: '.',
            HOME: '/h',
        };
        const { cwd, env } = getIsolatedOptions('/venv/bin/python', hostile);
        assert.equal(cwd, '/');
        assert.deepEqual([env['PATH'], env['PYTHONPATH'], env['HOME']], ['/usr/bin:/bin', undefined, '/h']);
        process.env['PYTHONPATH'] = '/workspace';
        const { reporter, lines } = createReporter();
        await runSteps([{ title: 'x', command: ['/bin/sh', '-c', 'echo "$PWD:$PYTHONPATH:"'] }], reporter, signal);
        delete process.env['PYTHONPATH'];
        assert.equal(lines.at(-1), '/::');
    });

    it('falls back if a step fails and has a fallback, else tells which step failed and why', async () => {
        const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'steps-'));
        const created = path.join(folder, 'created');
        const fallback = [{ title: 'second', command: ['touch', created] }];
        const { reporter, messages } = createReporter();
        await runSteps([{ title: 'first', command: ['false'], fallback }], reporter, signal);
        assert.ok(fs.existsSync(created));
        assert.deepEqual(messages, ['first', 'second']);
        const failing = [{ title: 'Trying', command: ['sh', '-c', 'echo no wheel >&2; exit 1'] }];
        await assert.rejects(
            runSteps(failing, reporter, signal),
            (error: Error) => error instanceof InstallError && /Trying failed: no wheel/.test(error.message),
        );
        await assert.rejects(runSteps([{ title: 'x', command: ['/no/such'] }], reporter, signal), InstallError);
        fs.rmSync(folder, { recursive: true });
    });

    it('leaves out what cannot be installed, and says why', async () => {
        const refuse = (reason: string) => ['sh', '-c', `echo from pip; echo ERROR: ${reason} >&2; exit 1`];
        const steps: InstallStep[] = [
            {
                title: 'all',
                command: refuse('one'),
                fallback: [
                    {
                        title: 'base',
                        command: refuse('no compiler'),
                        part: 'graph',
                        fallback: [
                            { title: 'base without graph', command: ['true'] },
                            { title: 'mcp', command: ['true'], part: 'mcp' },
                            { title: 'small', command: refuse('no wheel'), part: 'model' },
                        ],
                    },
                ],
            },
        ];
        const { reporter, messages } = createReporter();
        assert.deepEqual(await runSteps(steps, reporter, signal), [
            { part: 'graph', reason: 'ERROR: no compiler' },
            { part: 'model', reason: 'ERROR: no wheel' },
        ]);
        assert.deepEqual(messages, ['all', 'base', 'base without graph', 'mcp', 'small']);
    });

    it('adds the arguments that another command lists, and leaves a step out that gets none', async () => {
        const { reporter, lines } = createReporter();
        const command = ['sh', '-c', 'echo "got $*"', 'sh'];
        const steps: InstallStep[] = [
            { title: 'two', command, listArguments: ['sh', '-c', 'echo "a<2"; echo note >&2; echo "b; c"'] },
            { title: 'none', command, listArguments: ['echo'] },
        ];
        await runSteps(steps, reporter, signal);
        assert.deepEqual(
            lines.filter((line) => line.startsWith('got')),
            ['got a<2 b; c'],
        );
    });

    it('ends all processes of a step that is cancelled, before it says so', async () => {
        const cancellation = new AbortController();
        const { reporter, lines } = createReporter();
        const command = ['sh', '-c', `sh -c 'echo "pid $$"; exec sleep 600' & wait`];
        const log = (line: string): void => {
            lines.push(line);
            if (/^pid \d/.test(line)) {
                cancellation.abort();
            }
        };
        await assert.rejects(runSteps([{ title: 'x', command }], { ...reporter, log }, cancellation.signal));
        const pid = Number(lines.at(-1)?.slice('pid '.length));
        // Its output is closed, as the step waits for that: the moment in which it ends then is all that is left.
        for (const end = Date.now() + 5_000; isAlive(pid) && Date.now() < end; ) {
            await new Promise((resolve) => setTimeout(resolve, 10));
        }
        assert.ok(!isAlive(pid));
    });

    it('ends the children, too, where processes have no groups', () => {
        assert.deepEqual(planTreeKill(7, 'D:\\Windows'), [
            'D:\\Windows\\System32\\taskkill.exe',
            '/pid',
            '7',
            '/t',
            '/f',
        ]);
        assert.equal(planTreeKill(7)[0], 'C:\\Windows\\System32\\taskkill.exe');
    });

    it('extracts progress from pip’s output', () => {
        assert.equal(parseProgress('Collecting numpy<3 (from codekin)'), 'numpy<3');
        assert.equal(parseProgress('  noise'), undefined);
    });
});
