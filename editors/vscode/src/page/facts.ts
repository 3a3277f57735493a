/** What a person asks, as tiles and tables. */

import type { Report, Status } from '../protocol';
import { bytes as sized, counted as numbered, LIVES, printable, stateOf, type Life } from '../wording';

const NARROW = '\u00a0'; // a number stays with its unit

export interface Sent {
    life: Life;
    program: string;
    extension: string;
    status?: Status;
    report?: Report;
}

type Cell = string | Node;

const bytes = (count: number): string => sized(count).replaceAll(' ', NARROW);
const counted = (count: number, noun: string): string => numbered(count, noun).replaceAll(' ', NARROW);

const element = (id: string): HTMLElement => document.getElementById(id)!;

export function facts(sent: Sent, run: (command: string) => void): void {
    const { status, report } = sent;
    element('title').textContent = status ? `codekin ${status.version}: ${stateOf(status)}` : `codekin: ${LIVES[sent.life]}`;
    fill('actions', actions(sent).map(([label, command]) => button(label, () => run(command))));
    fill('problems', (status?.problems ?? []).map((problem) => node('li', {}, problem)));
    element('troubled').hidden = !status?.problems.length;
    element('mapping').hidden = !status;
    progress(status);
    fill('tiles', status ? tiles(status, report) : []);
    fill('tables', tables(sent));
}

function actions({ life, status }: Sent): [string, string][] {
    if (life === 'missing') {
        return [['Install server', 'codekin.installServer'], ['Show log', 'codekin.showLog'], ['Look for it again', 'codekin.restart']];
    }
    const paused = status?.state === 'paused';
    const orders: [string, string][] = status
        ? [[paused ? 'Resume indexing' : 'Pause indexing', paused ? 'codekin.resume' : 'codekin.pause'], ['Index anew', 'codekin.reindex']]
        : [];
    return [...orders, ['Show log', 'codekin.showLog'], ['Restart server', 'codekin.restart']];
}

function progress(status?: Status): void {
    const bar = element('bar') as HTMLProgressElement;
    const now = status?.progress;
    element('progress').hidden = !now;
    if (now) {
        [bar.max, bar.value] = [now.total, now.done];
        const left = now.secondsLeft ? `, ${counted(Math.ceil(now.secondsLeft), 'second')} left` : '';
        element('far').textContent = `${now.done.toLocaleString('en')} of ${counted(now.total, 'file')}${left}`;
    }
}

function tiles(status: Status, report?: Report): Node[] {
    const functions = report?.languages.reduce((sum, each) => sum + each.functions, 0);
    const stored = report?.stored.reduce((sum, each) => sum + each.bytes, 0) ?? status.storeBytes;
    const held = report?.held.reduce((sum, each) => sum + each.bytes, 0);
    const found: [string, string][] = [
        [status.files.toLocaleString('en'), 'files'],
        [(functions ?? status.snippets).toLocaleString('en'), functions === undefined ? 'snippets' : 'functions'],
        [`${Math.floor(100 * status.coverage)} %`, 'covered'],
        [status.skipped.toLocaleString('en'), 'skipped'],
        [bytes(stored), 'on the disk'],
        ...(held ? [[bytes(held), 'in memory'] as [string, string]] : []),
    ];
    return found.map(([value, name]) => node('div', { className: 'tile' }, node('dd', {}, value), node('dt', {}, name)));
}

function tables({ status, report, program, extension }: Sent): Node[] {
    const found: Node[] = [];
    if (report) {
        const most = Math.max(...report.languages.map((each) => each.files), 1);
        const rows = report.languages.map((each): Cell[] => [each.name, counted(each.files, 'file'), counted(each.functions, 'function'), meter(each.files, most)]);
        found.push(section('Languages', rows));
        found.push(section('Skipped', skipped(report), report.reasons.length ? '' : 'Nothing was skipped.'));
    }
    if (status) {
        found.push(
            section('Index', [
                ['Folders', status.roots.join('\n')],
                ['Kept up to date by', keeper(report?.keeper)],
                ['Noticing changes by', status.watching],
                ['Duplicates that are meant to be', `${counted(status.ignored, 'entry').replace('entrys', 'entries')} of .codekin.toml`],
            ]),
            section('Model and search', [
                ['Model', `${status.model} on ${status.device}`],
                ['Vectors', status.dense],
                ['Embedded since the start', counted(status.embedded, 'text')],
            ]),
        );
    }
    if (report) {
        found.push(section('On the disk', report.stored.filter((each) => each.bytes).map((each) => [each.what, bytes(each.bytes), each.path])));
        found.push(section('In memory', report.held.map((each, i) => [i ? each.what : 'server', bytes(each.bytes)]), report.held.length ? '' : 'This system does not tell.'));
        const troubles = [...report.troubles].reverse().map((each): Cell[] => [new Date(each.when).toLocaleString(), each.message]);
        found.push(section('What went wrong lately', troubles, troubles.length ? '' : 'Nothing.'));
    }
    found.push(section('Server', [['Program', program], ['Extension', extension]]));
    return found;
}

function keeper(name?: string): string {
    const means: Record<string, string> = { 'this process': 'this server', 'another process': 'another codekin; this one stands by', nobody: 'nobody yet' };
    return name ? (means[name] ?? name) : 'not known';
}

function skipped({ reasons, skippedFiles }: Report): Cell[][] {
    return reasons.map(({ reason, files }) => {
        const those = skippedFiles.filter((each) => each.reason === reason || reason.startsWith('larger') && each.reason.includes('max_file_bytes'));
        const items = those.map(({ path }) => node('li', {}, printable(path)));
        const more = files > those.length ? [node('li', {}, `… and ${(files - those.length).toLocaleString('en')} more`)] : [];
        const list = node('details', {}, node('summary', {}, counted(files, 'file')), node('ul', {}, ...items, ...more));
        return [reason, list];
    });
}

// Nodes; whatever comes from outside is text

function section(title: string, rows: Cell[][], otherwise = ''): Node {
    const lines = rows.map(([name, ...cells]) => node('tr', {}, node('th', { scope: 'row' }, name!), ...cells.map((cell) => node('td', {}, cell))));
    return node('section', {}, node('h2', {}, title), otherwise ? node('p', {}, otherwise) : node('table', {}, ...lines));
}

function meter(value: number, most: number): Node {
    const bar = node('span', { className: 'share', ariaHidden: 'true' });
    bar.style.width = `${Math.max(2, (100 * value) / most)}px`;
    return bar;
}

function button(label: string, clicked: () => void): Node {
    const made = node('button', {}, label);
    made.addEventListener('click', clicked);
    return made;
}

function node<K extends keyof HTMLElementTagNameMap>(tag: K, properties: object, ...children: Cell[]): HTMLElementTagNameMap[K] {
    const made = Object.assign(document.createElement(tag), properties);
    made.append(...children);
    return made;
}

/** New children, but not where the old ones say the same: what has the focus, or is unfolded, stays so. */
function fill(id: string, children: Node[]): void {
    const parent = element(id);
    const text = children.map((child) => (child as HTMLElement).textContent).join('\u0000');
    if (parent.dataset['said'] !== text) {
        parent.dataset['said'] = text;
        parent.replaceChildren(...children);
    }
}
