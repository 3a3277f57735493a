/** How a hit and its group stand in the view. */

import * as vscode from 'vscode';
import { shown, uriOf } from './open';
import type { Hit } from './protocol';
import { meaning, nameOf, narrowPlaceOf, parted, percent, placeOf, shortNameOf, type Group } from './wording';

const ICONS: Record<string, string> = {
    function: 'symbol-function',
    method: 'symbol-method',
    constructor: 'symbol-constructor',
    test: 'beaker',
    class: 'symbol-class',
    module: 'symbol-module',
};

export type Node = Group | Hit;

export function isHit(node: Node): node is Hit {
    return 'location' in node;
}

export function groupItem(group: Group): vscode.TreeItem {
    const isFile = group.key.includes(':');
    const [file, folder] = isFile ? parted(shown(group.key)) : [group.key, meaning(group.key)];
    const item = new vscode.TreeItem(file, vscode.TreeItemCollapsibleState.Expanded);
    item.id = group.key;
    item.description = [group.hits.length, folder].filter(Boolean).join(' · ');
    if (isFile) {
        item.iconPath = vscode.ThemeIcon.File;
        item.resourceUri = vscode.Uri.parse(group.key);
    }
    item.contextValue = 'group';
    return item;
}

export function isByFile(): boolean {
    return vscode.workspace.getConfiguration('codekin').get('similar.groupBy') === 'file';
}

/** What its group does not say: among its file's hits how it is kin, else where it is. */
export function hitItem(hit: Hit, isBelowFile: boolean): vscode.TreeItem {
    const item = new vscode.TreeItem(shortNameOf(hit));
    const line = hit.cell ? `cell ${hit.cell.index + 1}` : `line ${hit.selectionRange.start.line + 1}`;
    const rest = isBelowFile ? `${hit.kinship ?? 'similar'} · ${line}` : narrowPlaceOf(hit, shown(uriOf(hit)));
    item.description = `${percent(hit.score)} · ${rest}`;
    item.iconPath = new vscode.ThemeIcon(ICONS[hit.kind] ?? 'code');
    item.contextValue = 'hit';
    item.command = { command: 'codekin.open', title: 'Open', arguments: [hit] };
    const label = `${nameOf(hit)}, ${hit.kinship ?? 'similar'}, ${percent(hit.score)}, ${placeOf(hit, shown(uriOf(hit)))}`;
    item.accessibilityInformation = { label };
    return item;
}
