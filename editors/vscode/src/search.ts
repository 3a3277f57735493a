/** Search by meaning: a list that answers as a person types, and shows where while they move. */

import * as vscode from 'vscode';
import { cellOf, open, show, shown, uriOf } from './open';
import { SEARCH, type Answer, type Hit } from './protocol';
import type { Server } from './server';
import { nameOf, narrowPlaceOf, percent, remark } from './wording';

const QUIET_MS = 120; // no key for so long: ask
const REMEMBERED = 20;
const HISTORY = 'codekin.history';
const BESIDE: vscode.QuickInputButton = { iconPath: new vscode.ThemeIcon('split-horizontal'), tooltip: 'Open to the Side' };

interface Item extends vscode.QuickPickItem {
    hit?: Hit;
    query?: string; // one that was asked before
}

/** The newest first, each once. */
export function remembered(history: readonly string[], query: string): string[] {
    return [query, ...history.filter((each) => each !== query)].slice(0, REMEMBERED);
}

export class Search {
    private picker: vscode.QuickPick<Item> | undefined;
    private running: vscode.CancellationTokenSource | undefined;
    private timer: NodeJS.Timeout | undefined;

    constructor(
        private readonly server: Server,
        private readonly memory: vscode.Memento,
    ) {}

    /** What the list shows now; for those who look on. */
    get items(): readonly Item[] {
        return this.picker?.items ?? [];
    }

    show(query = ''): void {
        const origin = vscode.window.activeTextEditor;
        const picker = (this.picker = vscode.window.createQuickPick<Item>());
        let isElsewhere = false; // a preview is shown in the place of what was there
        picker.title = 'codekin: Search by Meaning';
        picker.placeholder = 'What does the code do? In words, or in code';
        picker.onDidChangeValue((value) => this.typed(value));
        picker.onDidChangeActive(([item]) => {
            if (item?.hit) {
                isElsewhere = true;
                void open(item.hit, { preview: true, preserveFocus: true });
            }
        });
        picker.onDidTriggerItemButton(({ item }) => {
            if (item.hit) {
                isElsewhere = false;
                this.go(item.hit, vscode.ViewColumn.Beside);
            }
        });
        picker.onDidAccept(() => {
            const [item] = picker.activeItems;
            if (item?.query) {
                picker.value = item.query;
                this.typed(item.query);
            } else if (item?.hit) {
                isElsewhere = false;
                this.go(item.hit, vscode.ViewColumn.Active);
            }
        });
        picker.onDidHide(() => {
            this.forget();
            picker.dispose();
            if (isElsewhere && origin) {
                const { document, viewColumn, selection } = origin;
                const cell = cellOf(document.uri);
                void (cell ? show(cell) : vscode.window.showTextDocument(document, { viewColumn, selection }));
            }
        });
        picker.value = query;
        this.typed(query);
        picker.show();
    }

    hide(): void {
        this.picker?.hide();
    }

    private go(hit: Hit, viewColumn: vscode.ViewColumn): void {
        const query = this.picker?.value.trim();
        if (query) {
            void this.memory.update(HISTORY, remembered(this.history, query));
        }
        void open(hit, { viewColumn, preview: false });
        this.picker?.hide();
    }

    private get history(): string[] {
        return this.memory.get<string[]>(HISTORY, []);
    }

    private typed(value: string): void {
        clearTimeout(this.timer);
        this.running?.cancel();
        if (!this.picker) {
            return;
        }
        if (!value.trim()) {
            this.picker.busy = false;
            this.picker.items = this.history.map((query) => ({ label: query, query, iconPath: new vscode.ThemeIcon('history') }));
            return;
        }
        this.picker.busy = true;
        this.timer = setTimeout(() => void this.ask(value.trim()), QUIET_MS);
    }

    private async ask(query: string): Promise<void> {
        const running = (this.running = new vscode.CancellationTokenSource());
        try {
            const answer = await this.server.ask<Answer>(SEARCH, { query }, running.token);
            this.fill(running, itemsOf(answer));
        } catch (error) {
            if (!(error instanceof vscode.CancellationError)) {
                const label = error instanceof Error ? error.message : String(error);
                this.fill(running, [{ label, alwaysShow: true, iconPath: new vscode.ThemeIcon('error') }]);
            }
        }
    }

    private fill(running: vscode.CancellationTokenSource, items: Item[]): void {
        if (this.picker && running === this.running && !running.token.isCancellationRequested) {
            this.picker.items = items;
            this.picker.busy = false;
        }
    }

    private forget(): void {
        clearTimeout(this.timer);
        this.running?.cancel();
        this.picker = undefined;
    }
}

/** VS Code would leave out what does not have the words in it: `alwaysShow`. */
function itemsOf(answer: Answer): Item[] {
    const items: Item[] = answer.hits.map((hit) => ({
        label: nameOf(hit),
        description: `${percent(hit.score)} · ${narrowPlaceOf(hit, shown(uriOf(hit)))}`,
        detail: hit.why,
        alwaysShow: true,
        buttons: [BESIDE],
        hit,
    }));
    const note = remark(items.length, answer.coverage, 'Nothing found.');
    return note ? [...items, { label: note, alwaysShow: true, iconPath: new vscode.ThemeIcon('info') }] : items;
}
