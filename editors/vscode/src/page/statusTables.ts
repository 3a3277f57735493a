/** The status page's header, tiles and tables. */

import {
    escapeInvisible,
    formatBytes,
    formatCount,
    formatDuration,
    formatIndexState,
    getServerStateLabel,
    type Noun,
    type ServerState,
} from '../format';
import type { MissingPart } from '../installPlan';
import * as l10n from '../l10n';
import type { Report, Status } from '../protocol';

const NO_BREAK_SPACE = '\u00a0'; // keeps a number and its unit on one line

export interface StatusMessage {
    state: ServerState;
    program: string;
    extension: string;
    missingParts: MissingPart[];
    status?: Status;
    report?: Report;
}

type TableCell = string | Node;

const formatSize = (count: number): string => formatBytes(count).replaceAll(' ', NO_BREAK_SPACE);
const formatNumber = (count: number, noun: Noun): string => formatCount(count, noun).replaceAll(' ', NO_BREAK_SPACE);

const getElement = (id: string): HTMLElement => document.getElementById(id)!;

/** Show the status. Clicks on the page's buttons run these commands. */
export function showStatus(message: StatusMessage, runCommand: (command: string) => void): void {
    const { status, report, state, missingParts } = message;
    const buttons = listActions(message).map(([label, command]) => createButton(label, () => runCommand(command)));
    getElement('title').textContent = status
        ? `codekin ${status.version}: ${formatIndexState(status)}`
        : `codekin: ${getServerStateLabel(state)}`;
    updateChildren('actions', buttons);
    const problems = [
        ...(status?.problems ?? []),
        ...missingParts.map(({ part, reason }) => l10n.t('Not installed is {0}', `${part}: ${reason}`)),
    ];
    updateChildren(
        'problems',
        problems.map((problem) => createElement('li', {}, problem)),
    );
    getElement('problems-section').hidden = !problems.length;
    getElement('map-section').hidden = !status;
    showProgress(status);
    updateChildren('tiles', status ? createTiles(status, report) : []);
    updateChildren('tables', createTables(message));
}

function listActions({ state, status }: StatusMessage): [string, string][] {
    if (state === 'missing') {
        return [
            [l10n.t('Install the server'), 'codekin.installServer'],
            [l10n.t('Choose the path of the server…'), 'codekin.choosePath'],
            [l10n.t('Show log'), 'codekin.showLog'],
            [l10n.t('Look again'), 'codekin.restart'],
        ];
    }
    const isPaused = status?.state === 'paused';
    const indexActions: [string, string][] = [
        isPaused ? [l10n.t('Resume indexing'), 'codekin.resume'] : [l10n.t('Pause indexing'), 'codekin.pause'],
        [l10n.t('Rebuild index'), 'codekin.reindex'],
    ];
    const restartAction: [string, string][] = [[l10n.t('Restart the server'), 'codekin.restart']];
    return [
        ...(status ? indexActions : []),
        [l10n.t('Show log'), 'codekin.showLog'],
        ...(state === 'installing' ? [] : restartAction),
    ];
}

function showProgress(status?: Status): void {
    const bar = getElement('progress-bar') as HTMLProgressElement;
    const progress = status?.progress;
    getElement('progress').hidden = !progress;
    if (progress) {
        bar.max = progress.total;
        bar.value = progress.done;
        const { secondsLeft } = progress;
        const files = l10n.t('{0} of {1}', l10n.formatNumber(progress.done), formatNumber(progress.total, 'file'));
        const timeLeft = secondsLeft ? l10n.t('{0} left', formatDuration(secondsLeft)) : '';
        getElement('progress-text').textContent = [files, timeLeft].filter(Boolean).join(', ');
    }
}

function createTiles(status: Status, report?: Report): Node[] {
    const functionCount = report?.languages.reduce((sum, language) => sum + language.functions, 0);
    const ownFiles = report?.stored.filter((file) => !file.what.includes('all workspaces'));
    const diskBytes = ownFiles?.reduce((sum, file) => sum + file.bytes, 0) ?? status.storeBytes;
    const memoryBytes = report?.held.reduce((sum, process) => sum + process.bytes, 0);
    const tiles: [string, string][] = [
        [l10n.formatNumber(status.files), l10n.t('files')],
        functionCount === undefined
            ? [l10n.formatNumber(status.snippets), l10n.t('snippets')]
            : [l10n.formatNumber(functionCount), l10n.t('functions')],
        [l10n.formatPercent(Math.floor(100 * status.coverage) / 100), l10n.t('indexed')],
        [l10n.formatNumber(status.skipped), l10n.t('skipped')],
        [formatSize(diskBytes), l10n.t('index on disk')],
        ...(memoryBytes ? [[formatSize(memoryBytes), l10n.t('in memory')] as [string, string]] : []),
    ];
    return tiles.map(([value, label]) => {
        const children = [createElement('dd', {}, value), createElement('dt', {}, label)];
        return createElement('div', { className: 'tile' }, ...children);
    });
}

function createTables(message: StatusMessage): Node[] {
    const { status, report, program, extension } = message;
    return [
        ...(report ? createFileSections(report) : []),
        ...(status ? createIndexSections(status, report) : []),
        ...(report ? createResourceSections(report) : []),
        createSection(l10n.t('Server'), [
            [l10n.t('Program'), program],
            [l10n.t('Extension'), extension],
        ]),
    ];
}

function createFileSections({ languages, reasons, skippedFiles, unparsed, unparsedFiles }: Report): Node[] {
    const maxFiles = Math.max(...languages.map((language) => language.files), 1);
    const languageRows = languages.map(({ name, files, functions }): TableCell[] => [
        name,
        formatNumber(files, 'file'),
        formatNumber(functions, 'function'),
        createMeter(files, maxFiles),
    ]);
    const skippedRows = reasons.map(({ reason, files }) => {
        const isTooLarge = reason.startsWith('larger');
        const listed = skippedFiles.filter(
            (file) => file.reason === reason || (isTooLarge && file.reason.includes('max_file_bytes')),
        );
        return [reason, createFileList(files, listed)];
    });
    const sections = [
        createSection(l10n.t('Languages'), languageRows),
        createSection(l10n.t('Skipped files'), skippedRows, l10n.t('No files were skipped.')),
    ];
    if (unparsed) {
        const rows = createUnparsedRows(unparsed, unparsedFiles);
        sections.push(createSection(l10n.t('Files read by lines only'), rows));
    }
    return sections;
}

/** Create a row for each reason why files could not be parsed. Only the first thousand files are listed. */
function createUnparsedRows(count: number, files: Report['unparsedFiles']): TableCell[][] {
    const reasons = [...new Set(files.map((file) => file.reason))];
    const rows: TableCell[][] = reasons.map((reason) => {
        const listed = files.filter((file) => file.reason === reason);
        return [reason, createFileList(listed.length, listed)];
    });
    const rest = count - files.length;
    return rest > 0 ? [...rows, [l10n.t('not listed'), formatNumber(rest, 'file')]] : rows;
}

function createIndexSections(status: Status, report?: Report): Node[] {
    return [
        createSection(l10n.t('Index'), [
            [l10n.t('Folders'), status.roots.join('\n')],
            [l10n.t('Kept up to date by'), describeOwner(report?.keeper)],
            [l10n.t('File watching'), status.watching],
            [
                l10n.t('Ignored duplicates'),
                l10n.t('{0} in {1}', formatNumber(status.ignored, 'entry'), '.codekin.toml'),
            ],
        ]),
        createSection(l10n.t('Model and search'), [
            [l10n.t('Model'), l10n.t('{0} on {1}', status.model, status.device)],
            [l10n.t('Vector search'), status.dense],
            [l10n.t('Embedded since start'), formatNumber(status.embedded, 'text')],
        ]),
    ];
}

function createResourceSections({ stored, held, troubles }: Report): Node[] {
    const diskRows = stored
        .filter(({ bytes }) => bytes)
        .map(({ what, bytes, path }) => [what, formatSize(bytes), path]);
    const memoryRows = held.map(({ what, bytes, privateBytes = bytes }, index) => [
        index ? what : l10n.t('server'),
        l10n.t('{0}, {1} of it private', formatSize(bytes), formatSize(privateBytes)),
    ]);
    const problemRows = troubles
        .map(({ when, message }) => [new Date(when).toLocaleString(document.documentElement.lang), message])
        .reverse();
    return [
        createSection(l10n.t('On disk'), diskRows),
        createSection(l10n.t('In memory'), memoryRows, l10n.t('Not available on this system.')),
        createSection(l10n.t('Recent problems'), problemRows, l10n.t('None.')),
    ];
}

function describeOwner(owner?: string): string {
    const descriptions: Record<string, string> = {
        'this process': l10n.t('this server'),
        'another process': l10n.t('another codekin process; this server stands by'),
        nobody: l10n.t('no process yet'),
    };
    return owner ? (descriptions[owner] ?? owner) : l10n.t('unknown');
}

function createFileList(count: number, files: { path: string }[]): Node {
    const items = files.map(({ path }) => createElement('li', {}, escapeInvisible(path)));
    if (count > files.length) {
        items.push(createElement('li', {}, l10n.t('… and {0} more', l10n.formatNumber(count - files.length))));
    }
    const summary = createElement('summary', {}, formatNumber(count, 'file'));
    return createElement('details', {}, summary, createElement('ul', {}, ...items));
}

// DOM nodes. Text from outside is never parsed as HTML.

function createSection(title: string, rows: TableCell[][], emptyText = ''): Node {
    const tableRows = rows.map(([name, ...cells]) => {
        const header = createElement('th', { scope: 'row' }, name!);
        return createElement('tr', {}, header, ...cells.map((cell) => createElement('td', {}, cell)));
    });
    const isEmpty = emptyText && rows.length === 0;
    const content = isEmpty ? createElement('p', {}, emptyText) : createElement('table', {}, ...tableRows);
    return createElement('section', {}, createElement('h2', {}, title), content);
}

function createMeter(value: number, maximum: number): Node {
    const meter = createElement('span', { className: 'meter', ariaHidden: 'true' });
    meter.style.width = `${Math.max(2, (100 * value) / maximum)}px`;
    return meter;
}

function createButton(label: string, onClick: () => void): Node {
    const button = createElement('button', {}, label);
    button.addEventListener('click', onClick);
    return button;
}

function createElement<K extends keyof HTMLElementTagNameMap>(
    tag: K,
    properties: object,
    ...children: TableCell[]
): HTMLElementTagNameMap[K] {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
}

/** Replace the children, unless their text is unchanged: focus and unfolded details are kept then. */
function updateChildren(id: string, children: Node[]): void {
    const parent = getElement(id);
    const text = children.map((child) => child.textContent).join('\u0000');
    if (parent.dataset['text'] !== text) {
        parent.dataset['text'] = text;
        parent.replaceChildren(...children);
    }
}
