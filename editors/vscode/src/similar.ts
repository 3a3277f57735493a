/** "Find Similar Code": the request, and the view that keeps its answer up to date while code is edited. */

import * as vscode from 'vscode';
import { compareLocations, getOrigin } from './compare';
import { formatAnswerNote, formatLocation, formatPreview, groupByFile, groupByKinship, type HitGroup } from './format';
import { CELL_SCHEME, getDisplayPath, getUri, locateHit, openHit, toRange } from './navigation';
import { type Answer, FIND_SIMILAR, type Hit, type SimilarQuery } from './protocol';
import type { Server } from './server';
import { shiftSpan } from './spanTracking';
import { createGroupItem, createHitItem, isGroupedByFile, isHit, type TreeNode } from './treeItems';

const DEBOUNCE_MS = 400; // after an edit, before the request is repeated
const COVERAGE_STEP = 0.1; // share of the workspace that must be newly indexed before the request is repeated
const NOTHING_SIMILAR = 'No similar code was found in this workspace.';

/** Return the query for a selection, also in a diff editor: the function at the cursor, or several lines. */
export function createQuery(document: vscode.TextDocument, selection: vscode.Selection): SimilarQuery {
    const { uri, lineOffset } = getOrigin(document.uri);
    const textDocument = { uri };
    const [start, end] = [selection.start.translate(lineOffset), selection.end.translate(lineOffset)];
    return selection.isSingleLine ? { textDocument, position: start } : { textDocument, range: { start, end } };
}

export class SimilarView implements vscode.TreeDataProvider<TreeNode>, vscode.Disposable {
    answer: Answer | undefined;
    readonly view: vscode.TreeView<TreeNode>;

    private readonly changeEmitter = new vscode.EventEmitter<void>();
    readonly onDidChangeTreeData = this.changeEmitter.event;
    private query: SimilarQuery | undefined;
    private groups: HitGroup[] = [];
    private readonly dismissedKeys = new Set<string>();
    private cancellation: vscode.CancellationTokenSource | undefined;
    private timer: NodeJS.Timeout | undefined;
    private coverage = 1; // when the request was last sent
    private isWaitingForServer = false;
    private selectedKeys: readonly string[] = []; // keys, because each answer has new hit objects
    private targetKey: string | undefined;
    private readonly disposables: vscode.Disposable;

    constructor(private readonly server: Server) {
        this.view = vscode.window.createTreeView('codekin.similar', { treeDataProvider: this, showCollapseAll: true });
        this.disposables = vscode.Disposable.from(
            this.view,
            this.changeEmitter,
            this.view.onDidChangeSelection(({ selection }) => this.trackSelection(selection)),
            vscode.workspace.onDidChangeTextDocument((event) => this.handleEdit(event)),
            vscode.workspace.onDidChangeConfiguration((event) => {
                if (event.affectsConfiguration('codekin.similar.groupBy')) {
                    this.updateGroups();
                }
            }),
            server.onChange(() => this.handleServerChange()),
        );
    }

    dispose(): void {
        clearTimeout(this.timer);
        this.cancellation?.cancel();
        this.disposables.dispose();
    }

    /** Send a request and show its answer. Return undefined if it failed or a later request replaced it. */
    async findSimilar(query: SimilarQuery, { reveal = true } = {}): Promise<Answer | undefined> {
        this.query = query;
        if (reveal) {
            this.dismissedKeys.clear();
            void vscode.commands.executeCommand('codekin.similar.focus', { preserveFocus: true });
        }
        clearTimeout(this.timer);
        this.cancellation?.cancel();
        const cancellation = new vscode.CancellationTokenSource();
        this.cancellation = cancellation;
        try {
            const request = this.server.request<Answer>(FIND_SIMILAR, query, cancellation.token);
            const answer = reveal ? await showViewProgress(request) : await request;
            if (cancellation === this.cancellation) {
                this.showAnswer(answer);
                return answer;
            }
        } catch (error) {
            if (cancellation === this.cancellation && !(error instanceof vscode.CancellationError)) {
                this.showMessage(error instanceof Error ? error.message : String(error));
                this.isWaitingForServer = this.server.state !== 'running';
            }
        }
        return undefined;
    }

    /** Repeat the last request. */
    async refresh(): Promise<void> {
        if (this.query) {
            await this.findSimilar(this.query, { reveal: false });
        }
    }

    /** Replace the answer by a message. */
    private showMessage(message: string): void {
        this.answer = undefined;
        this.view.message = message;
        this.view.description = undefined;
        this.updateGroups();
    }

    dismiss(hit: Hit): void {
        this.dismissedKeys.add(getKey(hit));
        this.updateGroups();
    }

    /**
     * Return the hit that a key binding applies to. VS Code tells an extension which rows of its tree are selected, but
     * not which has the focus. The key binding toggles the selection of the focused row first: it is the row that was
     * just added to the selection, or removed from it.
     */
    async getTarget(): Promise<Hit | undefined> {
        const hit = this.groups
            .flatMap((group) => group.hits)
            .find((candidate) => getKey(candidate) === this.targetKey);
        if (hit) {
            await this.view.reveal(hit, { select: true, focus: true });
        }
        return hit;
    }

    /** Compare the code of the query with a hit. */
    async compareWith(hit: Hit): Promise<void> {
        const source = this.answer?.asked;
        if (source) {
            const { uri, range } = await locateHit(hit);
            const sourceLocation = new vscode.Location(vscode.Uri.parse(source.uri), toRange(source.range));
            await compareLocations(sourceLocation, new vscode.Location(uri, range));
        }
    }

    getChildren(node?: TreeNode): TreeNode[] {
        if (!node) {
            return this.groups;
        }
        return isHit(node) ? [] : node.hits;
    }

    getParent(node: TreeNode): TreeNode | undefined {
        return isHit(node) ? this.groups.find((group) => group.hits.includes(node)) : undefined;
    }

    getTreeItem(node: TreeNode): vscode.TreeItem {
        return isHit(node) ? createHitItem(node, isGroupedByFile()) : createGroupItem(node);
    }

    resolveTreeItem(item: vscode.TreeItem, node: TreeNode): vscode.TreeItem {
        if (isHit(node)) {
            const qualifiedName = node.qualifiedName === node.name ? '' : node.qualifiedName;
            const lines = [qualifiedName, `${getDisplayPath(getUri(node))}: ${node.why}`];
            const tooltip = new vscode.MarkdownString(formatPreview(node));
            tooltip.appendMarkdown('\n\n').appendText(lines.filter(Boolean).join('\n'));
            item.tooltip = tooltip;
        }
        return item;
    }

    private trackSelection(selection: readonly TreeNode[]): void {
        const keys = selection.map((node) => (isHit(node) ? getKey(node) : node.key));
        const added = keys.filter((key) => !this.selectedKeys.includes(key));
        const removed = this.selectedKeys.filter((key) => !keys.includes(key));
        this.targetKey = added.at(-1) ?? removed.at(-1) ?? this.targetKey;
        this.selectedKeys = keys;
    }

    private showAnswer(answer: Answer): void {
        this.answer = answer;
        this.coverage = answer.coverage;
        const { asked, hits, coverage } = answer;
        const noHitsText = asked ? NOTHING_SIMILAR : 'There is no code at the cursor, or it is not indexed yet.';
        this.view.message = formatAnswerNote(hits.length, coverage, noHitsText) || undefined;
        this.view.description = asked ? `to ${getDisplayPath(asked.uri)}:${asked.range.start.line + 1}` : undefined;
        this.updateGroups();
    }

    private updateGroups(): void {
        const hits = (this.answer?.hits ?? []).filter((hit) => !this.dismissedKeys.has(getKey(hit)));
        this.groups = isGroupedByFile() ? groupByFile(hits) : groupByKinship(hits);
        this.view.badge = hits.length ? { value: hits.length, tooltip: `${hits.length} similar` } : undefined;
        void vscode.commands.executeCommand('setContext', 'codekin.hasSimilar', this.answer !== undefined);
        this.changeEmitter.fire();
    }

    private handleEdit({ document, contentChanges }: vscode.TextDocumentChangeEvent): void {
        if (!this.query || !contentChanges.length || !['file', CELL_SCHEME].includes(document.uri.scheme)) {
            return;
        }
        if (document.uri.toString() === this.query.textDocument.uri) {
            this.query = contentChanges.reduce(shiftQuery, this.query);
        }
        clearTimeout(this.timer);
        this.timer = setTimeout(() => void this.refresh(), DEBOUNCE_MS);
    }

    /** Repeat the request once the server is there, whenever much more is indexed, and when everything is. */
    private handleServerChange(): void {
        const coverage = this.server.status?.coverage ?? 0;
        const isMoreIndexed = coverage >= 1 || coverage >= this.coverage + COVERAGE_STEP;
        if (this.isWaitingForServer && this.server.state === 'running') {
            this.isWaitingForServer = false;
            void this.refresh();
        } else if (this.query && this.answer && this.coverage < 1 && isMoreIndexed) {
            this.coverage = coverage;
            void this.refresh();
        }
    }
}

/** Move the query's position or range along with an edit. */
function shiftQuery(query: SimilarQuery, change: vscode.TextDocumentContentChangeEvent): SimilarQuery {
    const { position, range } = query;
    return {
        ...query,
        ...(position && { position: shiftSpan({ start: position, end: position }, change).start }),
        ...(range && { range: shiftSpan(range, change) }),
    };
}

function getKey(hit: Hit): string {
    return `${hit.location.uri}#${hit.qualifiedName || hit.location.range.start.line}`;
}

function showViewProgress<T>(work: Promise<T>): Thenable<T> {
    return vscode.window.withProgress({ location: { viewId: 'codekin.similar' } }, () => work);
}

/** Return the query in a command's argument, as code actions and lenses pass it, or that of the active editor. */
function parseQuery(argument: unknown): SimilarQuery | undefined {
    if (argument && typeof argument === 'object' && 'textDocument' in argument) {
        const { textDocument, position, range } = argument as SimilarQuery;
        const isOneLine = range && range.start.line === range.end.line;
        return { textDocument, ...(position ? { position } : isOneLine ? { position: range.start } : { range }) };
    }
    const editor = vscode.window.activeTextEditor;
    return editor && createQuery(editor.document, editor.selection);
}

export function registerSimilarCommands(similar: SimilarView, server: Server): vscode.Disposable {
    const viewCommands: Record<string, (argument?: unknown) => unknown> = {
        'codekin.findSimilar': async (argument) => {
            const query = parseQuery(argument);
            if (query) {
                return similar.findSimilar(query);
            }
            return vscode.window.showInformationMessage('Open a file and place the cursor in a function first.');
        },
        'codekin.peekSimilar': async (argument) => peekSimilar(server, parseQuery(argument)),
        'codekin.similar.refresh': () => similar.refresh(),
        'codekin.similar.groupByFile': () => setGrouping('file'),
        'codekin.similar.groupByKinship': () => setGrouping('kinship'),
    };
    const hitCommands: Record<string, (hit: Hit) => unknown> = {
        'codekin.open': (hit) => openHit(hit),
        'codekin.openToSide': (hit) => openHit(hit, { viewColumn: vscode.ViewColumn.Beside }),
        'codekin.diff': (hit) => similar.compareWith(hit),
        'codekin.copyPath': (hit) => vscode.env.clipboard.writeText(formatLocation(hit, getUri(hit).fsPath)),
        'codekin.dismiss': (hit) => similar.dismiss(hit),
    };
    // A key binding passes no argument to a command of a tree.
    const withTarget = (run: (hit: Hit) => unknown) => async (hit?: Hit) => {
        const target = hit ?? (await similar.getTarget());
        return target && run(target);
    };
    return vscode.Disposable.from(
        ...Object.entries(viewCommands).map(([name, run]) => vscode.commands.registerCommand(name, run)),
        ...Object.entries(hitCommands).map(([name, run]) => vscode.commands.registerCommand(name, withTarget(run))),
    );
}

async function setGrouping(grouping: 'file' | 'kinship'): Promise<void> {
    const target = vscode.ConfigurationTarget.Global;
    await vscode.workspace.getConfiguration('codekin').update('similar.groupBy', grouping, target);
}

async function peekSimilar(server: Server, query: SimilarQuery | undefined): Promise<Answer | undefined> {
    if (!query) {
        return undefined;
    }
    const answer = await server.request<Answer>(FIND_SIMILAR, query).catch((error: Error) => error);
    if (answer instanceof Error) {
        void vscode.window.showWarningMessage(answer.message);
        return undefined;
    }
    const start = query.position ?? query.range?.start ?? { line: 0, character: 0 };
    const uri = vscode.Uri.parse(query.textDocument.uri);
    const position = new vscode.Position(start.line, start.character);
    const note = formatAnswerNote(answer.hits.length, answer.coverage, NOTHING_SIMILAR);
    const hitLocations = await Promise.all(answer.hits.map(locateHit));
    const locations = hitLocations.map((location) => new vscode.Location(location.uri, location.nameRange));
    await vscode.commands.executeCommand('editor.action.peekLocations', uri, position, locations, 'peek', note);
    return answer;
}
