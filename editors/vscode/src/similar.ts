/** "Find Similar Code": the request, and the view that keeps its answer up to date while code is edited. */

import * as vscode from 'vscode';
import { compareCode } from './compare';
import {
    elideDocstring,
    fenceCode,
    formatAnswerNote,
    getHitName,
    groupByFile,
    groupByKinship,
    type HitGroup,
    splitWeakHits,
} from './format';
import { isWorthRepeating } from './growth';
import { HitKeys } from './hitKeys';
import {
    CELL_SCHEME,
    findCell,
    getDisplayPath,
    getUri,
    isElsewhere,
    locateHit,
    openHit,
    showCell,
    showRange,
    toRange,
} from './navigation';
import { type Answer, FIND_SIMILAR, type Hit, type SimilarQuery } from './protocol';
import { type SearchFilter, sendSearch } from './searchFilter';
import type { Server } from './server';
import { shiftSpan } from './spanTracking';
import {
    createGroupItem,
    createHitItem,
    createSourceItem,
    isGroupedByFile,
    isHit,
    isSource,
    RESULTS_KEY,
    type TreeNode,
    WEAK_KEY,
} from './treeItems';

const DEBOUNCE_MS = 400; // after an edit, before the request is repeated
const MAX_TOOLTIP_LINES = 24;
export const NOTHING_SIMILAR = vscode.l10n.t('No similar code was found in this workspace.');

export class SimilarView implements vscode.TreeDataProvider<TreeNode>, vscode.Disposable {
    answer: Answer | undefined;
    readonly view: vscode.TreeView<TreeNode>;

    private readonly changeEmitter = new vscode.EventEmitter<void>();
    readonly onDidChangeTreeData = this.changeEmitter.event;
    private query: SimilarQuery | undefined;
    private searchQuery: string | undefined; // of results kept from a search in words
    private searchFilter: SearchFilter = {};
    private groups: HitGroup[] = [];
    private readonly hitKeys = new HitKeys();
    private readonly dismissedKeys = new Set<string>();
    private cancellation: vscode.CancellationTokenSource | undefined;
    private timer: NodeJS.Timeout | undefined;
    private coverage = 1; // of the answer, or of the index when its request is repeated
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
        this.searchQuery = undefined;
        this.view.title = vscode.l10n.t('Similar Code');
        if (reveal) {
            this.dismissedKeys.clear();
            void vscode.commands.executeCommand('codekin.similar.focus', { preserveFocus: true });
        }
        const cancellation = this.replaceRequest();
        const indexedShare = this.indexedShare;
        try {
            const request = this.server.request<Answer>(FIND_SIMILAR, query, cancellation.token);
            const answer = reveal ? await showViewProgress(request) : await request;
            if (cancellation === this.cancellation) {
                this.showAnswer(answer);
                this.handleGrowth(indexedShare);
                return answer;
            }
        } catch (error) {
            if (cancellation === this.cancellation && !(error instanceof vscode.CancellationError)) {
                const message = error instanceof Error ? error.message : String(error);
                this.showMessage(this.hasServer ? message : undefined); // else the view's welcome explains it
                this.isWaitingForServer = this.server.state !== 'running';
            }
        }
        return undefined;
    }

    /** Show the results of a search in words. */
    showResults(searchQuery: string, answer: Answer, filter: SearchFilter = {}): void {
        this.replaceRequest();
        this.query = undefined;
        this.searchQuery = searchQuery;
        this.searchFilter = filter;
        this.view.title = vscode.l10n.t('Results');
        this.dismissedKeys.clear();
        this.showAnswer(answer);
        this.handleServerChange(); // more may have been indexed since the answer
        void vscode.commands.executeCommand('codekin.similar.focus');
    }

    /** Cancel the request under way, and return the token of the one that replaces it. */
    private replaceRequest(): vscode.CancellationTokenSource {
        clearTimeout(this.timer);
        this.cancellation?.cancel();
        this.cancellation = new vscode.CancellationTokenSource();
        return this.cancellation;
    }

    /** Repeat a search in words whose results were kept. They stay if it fails, until the server changes again. */
    private async repeatSearch(searchQuery: string): Promise<void> {
        const cancellation = this.replaceRequest();
        const indexedShare = this.indexedShare;
        try {
            const answer = await sendSearch(this.server, searchQuery, this.searchFilter, cancellation.token);
            if (cancellation === this.cancellation) {
                this.showAnswer(answer);
                this.handleGrowth(indexedShare);
            }
        } catch (error) {
            if (cancellation === this.cancellation && !(error instanceof vscode.CancellationError)) {
                this.coverage = this.answer?.coverage ?? 1;
                this.server.log.warn(String(error));
            }
        }
    }

    /** Repeat the last request. A search in words is repeated where its words are typed. */
    async refresh(): Promise<void> {
        if (this.query) {
            await this.findSimilar(this.query, { reveal: false });
        } else if (this.searchQuery !== undefined) {
            await this.showSource();
        }
    }

    /** Replace the answer by a message. */
    private showMessage(message: string | undefined): void {
        this.answer = undefined;
        this.view.message = message;
        this.updateGroups();
    }

    /** Hide a hit, and move the focus to the next one. */
    async dismiss(hit: Hit): Promise<void> {
        const keys = this.listHits().map((shown) => this.getKey(shown));
        const index = keys.indexOf(this.getKey(hit));
        this.dismissedKeys.add(this.getKey(hit));
        this.updateGroups();
        await this.focusFirst([...keys.slice(index + 1), ...keys.slice(0, Math.max(index, 0)).reverse()]);
    }

    /** Move the focus to the first of these hits that is shown; again if an answer replaces it meanwhile. */
    private async focusFirst(keys: readonly string[]): Promise<Hit | undefined> {
        for (;;) {
            const hits = this.listHits();
            const [hit] = keys.flatMap((key) => hits.find((candidate) => this.getKey(candidate) === key) ?? []);
            if (!hit) {
                return undefined;
            }
            this.targetKey = this.getKey(hit);
            const reveal = this.view.reveal(hit, { select: true, focus: true });
            await reveal.then(undefined, (error: unknown) => this.server.log.warn(String(error)));
            if (this.listHits().includes(hit)) {
                return hit;
            }
        }
    }

    private listHits(): Hit[] {
        return this.groups.flatMap((group) => group.hits);
    }

    /**
     * Return the hit that a key binding applies to. VS Code tells an extension which rows of its tree are selected, but
     * not which has the focus. The key binding toggles the selection of the focused row first: it is the row that was
     * just added to the selection, or removed from it.
     */
    async getTarget(): Promise<Hit | undefined> {
        return this.targetKey === undefined ? undefined : this.focusFirst([this.targetKey]);
    }

    /** Show the code of the query, or search with its words again. */
    async showSource(): Promise<void> {
        if (this.searchQuery !== undefined) {
            await vscode.commands.executeCommand('codekin.search', this.searchQuery);
            return;
        }
        const source = this.answer?.asked;
        if (source) {
            const uri = vscode.Uri.parse(source.uri);
            const cell = findCell(uri);
            const range = toRange(source.range);
            await (cell ? showCell(cell) : showRange(uri, range, range.start, { preview: false }));
        }
    }

    /** Compare the code of the query with a hit. */
    async compareWith(hit: Hit): Promise<void> {
        const { asked, askedName = '' } = this.answer ?? {};
        if (isElsewhere(hit)) {
            await openHit(hit, { preview: false });
        } else if (asked) {
            const { uri, range } = await locateHit(hit);
            const source = new vscode.Location(vscode.Uri.parse(asked.uri), toRange(asked.range));
            const code = { location: new vscode.Location(uri, range), name: getHitName(hit) };
            await compareCode({ location: source, name: askedName }, code, true);
        }
    }

    getChildren(node?: TreeNode): TreeNode[] {
        if (!node) {
            const hasSource = this.answer?.asked || this.searchQuery !== undefined;
            return this.answer && hasSource
                ? [{ source: this.answer, query: this.searchQuery }, ...this.groups]
                : this.groups;
        }
        return isHit(node) || isSource(node) ? [] : node.hits;
    }

    getParent(node: TreeNode): TreeNode | undefined {
        if (!isHit(node)) {
            return undefined;
        }
        const key = this.getKey(node); // the object may be one of an earlier answer
        return this.groups.find((group) => group.hits.some((hit) => this.getKey(hit) === key));
    }

    getTreeItem(node: TreeNode): vscode.TreeItem {
        if (isSource(node)) {
            return createSourceItem(node);
        }
        return isHit(node) ? createHitItem(node, this.getKey(node), isGroupedByFile()) : createGroupItem(node);
    }

    /** Return what identifies a hit in later answers, too, until its first lines are edited. */
    getKey(hit: Hit): string {
        return this.hitKeys.get(hit);
    }

    async resolveTreeItem(item: vscode.TreeItem, node: TreeNode): Promise<vscode.TreeItem> {
        if (isHit(node)) {
            const qualifiedName = node.qualifiedName === node.name ? '' : node.qualifiedName;
            const lines = [qualifiedName, `${getDisplayPath(getUri(node))}: ${node.why}`];
            const code = elideDocstring(await readCode(node), MAX_TOOLTIP_LINES);
            const tooltip = new vscode.MarkdownString(fenceCode(code, node.language));
            tooltip.appendMarkdown('\n\n').appendText(lines.filter(Boolean).join('\n'));
            item.tooltip = tooltip;
        }
        return item;
    }

    private trackSelection(selection: readonly TreeNode[]): void {
        const keys = selection.map((node) => (isSource(node) ? 'source' : isHit(node) ? this.getKey(node) : node.key));
        const added = keys.filter((key) => !this.selectedKeys.includes(key));
        const removed = this.selectedKeys.filter((key) => !keys.includes(key));
        this.targetKey = added.at(-1) ?? removed.at(-1) ?? this.targetKey;
        this.selectedKeys = keys;
    }

    private showAnswer(answer: Answer): void {
        this.answer = answer;
        this.hitKeys.add(answer.hits);
        this.coverage = answer.coverage;
        const { asked, hits, coverage } = answer;
        const noHitsText =
            asked || this.searchQuery
                ? NOTHING_SIMILAR
                : vscode.l10n.t('There is no code at the cursor, or it is not indexed yet.');
        this.view.message = formatAnswerNote(hits.length, coverage, noHitsText) || undefined;
        this.updateGroups();
        if (asked && hits.length) {
            void vscode.commands.executeCommand('setContext', 'codekin.hasFoundSimilar', true);
        }
    }

    private updateGroups(): void {
        const hits = (this.answer?.hits ?? []).filter((hit) => !this.dismissedKeys.has(this.getKey(hit)));
        this.groups = this.searchQuery === undefined ? groupSimilar(hits) : groupResults(hits);
        this.view.badge = hits.length
            ? { value: hits.length, tooltip: vscode.l10n.t('{0} similar', hits.length) }
            : undefined;
        const context = {
            'codekin.hasSimilar': this.answer !== undefined,
            'codekin.hasSource': Boolean(this.answer?.asked), // with which hits can be compared
        };
        for (const [key, value] of Object.entries(context)) {
            void vscode.commands.executeCommand('setContext', key, value);
        }
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

    private get hasServer(): boolean {
        return this.server.state !== 'missing' && this.server.state !== 'installing';
    }

    private get indexedShare(): number {
        return this.server.status?.coverage ?? 0;
    }

    /** Repeat the request if more was indexed while it was answered: no other change of the server may follow. */
    private handleGrowth(indexedShare: number): void {
        if (this.indexedShare > indexedShare) {
            this.handleServerChange();
        }
    }

    /** Repeat the request once the server is there, whenever much more is indexed, and when everything is. */
    private handleServerChange(): void {
        if (!this.hasServer && (this.answer || this.view.message)) {
            this.showMessage(undefined); // the view's welcome tells what to do
            this.isWaitingForServer = true;
        } else if (this.isWaitingForServer && this.server.state === 'running') {
            this.isWaitingForServer = false;
            void (this.query && this.refresh()); // a search in words would open by itself
        } else if (this.answer && isWorthRepeating(this.coverage, this.indexedShare)) {
            this.coverage = this.indexedShare;
            void (this.searchQuery === undefined ? this.refresh() : this.repeatSearch(this.searchQuery));
        }
    }
}

/** Group similar code, with weak hits in a group of their own. */
function groupSimilar(hits: readonly Hit[]): HitGroup[] {
    const [strongHits, weakHits] = splitWeakHits(hits);
    const groups = isGroupedByFile() ? groupByFile(strongHits) : groupByKinship(strongHits);
    return weakHits.length ? [...groups, { key: WEAK_KEY, hits: weakHits }] : groups;
}

/** Group the results of a search in words, which have no kinship. */
function groupResults(hits: readonly Hit[]): HitGroup[] {
    const isEmpty = hits.length === 0;
    return isGroupedByFile() || isEmpty ? groupByFile(hits) : [{ key: RESULTS_KEY, hits: [...hits] }];
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

/** Read the whole code of a hit; its preview has only the first lines. */
async function readCode(hit: Hit): Promise<string> {
    try {
        const { uri, range } = await locateHit(hit);
        return (await vscode.workspace.openTextDocument(uri)).getText(range);
    } catch {
        return hit.preview;
    }
}

function showViewProgress<T>(work: Promise<T>): Thenable<T> {
    return vscode.window.withProgress({ location: { viewId: 'codekin.similar' } }, () => work);
}
