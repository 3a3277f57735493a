/** Tree items of the Similar Code view. */

import * as vscode from 'vscode';
import {
    describeKinship,
    formatBadge,
    formatLocation,
    formatNarrowLocation,
    getHitName,
    getKinshipLabel,
    getShortHitName,
    type HitGroup,
    splitPath,
} from './format';
import type { Kinship } from './generated';
import { formatPercent } from './l10n';
import { getDisplayPath, getUri } from './navigation';
import type { Answer, Hit } from './protocol';

const ICONS: Record<string, string> = {
    function: 'symbol-function',
    method: 'symbol-method',
    constructor: 'symbol-constructor',
    test: 'beaker',
    class: 'symbol-class',
    module: 'symbol-module',
};
const SCORE_SCHEME = 'codekin-score';
export const RESULTS_KEY = 'results';
export const WEAK_KEY = 'weaker matches';

/** The first row of the view: the code, or the words, of the query. */
export interface SourceNode {
    readonly source: Answer;
    readonly query?: string | undefined; // of a search in words
}

export type TreeNode = SourceNode | HitGroup | Hit;

export function isHit(node: TreeNode): node is Hit {
    return 'location' in node;
}

export function isSource(node: TreeNode): node is SourceNode {
    return 'source' in node;
}

export function getKindIcon(kind: string): vscode.ThemeIcon {
    return new vscode.ThemeIcon(ICONS[kind] ?? 'code');
}

/** Whether paths for display begin with the name of a root. */
export function hasSeveralRoots(): boolean {
    return (vscode.workspace.workspaceFolders?.length ?? 0) > 1;
}

/** Create the first row, "Similar to NAME (FILE:LINE)" or "Results for QUERY", which returns there. */
export function createSourceItem({ source, query }: SourceNode): vscode.TreeItem {
    if (query !== undefined) {
        const item = new vscode.TreeItem(vscode.l10n.t('Results for "{0}"', query));
        item.id = 'source';
        item.iconPath = new vscode.ThemeIcon('search');
        item.tooltip = vscode.l10n.t('Search again');
        item.contextValue = 'source';
        item.command = { command: 'codekin.similar.showSource', title: item.tooltip };
        return item;
    }
    const { asked, askedName } = source;
    const displayPath = asked ? getDisplayPath(asked.uri) : '';
    const line = (asked?.range.start.line ?? 0) + 1;
    const location = `${splitPath(displayPath)[0]}:${line}`;
    const code = askedName ? `${askedName} (${location})` : location;
    const item = new vscode.TreeItem(vscode.l10n.t('Similar to {0}', code));
    item.id = 'source';
    item.iconPath = new vscode.ThemeIcon('target');
    item.tooltip = vscode.l10n.t('Go back to {0}', `${displayPath}:${line}`);
    item.contextValue = 'source';
    item.command = { command: 'codekin.similar.showSource', title: item.tooltip };
    return item;
}

export function createGroupItem(group: HitGroup): vscode.TreeItem {
    const { Collapsed, Expanded } = vscode.TreeItemCollapsibleState;
    const isFile = group.key.includes(':');
    const [label, detail] = describeGroup(group.key);
    const item = new vscode.TreeItem(label, group.key === WEAK_KEY ? Collapsed : Expanded);
    item.id = group.key;
    item.description = [group.hits.length, detail].filter(Boolean).join(' · ');
    if (isFile) {
        item.iconPath = vscode.ThemeIcon.File;
        item.resourceUri = vscode.Uri.parse(group.key);
    }
    item.contextValue = 'group';
    return item;
}

/** Return the label of a group and what else is to say of it. */
function describeGroup(key: string): [label: string, detail: string] {
    if (key.includes(':')) {
        return splitPath(getDisplayPath(key));
    }
    if (key === WEAK_KEY || key === RESULTS_KEY) {
        return [key === WEAK_KEY ? vscode.l10n.t('Weaker matches') : vscode.l10n.t('Results'), ''];
    }
    return [getKinshipLabel(key as Kinship), describeKinship(key as Kinship)];
}

export function isGroupedByFile(): boolean {
    return vscode.workspace.getConfiguration('codekin').get('similar.groupBy') === 'file';
}

/** Create the item of a hit. It tells what its group does not: the kinship below a file, else the location. */
export function createHitItem(hit: Hit, id: string, isBelowFile: boolean): vscode.TreeItem {
    const item = new vscode.TreeItem(getShortHitName(hit));
    item.id = id;
    const displayPath = getDisplayPath(getUri(hit));
    const kinship = getKinshipLabel(hit.kinship ?? 'similar');
    const line = hit.cell
        ? vscode.l10n.t('cell {0}', hit.cell.index + 1)
        : vscode.l10n.t('line {0}', hit.selectionRange.start.line + 1);
    item.description = isBelowFile ? `${kinship} · ${line}` : formatNarrowLocation(hit, displayPath, hasSeveralRoots());
    item.iconPath = getKindIcon(hit.kind);
    item.resourceUri = vscode.Uri.from({ scheme: SCORE_SCHEME, path: `/${hit.score}` });
    item.contextValue = 'hit';
    // Without arguments: VS Code forgets a command's arguments when the tree changes, and a click might come just then.
    item.command = { command: 'codekin.preview', title: vscode.l10n.t('Show') };
    const label = [getHitName(hit), kinship, formatPercent(hit.score), formatLocation(hit, displayPath)].join(', ');
    item.accessibilityInformation = { label };
    return item;
}

/** Shows the score of a hit as a badge at the right, which is never cut off. */
const scoreProvider: vscode.FileDecorationProvider = {
    provideFileDecoration({ scheme, path }) {
        if (scheme !== SCORE_SCHEME) {
            return undefined;
        }
        const score = Number(path.slice(1));
        return new vscode.FileDecoration(formatBadge(score), vscode.l10n.t('Score: {0}', formatPercent(score)));
    },
};

export function registerScores(): vscode.Disposable {
    return vscode.window.registerFileDecorationProvider(scoreProvider);
}
