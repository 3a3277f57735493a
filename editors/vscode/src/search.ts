/** Search by meaning: a quick pick that searches as the user types, and previews results on arrow keys. */

import * as vscode from 'vscode';
import { formatAnswerNote, formatNarrowLocation, getHitName } from './format';
import { isWorthRepeating } from './growth';
import { HitPreview } from './hitPreview';
import { formatPercent } from './l10n';
import { getDisplayPath, getUri, openHit } from './navigation';
import type { Answer, Hit } from './protocol';
import { chooseFolder, chooseLanguage, describeFilter, type SearchFilter, sendSearch } from './searchFilter';
import type { Server } from './server';
import { getKindIcon } from './treeItems';

const DEBOUNCE_MS = 120; // after a key stroke, before the request is sent
const MAX_HISTORY = 20;
const HISTORY_KEY = 'codekin.history';
const OPEN_TO_SIDE: vscode.QuickInputButton = {
    iconPath: new vscode.ThemeIcon('split-horizontal'),
    tooltip: vscode.l10n.t('Open to the Side'),
};

const KEEP: vscode.QuickInputButton = {
    iconPath: new vscode.ThemeIcon('list-flat'),
    tooltip: vscode.l10n.t('Keep Results in View'),
};
const FILTER_LANGUAGE: vscode.QuickInputButton = {
    iconPath: new vscode.ThemeIcon('code'),
    tooltip: vscode.l10n.t('Filter by Language'),
};
const FILTER_FOLDER: vscode.QuickInputButton = {
    iconPath: new vscode.ThemeIcon('folder'),
    tooltip: vscode.l10n.t('Filter by Folder'),
};
const FILTER_TESTS: vscode.QuickInputButton = {
    iconPath: new vscode.ThemeIcon('beaker'),
    tooltip: vscode.l10n.t('With or Without Tests'),
};

interface SearchItem extends vscode.QuickPickItem {
    hit?: Hit;
    query?: string; // an earlier query
    command?: string; // what Enter does for a message
}

/** Return the history with this query first, without duplicates. */
export function addToHistory(history: readonly string[], query: string): string[] {
    return [query, ...history.filter((earlier) => earlier !== query)].slice(0, MAX_HISTORY);
}

export class SearchPicker implements vscode.Disposable {
    private picker: vscode.QuickPick<SearchItem> | undefined;
    private preview: HitPreview | undefined;
    private cancellation: vscode.CancellationTokenSource | undefined;
    private timer: NodeJS.Timeout | undefined;
    private answer: Answer | undefined; // on display, which may be that of an earlier query
    private answeredQuery = '';
    private input = ''; // that was handled last
    private filter: SearchFilter = {};
    private coverage = 0; // of the index when the last request was sent
    private isSearching = false; // a request is about to be sent, or not answered yet: another would overtake it
    private isWaitingForServer = false;
    private hasNavigated = false; // by arrow keys, in the items on display
    private readonly serverListener: vscode.Disposable;

    constructor(
        private readonly server: Server,
        private readonly storage: vscode.Memento,
        private readonly keepResults: (query: string, answer: Answer, filter: SearchFilter) => void,
    ) {
        this.serverListener = server.onChange(() => this.handleServerChange());
    }

    dispose(): void {
        this.serverListener.dispose();
        this.picker?.dispose();
    }

    /** The items on display, for tests. */
    get items(): readonly SearchItem[] {
        return this.picker?.items ?? [];
    }

    show(query = '', filter: SearchFilter = {}): void {
        this.filter = filter;
        const picker = createPicker();
        const preview = this.preview ?? new HitPreview(); // a picker that replaces another takes over its preview
        this.picker = picker;
        this.preview = preview;
        this.showTitle();
        picker.buttons = [FILTER_LANGUAGE, FILTER_FOLDER, FILTER_TESTS, KEEP];
        picker.placeholder = vscode.l10n.t('Describe what the code does, or paste code');
        picker.onDidChangeValue((value) => {
            if (value !== this.input) {
                this.handleInput(value); // else VS Code only reports what was set here, perhaps after the answer
            }
        });
        picker.onDidChangeActive(([item]) => this.handleActiveItem(item));
        picker.onDidTriggerItemButton(({ item }) => item.hit && this.acceptHit(item.hit, vscode.ViewColumn.Beside));
        picker.onDidTriggerButton((button) => void this.handleButton(button));
        picker.onDidAccept(() => this.acceptItem(picker.activeItems[0]));
        picker.onDidHide(() => {
            if (this.picker === picker) {
                this.cancel();
                void preview.restore();
            }
            picker.dispose();
        });
        picker.value = query;
        this.handleInput(query);
        picker.show();
    }

    hide(): void {
        this.picker?.hide();
    }

    private async handleButton(button: vscode.QuickInputButton): Promise<void> {
        const { answer, filter } = this;
        const query = this.picker?.value ?? '';
        if (button === KEEP) {
            if (answer) {
                this.rememberQuery(this.answeredQuery);
                this.hide();
                this.keepResults(this.answeredQuery, answer, filter);
            }
        } else if (button === FILTER_TESTS) {
            this.show(query, { ...filter, isWithoutTests: !filter.isWithoutTests });
        } else {
            const isLanguage = button === FILTER_LANGUAGE;
            this.show(query, await (isLanguage ? chooseLanguage(this.server, filter) : chooseFolder(filter)));
        }
    }

    private handleActiveItem(item: SearchItem | undefined): void {
        // VS Code activates the first item of each answer by itself, and may report items of an earlier answer, or none.
        const index = item ? this.items.indexOf(item) : -1;
        if (index > 0) {
            this.hasNavigated = true;
        }
        if (index >= 0 && item?.hit && this.hasNavigated) {
            this.preview?.show(item.hit);
        }
    }

    private acceptItem(item: SearchItem | undefined): void {
        if (item?.query && this.picker) {
            this.picker.value = item.query;
            this.handleInput(item.query);
        } else if (item?.hit) {
            this.acceptHit(item.hit, vscode.ViewColumn.Active);
        } else if (item?.command) {
            this.hide();
            void vscode.commands.executeCommand(item.command);
        }
    }

    private acceptHit(hit: Hit, viewColumn: vscode.ViewColumn): void {
        this.rememberQuery(this.picker?.value ?? '');
        const preview = this.preview;
        preview?.discard();
        this.picker?.hide();
        void preview?.settle().then(() => openHit(hit, { viewColumn, preview: false }));
    }

    private rememberQuery(query: string): void {
        if (query.trim()) {
            void this.storage.update(HISTORY_KEY, addToHistory(this.history, query.trim()));
        }
    }

    private get history(): string[] {
        return this.storage.get<string[]>(HISTORY_KEY, []);
    }

    private handleInput(value: string): void {
        this.input = value;
        clearTimeout(this.timer);
        this.cancellation?.cancel();
        this.isSearching = false;
        if (!this.picker) {
            return;
        }
        if (!value.trim()) {
            this.answer = undefined;
            this.showTitle();
            this.picker.busy = false;
            const iconPath = new vscode.ThemeIcon('history');
            this.showItems(this.history.map((query) => ({ label: query, query, iconPath })));
            return;
        }
        this.picker.busy = true;
        this.isSearching = true;
        this.timer = setTimeout(() => void this.search(value.trim()), DEBOUNCE_MS);
    }

    /** Search, and show what is found; but not what a search that was repeated by itself finds while the user moves. */
    private async search(query: string, { isRepeated = false } = {}): Promise<void> {
        const cancellation = new vscode.CancellationTokenSource();
        this.cancellation = cancellation;
        this.coverage = this.server.status?.coverage ?? 0;
        this.isWaitingForServer = false;
        this.isSearching = true;
        const isCurrent = (): boolean =>
            cancellation === this.cancellation && !cancellation.token.isCancellationRequested;
        try {
            const answer = await sendSearch(this.server, query, this.filter, cancellation.token);
            if (isCurrent()) {
                this.isSearching = false;
                if (isRepeated && this.hasNavigated) {
                    return;
                }
                this.showItems(createItems(answer, this.server));
                this.showTitle(answer);
                this.answer = answer;
                this.answeredQuery = query;
                if (answer.hits.length) {
                    void vscode.commands.executeCommand('setContext', 'codekin.hasSearched', true);
                }
                this.handleServerChange(); // more may have been indexed since the request was sent
            }
        } catch (error) {
            if (!isCurrent()) {
                return;
            }
            this.isSearching = false;
            if (!(isRepeated && this.hasNavigated) && !(error instanceof vscode.CancellationError)) {
                this.answer = undefined;
                this.isWaitingForServer = this.server.state !== 'running';
                this.showTitle();
                this.showItems([createErrorItem(error, this.server)]);
            }
        }
    }

    /** Show the title, with the filter, and how much is indexed if hits come from a part of the workspace. */
    private showTitle(answer?: Answer): void {
        if (this.picker) {
            const title = [vscode.l10n.t('codekin: Search by Meaning'), describeFilter(this.filter)];
            const note = answer?.hits.length ? formatAnswerNote(answer.hits.length, answer.coverage, '') : '';
            this.picker.title = [title.filter(Boolean).join(', '), note].filter(Boolean).join(' · ');
        }
    }

    private showItems(items: SearchItem[]): void {
        if (this.picker) {
            this.hasNavigated = false;
            this.picker.items = items;
            this.picker.busy = false;
        }
    }

    /**
     * Search again once the server runs, and when much more of the workspace is indexed, unless the user is moving
     * through the results or another request is under way.
     */
    private handleServerChange(): void {
        const coverage = this.server.status?.coverage ?? 0;
        const query = this.picker?.value.trim();
        const isIncomplete = this.answer !== undefined && this.answer.coverage < 1 && !this.isSearching;
        const isMoreIndexed = isIncomplete && isWorthRepeating(this.coverage, coverage) && !this.hasNavigated;
        if (query && (isMoreIndexed || (this.isWaitingForServer && this.server.state === 'running'))) {
            void this.search(query, { isRepeated: isMoreIndexed });
        }
    }

    private cancel(): void {
        clearTimeout(this.timer);
        this.cancellation?.cancel();
        this.picker = undefined;
        this.preview = undefined;
        this.answer = undefined;
    }
}

/**
 * Create a picker that lists its items as they are given. VS Code would move those up whose label contains the text,
 * and activate the first one. The property is in no public type, but in all versions of VS Code.
 */
function createPicker(): vscode.QuickPick<SearchItem> {
    return Object.assign(vscode.window.createQuickPick<SearchItem>(), { sortByLabel: false });
}

/** Create the items of an answer. Without `alwaysShow`, VS Code would hide those that do not contain the query. */
function createItems(answer: Answer, server: Server): SearchItem[] {
    if (server.status?.state === 'no folder') {
        const label = vscode.l10n.t('Open a folder to search in…');
        const iconPath = new vscode.ThemeIcon('folder-opened');
        return [{ label, alwaysShow: true, iconPath, command: 'vscode.openFolder' }];
    }
    const items: SearchItem[] = answer.hits.map((hit) => ({
        label: getHitName(hit),
        description: `${formatPercent(hit.score)} · ${formatNarrowLocation(hit, getDisplayPath(getUri(hit)))}`,
        detail: hit.why,
        alwaysShow: true,
        iconPath: getKindIcon(hit.kind),
        buttons: [OPEN_TO_SIDE],
        hit,
    }));
    const note = formatAnswerNote(0, answer.coverage, vscode.l10n.t('No results.'));
    return items.length ? items : [{ label: note, alwaysShow: true, iconPath: new vscode.ThemeIcon('info') }];
}

/**
 * Create the item of an error; Enter installs the server if that is missing, shows the log while it is being installed,
 * and restarts it if it has ended.
 */
function createErrorItem(error: unknown, server: Server): SearchItem {
    if (server.state === 'missing') {
        const iconPath = new vscode.ThemeIcon('cloud-download');
        return {
            label: vscode.l10n.t('Install the server…'),
            detail: vscode.l10n.t('The codekin server was not found.'),
            alwaysShow: true,
            iconPath,
            command: 'codekin.installServer',
        };
    }
    const label = error instanceof Error ? error.message : String(error);
    if (server.state === 'installing') {
        const iconPath = new vscode.ThemeIcon('sync~spin');
        return { label, detail: vscode.l10n.t('Show log'), alwaysShow: true, iconPath, command: 'codekin.showLog' };
    }
    const item = { label, alwaysShow: true, iconPath: new vscode.ThemeIcon('error') };
    return server.state === 'running'
        ? item
        : { ...item, label: vscode.l10n.t('Restart the server'), detail: label, command: 'codekin.restart' };
}
