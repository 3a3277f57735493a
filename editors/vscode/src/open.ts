/** Hits and places in the editor. */

import * as vscode from 'vscode';
import type { Hit } from './protocol';
import type { Span } from './spans';

export function rangeOf({ start, end }: Span): vscode.Range {
    return new vscode.Range(start.line, start.character, end.line, end.character);
}

export function uriOf(hit: Hit): vscode.Uri {
    return vscode.Uri.parse(hit.location.uri);
}

export function locationOf(hit: Hit): vscode.Location {
    return new vscode.Location(uriOf(hit), rangeOf(hit.selectionRange));
}

/** The file as it is shown: seen from the workspace's folder. */
export function shown(uri: vscode.Uri | string): string {
    return vscode.workspace.asRelativePath(typeof uri === 'string' ? vscode.Uri.parse(uri) : uri);
}

export async function open(hit: Hit, options: vscode.TextDocumentShowOptions = {}): Promise<void> {
    await vscode.window.showTextDocument(uriOf(hit), { selection: rangeOf(hit.selectionRange), ...options });
}
