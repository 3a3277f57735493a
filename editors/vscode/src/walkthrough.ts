/**
 * Ticks the walkthrough's steps. VS Code never ticks a step whose context key was set before it loaded the walkthrough,
 * which it does when that is first shown. So each step also waits for a key that is set some time afterwards.
 */

import * as vscode from 'vscode';

const KEY = 'codekin.walkthroughIsLoaded';
const DELAY_MS = 6_000; // VS Code takes up to 5 s to load a walkthrough

export function registerWalkthrough(extensionId: string): vscode.Disposable {
    let timer: NodeJS.Timeout | undefined;
    const setKey = (value: boolean): unknown => vscode.commands.executeCommand('setContext', KEY, value);
    const update = (): void => {
        void setKey(false);
        clearTimeout(timer);
        timer = setTimeout(() => void setKey(true), DELAY_MS);
    };
    update();
    return vscode.Disposable.from(
        { dispose: () => clearTimeout(timer) },
        vscode.window.tabGroups.onDidChangeTabs(({ opened }) => {
            // VS Code tells an extension nothing else of a tab that shows a walkthrough.
            if (opened.some((tab) => tab.input === undefined)) {
                update();
            }
        }),
        vscode.commands.registerCommand('codekin.openWalkthrough', () =>
            vscode.commands.executeCommand('workbench.action.openWalkthrough', `${extensionId}#start`),
        ),
    );
}
