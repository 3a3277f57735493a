/** Duplicated functions, which the language client shows as diagnostics. */

import * as vscode from 'vscode';

const SETTING = 'duplicates.enabled';

export function registerDuplicates(): vscode.Disposable {
    const listener = vscode.languages.onDidChangeDiagnostics(({ uris }) => {
        if (uris.some(hasDuplicate)) {
            listener.dispose();
            void vscode.commands.executeCommand('setContext', 'codekin.hasDuplicates', true);
        }
    });
    return vscode.Disposable.from(
        listener,
        vscode.commands.registerCommand('codekin.reportDuplicates', reportDuplicates),
    );
}

function hasDuplicate(uri: vscode.Uri): boolean {
    return vscode.languages.getDiagnostics(uri).some(({ source }) => source === 'codekin');
}

/** Turn on the diagnostics, where that setting is defined, and show them. */
async function reportDuplicates(): Promise<void> {
    const configuration = vscode.workspace.getConfiguration('codekin');
    if (!configuration.get(SETTING)) {
        const isSetInWorkspace = configuration.inspect(SETTING)?.workspaceValue !== undefined;
        const target = isSetInWorkspace ? vscode.ConfigurationTarget.Workspace : vscode.ConfigurationTarget.Global;
        await configuration.update(SETTING, true, target);
    }
    await vscode.commands.executeCommand('workbench.actions.view.problems');
}
