/** The window under test: the running extension, and what tests of several features do in it. */

import * as assert from 'node:assert/strict';
import * as vscode from 'vscode';
import type { ExtensionApi } from '../../src/extension';
import type { Hit } from '../../src/protocol';

const TIMEOUT_MS = 60_000; // far more than any condition needs

/** Describes the extension's state in the message of a failed test. */
export const diagnostics = { describe: (): string => '' };

/** Wait until the condition returns a truthy value, and return that. */
export async function waitFor<T>(
    description: string,
    condition: () => T | Thenable<T>,
): Promise<Exclude<T, false | null | undefined>> {
    const deadline = Date.now() + TIMEOUT_MS;
    for (;;) {
        const value = await condition();
        if (value) {
            return value as Exclude<T, false | null | undefined>;
        }
        assert.ok(Date.now() < deadline, `Timed out waiting for ${description}; ${diagnostics.describe()}`);
        await new Promise((resolve) => setTimeout(resolve, 30));
    }
}

export let api: ExtensionApi;
export let root: vscode.Uri;

/** Activate the extension and wait until the workspace is indexed. */
export async function startExtension(): Promise<void> {
    root = vscode.workspace.workspaceFolders?.[0]?.uri as vscode.Uri;
    const extension = vscode.extensions.all.find((candidate) => candidate.packageJSON.name === 'codekin');
    assert.ok(extension, 'the extension is installed');
    api = (await extension.activate()) as ExtensionApi;
    diagnostics.describe = () => JSON.stringify([api.server.state, api.server.status]);
    await api.started;
    await waitFor('the index', () => api.server.status?.state === 'ready' && api.server.status.files > 2);
}

/** Open a file with the cursor on this line, counted from 0. */
export async function openAt(name: string, line: number): Promise<vscode.TextEditor> {
    const selection = new vscode.Range(line, 4, line, 4);
    return vscode.window.showTextDocument(vscode.Uri.joinPath(root, name), { selection });
}

/** Repeat the search for similar code until it has a hit with this name. */
export async function findSimilarHit(name: string): Promise<Hit> {
    return waitFor(`the hit ${name}`, async () => {
        await vscode.commands.executeCommand('codekin.findSimilar');
        return api.similar.answer?.hits.find((hit) => hit.name === name);
    });
}

export function listShownHits(): Hit[] {
    return api.similar.getChildren().flatMap((group) => api.similar.getChildren(group)) as Hit[];
}
