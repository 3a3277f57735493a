/** Switches for completions shown as ghost text. The language client requests and shows them. */

import * as vscode from 'vscode';

const SETTING = 'completion.enabled';

/** Whether completions are enabled for this document: `codekin.completion.enabled`, which a language can override. */
export function areCompletionsEnabled(document: vscode.TextDocument): boolean {
    return vscode.workspace.getConfiguration('codekin', document).get(SETTING, true);
}

/** Toggle completions where the setting is defined: in the workspace, or else for the user. */
async function toggleCompletions(): Promise<void> {
    const configuration = vscode.workspace.getConfiguration('codekin');
    const isSetInWorkspace = configuration.inspect(SETTING)?.workspaceValue !== undefined;
    const target = isSetInWorkspace ? vscode.ConfigurationTarget.Workspace : vscode.ConfigurationTarget.Global;
    await configuration.update(SETTING, !configuration.get(SETTING, true), target);
    await hideSuggestion();
}

async function toggleCompletionsForLanguage(): Promise<void> {
    const document = vscode.window.activeTextEditor?.document;
    if (!document) {
        await vscode.window.showInformationMessage(vscode.l10n.t('Open a file of the language first.'));
    } else {
        const configuration = vscode.workspace.getConfiguration('codekin', document);
        const isEnabled = areCompletionsEnabled(document);
        await configuration.update(SETTING, !isEnabled, vscode.ConfigurationTarget.Global, true);
        await hideSuggestion();
    }
}

/** Hide the suggestion that was requested before the change. */
async function hideSuggestion(): Promise<void> {
    await vscode.commands.executeCommand('editor.action.inlineSuggest.hide');
}

export function registerCompletions(): vscode.Disposable {
    return vscode.Disposable.from(
        vscode.commands.registerCommand('codekin.toggleCompletions', toggleCompletions),
        vscode.commands.registerCommand('codekin.toggleCompletionsForLanguage', toggleCompletionsForLanguage),
    );
}
