/** Previews of hits while a list has the focus. */

import * as vscode from 'vscode';
import { findCell, previewHit, showCell } from './navigation';
import type { Hit } from './protocol';

/** Shows hits in preview editors, one at a time, and restores the editor that was active before. */
export class HitPreview {
    private readonly original = captureActiveEditor();
    private readonly originalTabs = new Set(listTabKeys());
    private latest: Hit | undefined;
    private work: Promise<void> | undefined;
    private isDiscarded = false;
    private hasShown = false;

    /** Show a hit; of several that wait, only the latest is shown. */
    show(hit: Hit): void {
        this.latest = hit;
        this.work ??= this.showLatest().finally(() => {
            this.work = undefined;
        });
    }

    /** Keep what is shown. */
    discard(): void {
        this.isDiscarded = true;
        this.latest = undefined;
    }

    /** Wait until nothing is being opened. */
    async settle(): Promise<void> {
        await this.work;
    }

    /** Close the preview and show the original editor as it was. */
    async restore(): Promise<void> {
        this.latest = undefined;
        await this.settle();
        if (this.isDiscarded || !this.hasShown) {
            return;
        }
        if (this.original) {
            await restoreEditor(this.original); // which may replace the preview
        }
        const previews = listTabs().filter((tab) => tab.isPreview && !this.originalTabs.has(getTabKey(tab)));
        await Promise.allSettled(previews.map((tab) => vscode.window.tabGroups.close(tab, true)));
    }

    private async showLatest(): Promise<void> {
        while (this.latest) {
            const hit = this.latest;
            this.latest = undefined;
            this.hasShown = true;
            try {
                await previewHit(hit);
            } catch {
                // The file was deleted, or another editor was opened meanwhile.
            }
        }
    }
}

function listTabs(): vscode.Tab[] {
    return vscode.window.tabGroups.all.flatMap((group) => group.tabs);
}

function listTabKeys(): string[] {
    return listTabs().map(getTabKey);
}

function getTabKey({ input, label, group }: vscode.Tab): string {
    const uri =
        input instanceof vscode.TabInputText || input instanceof vscode.TabInputNotebook ? input.uri : undefined;
    return `${group.viewColumn}:${uri?.toString() ?? label}`;
}

/** What a text editor showed. VS Code changes its editor objects when another document takes their place. */
interface EditorState {
    readonly document: vscode.TextDocument;
    readonly viewColumn: vscode.ViewColumn | undefined;
    readonly selection: vscode.Selection;
    readonly visibleRange: vscode.Range | undefined;
}

function captureActiveEditor(): EditorState | undefined {
    const editor = vscode.window.activeTextEditor;
    if (!editor) {
        return undefined;
    }
    const { document, viewColumn, selection, visibleRanges } = editor;
    return { document, viewColumn, selection, visibleRange: visibleRanges[0] };
}

/** Show the document, selection and scroll position that were captured again. */
async function restoreEditor({ document, viewColumn, selection, visibleRange }: EditorState): Promise<void> {
    const cell = findCell(document.uri);
    if (cell) {
        return showCell(cell);
    }
    const restored = await vscode.window.showTextDocument(document, { ...(viewColumn && { viewColumn }), selection });
    restored.selection = selection; // with its direction
    if (visibleRange) {
        restored.revealRange(visibleRange, vscode.TextEditorRevealType.AtTop);
    }
}
