/** A search and its filters: by language, by folder, and without tests. */

import * as vscode from 'vscode';
import { formatCount } from './format';
import { type Answer, type Hit, REPORT, type Report, SEARCH } from './protocol';
import type { Server } from './server';

const TEST_FACTOR = 3; // hits to request for each that is shown, because tests are removed afterwards

export interface SearchFilter {
    language?: string;
    folder?: vscode.Uri;
    isWithoutTests?: boolean;
}

/** Search by meaning, and return the hits that the filter leaves. Throws what `Server.request` does. */
export async function sendSearch(
    server: Server,
    query: string,
    filter: SearchFilter,
    token: vscode.CancellationToken,
): Promise<Answer> {
    return filterAnswer(await server.request<Answer>(SEARCH, createSearchParams(query, filter), token), filter);
}

function createSearchParams(query: string, { language, folder, isWithoutTests }: SearchFilter): object {
    const limit = vscode.workspace.getConfiguration('codekin').get('search.limit', 10);
    return {
        query,
        ...(language && { language }),
        ...(folder && { folder: folder.toString() }),
        ...(isWithoutTests && { limit: TEST_FACTOR * limit }),
    };
}

/** Remove tests from an answer, if the filter says so. */
function filterAnswer(answer: Answer, { isWithoutTests }: SearchFilter): Answer {
    if (!isWithoutTests) {
        return answer;
    }
    const limit = vscode.workspace.getConfiguration('codekin').get('search.limit', 10);
    const hits = answer.hits.filter((hit: Hit) => hit.kind !== 'test').slice(0, limit);
    return { ...answer, hits };
}

/** Describe the filter for the title: "python, in lib, without tests". */
export function describeFilter({ language, folder, isWithoutTests }: SearchFilter): string {
    const folderText = folder && vscode.l10n.t('in {0}', vscode.workspace.asRelativePath(folder));
    return [language, folderText, isWithoutTests && vscode.l10n.t('without tests')].filter(Boolean).join(', ');
}

interface Choice<T> extends vscode.QuickPickItem {
    value: T | undefined;
}

async function choose<T>(title: string, anyLabel: string, choices: Choice<T>[]): Promise<{ value?: T } | undefined> {
    const any: Choice<T> = { label: anyLabel, value: undefined };
    const choice = await vscode.window.showQuickPick([any, ...choices], { title });
    return choice && (choice.value === undefined ? {} : { value: choice.value });
}

/** Ask for a language of the workspace. Return the filter, unchanged if the user cancels. */
export async function chooseLanguage(server: Server, filter: SearchFilter): Promise<SearchFilter> {
    const report = await server.request<Report | null>(REPORT).catch(() => null);
    const choices = (report?.languages ?? []).map(({ name, files }) => {
        return { label: name, description: formatCount(files, 'file'), value: name };
    });
    const choice = await choose(vscode.l10n.t('Search in which language?'), vscode.l10n.t('Any language'), choices);
    const { language: _, ...others } = filter;
    return choice ? { ...others, ...(choice.value && { language: choice.value }) } : filter;
}

/** Ask for a folder at the top of the workspace. Return the filter, unchanged if the user cancels. */
export async function chooseFolder(filter: SearchFilter): Promise<SearchFilter> {
    const choices = await listFolders();
    const choice = await choose(vscode.l10n.t('Search in which folder?'), vscode.l10n.t('Any folder'), choices);
    const { folder: _, ...others } = filter;
    return choice ? { ...others, ...(choice.value && { folder: choice.value }) } : filter;
}

async function listFolders(): Promise<Choice<vscode.Uri>[]> {
    const roots = vscode.workspace.workspaceFolders ?? [];
    const choices = await Promise.all(
        roots.map(async ({ uri }) => {
            const entries = await vscode.workspace.fs.readDirectory(uri);
            const folders = entries.filter(([, type]) => type === vscode.FileType.Directory);
            return folders.map(([name]) => vscode.Uri.joinPath(uri, name));
        }),
    );
    return choices.flat().map((folder) => ({ label: vscode.workspace.asRelativePath(folder), value: folder }));
}
