/** "Find similar code": the question, and the view that keeps its answer up to date while code is edited. */

import * as vscode from 'vscode';
import { compare, originOf } from './compare';
import { groupItem, hitItem, isByFile, isHit, type Node } from './items';
import { CELL, open, rangeOf, shown, spotOf, uriOf } from './open';
import { FIND_SIMILAR, type Answer, type Asking, type Hit } from './protocol';
import type { Server } from './server';
import { moved } from './spans';
import { byFile, byKinship, fenced, placeOf, remark, type Group } from './wording';

const QUIET_MS = 400; // nothing has been edited for so long: ask again
const MUCH = 0.1; // of the workspace
/** What is meant by the selections of an editor, also one that compares: a function, or several lines. */
export function askingOf(document: vscode.TextDocument, selection: vscode.Selection): Asking {
    const { uri, below } = originOf(document.uri);
    const textDocument = { uri };
    const [start, end] = [selection.start.translate(below), selection.end.translate(below)];
    return selection.isSingleLine ? { textDocument, position: start } : { textDocument, range: { start, end } };
}

export class Similar implements vscode.TreeDataProvider<Node>, vscode.Disposable {
    answer: Answer | undefined;
    readonly view: vscode.TreeView<Node>;

    private readonly changed = new vscode.EventEmitter<void>();
    readonly onDidChangeTreeData = this.changed.event;
    private asking: Asking | undefined;
    private groups: Group[] = [];
    private readonly dismissed = new Set<string>();
    private running: vscode.CancellationTokenSource | undefined;
    private timer: NodeJS.Timeout | undefined;
    private covered = 1;
    private isWaiting = false; // for the server, which was not there to be asked
    private selected: readonly string[] = []; // keys, for each answer has hits of its own
    private pointed: string | undefined;
    private readonly holding: vscode.Disposable;

    constructor(private readonly server: Server) {
        this.view = vscode.window.createTreeView('codekin.similar', { treeDataProvider: this, showCollapseAll: true });
        this.holding = vscode.Disposable.from(
            this.view,
            this.changed,
            this.view.onDidChangeSelection(({ selection }) => this.point(selection)),
            vscode.workspace.onDidChangeTextDocument((event) => this.edited(event)),
            vscode.workspace.onDidChangeConfiguration((event) => {
                if (event.affectsConfiguration('codekin.similar.groupBy')) {
                    this.arrange();
                }
            }),
            server.onChange(() => this.hearMore()),
        );
    }

    dispose(): void {
        clearTimeout(this.timer);
        this.running?.cancel();
        this.holding.dispose();
    }

    /** Ask, and show the answer. Undefined where it is not an answer to this any more. */
    async ask(asking: Asking, { reveal = true } = {}): Promise<Answer | undefined> {
        this.asking = asking;
        if (reveal) {
            this.dismissed.clear();
            void vscode.commands.executeCommand('codekin.similar.focus', { preserveFocus: true });
        }
        clearTimeout(this.timer);
        this.running?.cancel();
        const running = (this.running = new vscode.CancellationTokenSource());
        try {
            const asked = this.server.ask<Answer>(FIND_SIMILAR, asking, running.token);
            const answer = reveal ? await inView(asked) : await asked;
            if (running === this.running) {
                this.take(answer);
                return answer;
            }
        } catch (error) {
            if (running === this.running && !(error instanceof vscode.CancellationError)) {
                this.clear(error instanceof Error ? error.message : String(error));
                this.isWaiting = this.server.life !== 'running';
            }
        }
        return undefined;
    }

    async again(): Promise<void> {
        if (this.asking) {
            await this.ask(this.asking, { reveal: false });
        }
    }

    clear(message?: string): void {
        this.answer = undefined;
        this.view.message = message;
        this.view.description = undefined;
        this.arrange();
    }

    dismiss(hit: Hit): void {
        this.dismissed.add(keyOf(hit));
        this.arrange();
    }

    /**
     * The hit that a key is meant for. VS Code tells an extension what is selected in its tree, not what has the focus:
     * the key toggles whether that is selected, so it is what has just come to the selection, or gone from it.
     */
    async meant(): Promise<Hit | undefined> {
        const hit = this.groups.flatMap((group) => group.hits).find((each) => keyOf(each) === this.pointed);
        if (hit) {
            await this.view.reveal(hit, { select: true, focus: true });
        }
        return hit;
    }

    /** Compare what was asked about with this. */
    async diff(hit: Hit): Promise<void> {
        const asked = this.answer?.asked;
        if (asked) {
            const mine = new vscode.Location(vscode.Uri.parse(asked.uri), rangeOf(asked.range));
            const theirs = await spotOf(hit);
            await compare(mine, new vscode.Location(theirs.uri, theirs.whole));
        }
    }

    getChildren(node?: Node): Node[] {
        return node ? (isHit(node) ? [] : node.hits) : this.groups;
    }

    getParent(node: Node): Node | undefined {
        return isHit(node) ? this.groups.find((group) => group.hits.includes(node)) : undefined;
    }

    getTreeItem(node: Node): vscode.TreeItem {
        return isHit(node) ? hitItem(node, isByFile()) : groupItem(node);
    }

    resolveTreeItem(item: vscode.TreeItem, node: Node): vscode.TreeItem {
        if (isHit(node)) {
            const tooltip = new vscode.MarkdownString(fenced(node));
            tooltip.appendMarkdown('\n\n').appendText([node.qualifiedName === node.name ? '' : node.qualifiedName, `${shown(uriOf(node))}: ${node.why}`].filter(Boolean).join('\n'));
            item.tooltip = tooltip;
        }
        return item;
    }

    private point(selection: readonly Node[]): void {
        const keys = selection.map((node) => (isHit(node) ? keyOf(node) : node.key));
        const come = keys.filter((key) => !this.selected.includes(key));
        const gone = this.selected.filter((key) => !keys.includes(key));
        this.pointed = come.at(-1) ?? gone.at(-1) ?? this.pointed;
        this.selected = keys;
    }

    private take(answer: Answer): void {
        this.answer = answer;
        this.covered = answer.coverage;
        const nothing = answer.asked
            ? 'Nothing in the workspace is like this code.'
            : 'There is no code to ask about here, or it is not indexed yet.';
        this.view.message = remark(answer.hits.length, answer.coverage, nothing) || undefined;
        this.view.description = answer.asked
            ? `to ${shown(answer.asked.uri)}:${answer.asked.range.start.line + 1}`
            : undefined;
        this.arrange();
    }

    private arrange(): void {
        const hits = (this.answer?.hits ?? []).filter((hit) => !this.dismissed.has(keyOf(hit)));
        this.groups = isByFile() ? byFile(hits) : byKinship(hits);
        this.view.badge = hits.length ? { value: hits.length, tooltip: `${hits.length} similar` } : undefined;
        void vscode.commands.executeCommand('setContext', 'codekin.hasSimilar', this.answer !== undefined);
        this.changed.fire();
    }

    private edited({ document, contentChanges }: vscode.TextDocumentChangeEvent): void {
        if (!this.asking || !contentChanges.length || !['file', CELL].includes(document.uri.scheme)) {
            return;
        }
        if (document.uri.toString() === this.asking.textDocument.uri) {
            this.asking = contentChanges.reduce(follow, this.asking);
        }
        clearTimeout(this.timer);
        this.timer = setTimeout(() => void this.again(), QUIET_MS);
    }

    /** Ask when the server has come; where a part was not searched yet, again whenever much more is, and when all is. */
    private hearMore(): void {
        const coverage = this.server.status?.coverage ?? 0;
        if (this.isWaiting && this.server.life === 'running') {
            this.isWaiting = false;
            void this.again();
        } else if (this.asking && this.answer && this.covered < 1 && (coverage >= 1 || coverage >= this.covered + MUCH)) {
            this.covered = coverage;
            void this.again();
        }
    }
}

function follow(asking: Asking, change: vscode.TextDocumentContentChangeEvent): Asking {
    const { position, range } = asking;
    return {
        ...asking,
        ...(position && { position: moved({ start: position, end: position }, change).start }),
        ...(range && { range: moved(range, change) }),
    };
}

function keyOf(hit: Hit): string {
    return `${hit.location.uri}#${hit.qualifiedName || hit.location.range.start.line}`;
}

function inView<T>(work: Promise<T>): Thenable<T> {
    return vscode.window.withProgress({ location: { viewId: 'codekin.similar' } }, () => work);
}

/** What a command is given: by the server's code actions and lenses, else by the active editor. */
function given(value: unknown): Asking | undefined {
    if (value && typeof value === 'object' && 'textDocument' in value) {
        const { textDocument, position, range } = value as Asking;
        const bare = range && range.start.line === range.end.line ? { position: range.start } : { range };
        return { textDocument, ...(position ? { position } : bare) };
    }
    const editor = vscode.window.activeTextEditor;
    return editor && askingOf(editor.document, editor.selection);
}

export function registerSimilar(similar: Similar, server: Server): vscode.Disposable {
    const commands: Record<string, (...words: never[]) => unknown> = {
        'codekin.findSimilar': async (value: unknown) => {
            const asking = given(value);
            if (asking) {
                return similar.ask(asking);
            }
            return vscode.window.showInformationMessage('codekin: open a file and put the cursor into a function first.');
        },
        'codekin.peekSimilar': async (value: unknown) => peek(server, given(value)),
        'codekin.open': (hit: Hit) => open(hit),
        'codekin.openToSide': (hit: Hit) => open(hit, { viewColumn: vscode.ViewColumn.Beside }),
        'codekin.diff': (hit: Hit) => similar.diff(hit),
        'codekin.copyPath': (hit: Hit) => vscode.env.clipboard.writeText(placeOf(hit, uriOf(hit).fsPath)),
        'codekin.dismiss': (hit: Hit) => similar.dismiss(hit),
        'codekin.similar.refresh': () => similar.again(),
        'codekin.similar.groupByFile': () => groupBy('file'),
        'codekin.similar.groupByKinship': () => groupBy('kinship'),
    };
    /* From a key, a command of the tree is given nothing. */
    const withSelection = (run: (hit: never) => unknown) => async (hit?: Hit) => {
        const meant = hit ?? (await similar.meant());
        return meant && run(meant as never);
    };
    const ofHits = ['codekin.open', 'codekin.openToSide', 'codekin.diff', 'codekin.copyPath', 'codekin.dismiss'];
    return vscode.Disposable.from(
        ...Object.entries(commands).map(([name, run]) =>
            vscode.commands.registerCommand(name, ofHits.includes(name) ? withSelection(run) : run),
        ),
    );
}

async function groupBy(value: string): Promise<void> {
    const target = vscode.ConfigurationTarget.Global;
    await vscode.workspace.getConfiguration('codekin').update('similar.groupBy', value, target);
}

async function peek(server: Server, asking: Asking | undefined): Promise<Answer | undefined> {
    if (!asking) {
        return undefined;
    }
    const answer = await server.ask<Answer>(FIND_SIMILAR, asking).catch((error: Error) => error);
    if (answer instanceof Error) {
        void vscode.window.showWarningMessage(`codekin: ${answer.message}`);
        return undefined;
    }
    const start = asking.position ?? asking.range?.start ?? { line: 0, character: 0 };
    const uri = vscode.Uri.parse(asking.textDocument.uri);
    const at = new vscode.Position(start.line, start.character);
    const message = remark(answer.hits.length, answer.coverage, 'Nothing in the workspace is like this code.');
    const spots = await Promise.all(answer.hits.map(spotOf));
    const locations = spots.map(({ uri: place, name }) => new vscode.Location(place, name));
    await vscode.commands.executeCommand('editor.action.peekLocations', uri, at, locations, 'peek', `codekin: ${message}`);
    return answer;
}
