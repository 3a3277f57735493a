/** Completions as ghost text: where they are wanted, and the switch in the status bar. The client does the rest. */

import * as vscode from 'vscode';

const KEY = 'completion.enabled';

/** Whether code may be suggested in this document: `codekin.completion.enabled`, which a language can override. */
export function mayComplete(document: vscode.TextDocument): boolean {
    return vscode.workspace.getConfiguration('codekin', document).get(KEY, true);
}

/** On or off everywhere, where the user has set it; a workspace's own word is changed where it is. */
async function toggle(): Promise<void> {
    const configuration = vscode.workspace.getConfiguration('codekin');
    const inWorkspace = configuration.inspect(KEY)?.workspaceValue !== undefined;
    const target = inWorkspace ? vscode.ConfigurationTarget.Workspace : vscode.ConfigurationTarget.Global;
    await configuration.update(KEY, !configuration.get(KEY, true), target);
    await hide();
}

async function toggleForLanguage(): Promise<void> {
    const document = vscode.window.activeTextEditor?.document;
    if (document) {
        const configuration = vscode.workspace.getConfiguration('codekin', document);
        await configuration.update(KEY, !mayComplete(document), vscode.ConfigurationTarget.Global, true);
        await hide();
    }
}

/** What is suggested right now was asked for before. */
async function hide(): Promise<void> {
    await vscode.commands.executeCommand('editor.action.inlineSuggest.hide');
}

export function registerGhost(): vscode.Disposable {
    const item = vscode.window.createStatusBarItem('codekin.ghost', vscode.StatusBarAlignment.Right, 99);
    item.name = 'codekin: completions';
    item.command = 'codekin.toggleCompletions';
    function show(): void {
        const editor = vscode.window.activeTextEditor;
        const on = editor ? mayComplete(editor.document) : true;
        item.text = on ? '$(sparkle) codekin' : '$(circle-slash) codekin';
        item.tooltip = `codekin: completions are ${on ? 'on' : 'off'} here. Click to turn them ${on ? 'off' : 'on'}.`;
        item.accessibilityInformation = { label: item.tooltip, role: 'button' };
        if (editor) {
            item.show();
        } else {
            item.hide();
        }
    }
    show();
    return vscode.Disposable.from(
        item,
        vscode.window.onDidChangeActiveTextEditor(show),
        vscode.workspace.onDidChangeConfiguration((event) => event.affectsConfiguration('codekin.completion') && show()),
        vscode.commands.registerCommand('codekin.toggleCompletions', toggle),
        vscode.commands.registerCommand('codekin.toggleCompletionsForLanguage', toggleForLanguage),
    );
}
