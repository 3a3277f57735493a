/** Tree items of the Similar Code view. */

import * as vscode from 'vscode';
import {
    describeKinship,
    formatLocation,
    formatNarrowLocation,
    formatPercent,
    getHitName,
    getShortHitName,
    type HitGroup,
    splitPath,
} from './format';
import { getDisplayPath, getUri } from './navigation';
import type { Hit } from './protocol';

const ICONS: Record<string, string> = {
    function: 'symbol-function',
    method: 'symbol-method',
    constructor: 'symbol-constructor',
    test: 'beaker',
    class: 'symbol-class',
    module: 'symbol-module',
};

export type TreeNode = HitGroup | Hit;

export function isHit(node: TreeNode): node is Hit {
    return 'location' in node;
}

export function createGroupItem(group: HitGroup): vscode.TreeItem {
    const isFile = group.key.includes(':');
    const [label, detail] = isFile ? splitPath(getDisplayPath(group.key)) : [group.key, describeKinship(group.key)];
    const item = new vscode.TreeItem(label, vscode.TreeItemCollapsibleState.Expanded);
    item.id = group.key;
    item.description = [group.hits.length, detail].filter(Boolean).join(' · ');
    if (isFile) {
        item.iconPath = vscode.ThemeIcon.File;
        item.resourceUri = vscode.Uri.parse(group.key);
    }
    item.contextValue = 'group';
    return item;
}

export function isGroupedByFile(): boolean {
    return vscode.workspace.getConfiguration('codekin').get('similar.groupBy') === 'file';
}

/** Create the item of a hit. It tells what its group does not: the kinship below a file, else the location. */
export function createHitItem(hit: Hit, isBelowFile: boolean): vscode.TreeItem {
    const item = new vscode.TreeItem(getShortHitName(hit));
    const displayPath = getDisplayPath(getUri(hit));
    const kinship = hit.kinship ?? 'similar';
    const line = hit.cell ? `cell ${hit.cell.index + 1}` : `line ${hit.selectionRange.start.line + 1}`;
    const detail = isBelowFile ? `${kinship} · ${line}` : formatNarrowLocation(hit, displayPath);
    item.description = `${formatPercent(hit.score)} · ${detail}`;
    item.iconPath = new vscode.ThemeIcon(ICONS[hit.kind] ?? 'code');
    item.contextValue = 'hit';
    item.command = { command: 'codekin.open', title: 'Open', arguments: [hit] };
    const label = [getHitName(hit), kinship, formatPercent(hit.score), formatLocation(hit, displayPath)].join(', ');
    item.accessibilityInformation = { label };
    return item;
}
