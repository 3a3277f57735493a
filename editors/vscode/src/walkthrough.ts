/**
 * Ticks the walkthrough's steps. VS Code never ticks a step whose context key was set before it loaded the walkthrough,
 * which it may do long before it shows it. So each step also waits for a key that, while a walkthrough may be shown, is
 * set for a moment again and again: at any other time it is found unset.
 */

import * as vscode from 'vscode';

const KEY = 'codekin.walkthroughTick';
const INTERVAL_MS = 1_000;

export function registerWalkthrough(extensionId: string): vscode.Disposable {
    let timer: NodeJS.Timeout | undefined;
    const update = (): void => {
        clearInterval(timer);
        timer = mayShowWalkthrough() ? setInterval(setKeyForMoment, INTERVAL_MS) : undefined;
    };
    update();
    return vscode.Disposable.from(
        { dispose: () => clearInterval(timer) },
        vscode.window.tabGroups.onDidChangeTabs(update),
        vscode.commands.registerCommand('codekin.openWalkthrough', () =>
            vscode.commands.executeCommand('workbench.action.openWalkthrough', `${extensionId}#start`),
        ),
    );
}

/** Whether a tab may show a walkthrough: VS Code tells extensions nothing of what is in such a tab. */
function mayShowWalkthrough(): boolean {
    return vscode.window.tabGroups.all.some(({ tabs }) => tabs.some(({ input }) => input === undefined));
}

function setKeyForMoment(): void {
    for (const value of [true, false]) {
        void vscode.commands.executeCommand('setContext', KEY, value);
    }
}
