/** Search by meaning: a quick pick that searches as the user types, and previews the active result. */

import * as vscode from 'vscode';
import { formatAnswerNote, formatNarrowLocation, formatPercent, getHitName } from './format';
import { findCell, getDisplayPath, getUri, openHit, showCell } from './navigation';
import { type Answer, type Hit, SEARCH } from './protocol';
import type { Server } from './server';

const DEBOUNCE_MS = 120; // after a key stroke, before the request is sent
const MAX_HISTORY = 20;
const HISTORY_KEY = 'codekin.history';
const OPEN_TO_SIDE: vscode.QuickInputButton = {
    iconPath: new vscode.ThemeIcon('split-horizontal'),
    tooltip: 'Open to the Side',
};

interface SearchItem extends vscode.QuickPickItem {
    hit?: Hit;
    query?: string; // an earlier query
}

/** Return the history with this query first, without duplicates. */
export function addToHistory(history: readonly string[], query: string): string[] {
    return [query, ...history.filter((earlier) => earlier !== query)].slice(0, MAX_HISTORY);
}

export class SearchPicker {
    private picker: vscode.QuickPick<SearchItem> | undefined;
    private cancellation: vscode.CancellationTokenSource | undefined;
    private timer: NodeJS.Timeout | undefined;

    constructor(
        private readonly server: Server,
        private readonly storage: vscode.Memento,
    ) {}

    /** The items on display, for tests. */
    get items(): readonly SearchItem[] {
        return this.picker?.items ?? [];
    }

    show(query = ''): void {
        const originalEditor = vscode.window.activeTextEditor;
        const picker = vscode.window.createQuickPick<SearchItem>();
        this.picker = picker;
        let isPreviewing = false;
        picker.title = 'codekin: Search by Meaning';
        picker.placeholder = 'Describe what the code does, or paste code';
        picker.onDidChangeValue((value) => this.handleInput(value));
        picker.onDidChangeActive(([item]) => {
            if (item?.hit) {
                isPreviewing = true;
                void openHit(item.hit, { preview: true, preserveFocus: true });
            }
        });
        picker.onDidTriggerItemButton(({ item }) => {
            if (item.hit) {
                isPreviewing = false;
                this.acceptHit(item.hit, vscode.ViewColumn.Beside);
            }
        });
        picker.onDidAccept(() => {
            const [item] = picker.activeItems;
            if (item?.query) {
                picker.value = item.query;
                this.handleInput(item.query);
            } else if (item?.hit) {
                isPreviewing = false;
                this.acceptHit(item.hit, vscode.ViewColumn.Active);
            }
        });
        picker.onDidHide(() => {
            this.cancel();
            picker.dispose();
            if (isPreviewing && originalEditor) {
                void restoreEditor(originalEditor);
            }
        });
        picker.value = query;
        this.handleInput(query);
        picker.show();
    }

    hide(): void {
        this.picker?.hide();
    }

    private acceptHit(hit: Hit, viewColumn: vscode.ViewColumn): void {
        const query = this.picker?.value.trim();
        if (query) {
            void this.storage.update(HISTORY_KEY, addToHistory(this.history, query));
        }
        void openHit(hit, { viewColumn, preview: false });
        this.picker?.hide();
    }

    private get history(): string[] {
        return this.storage.get<string[]>(HISTORY_KEY, []);
    }

    private handleInput(value: string): void {
        clearTimeout(this.timer);
        this.cancellation?.cancel();
        if (!this.picker) {
            return;
        }
        if (!value.trim()) {
            this.picker.busy = false;
            const iconPath = new vscode.ThemeIcon('history');
            this.picker.items = this.history.map((query) => ({ label: query, query, iconPath }));
            return;
        }
        this.picker.busy = true;
        this.timer = setTimeout(() => void this.search(value.trim()), DEBOUNCE_MS);
    }

    private async search(query: string): Promise<void> {
        const cancellation = new vscode.CancellationTokenSource();
        this.cancellation = cancellation;
        try {
            const answer = await this.server.request<Answer>(SEARCH, { query }, cancellation.token);
            this.setItems(cancellation, createItems(answer));
        } catch (error) {
            if (!(error instanceof vscode.CancellationError)) {
                const label = error instanceof Error ? error.message : String(error);
                this.setItems(cancellation, [{ label, alwaysShow: true, iconPath: new vscode.ThemeIcon('error') }]);
            }
        }
    }

    /** Show the items, unless a later request has replaced this one. */
    private setItems(cancellation: vscode.CancellationTokenSource, items: SearchItem[]): void {
        if (this.picker && cancellation === this.cancellation && !cancellation.token.isCancellationRequested) {
            this.picker.items = items;
            this.picker.busy = false;
        }
    }

    private cancel(): void {
        clearTimeout(this.timer);
        this.cancellation?.cancel();
        this.picker = undefined;
    }
}

/** Show the document and selection that were active before the search. */
async function restoreEditor({ document, viewColumn, selection }: vscode.TextEditor): Promise<void> {
    const cell = findCell(document.uri);
    await (cell ? showCell(cell) : vscode.window.showTextDocument(document, { viewColumn, selection }));
}

/** Create the items of an answer. Without `alwaysShow`, VS Code would hide those that do not contain the query. */
function createItems(answer: Answer): SearchItem[] {
    const items: SearchItem[] = answer.hits.map((hit) => ({
        label: getHitName(hit),
        description: `${formatPercent(hit.score)} · ${formatNarrowLocation(hit, getDisplayPath(getUri(hit)))}`,
        detail: hit.why,
        alwaysShow: true,
        buttons: [OPEN_TO_SIDE],
        hit,
    }));
    const note = formatAnswerNote(items.length, answer.coverage, 'No results.');
    return note ? [...items, { label: note, alwaysShow: true, iconPath: new vscode.ThemeIcon('info') }] : items;
}
