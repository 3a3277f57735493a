/** The Python interpreter selected in the Python extension, if that is installed. */

import * as vscode from 'vscode';

interface PythonApi {
    environments?: {
        getActiveEnvironmentPath(resource?: vscode.Uri): { path: string };
        resolveEnvironment(path: { path: string }): Promise<{ executable: { uri?: vscode.Uri } } | undefined>;
        onDidChangeActiveEnvironmentPath: vscode.Event<unknown>;
    };
}

const TIMEOUT_MS = 5_000; // the other extension may fail, or never answer

/** Return the selected interpreter; undefined if there is none, or the workspace, which may contain it, is untrusted. */
export async function getSelectedInterpreter(): Promise<string | undefined> {
    if (!vscode.workspace.isTrusted) {
        return undefined;
    }
    return withTimeout(async () => {
        const environments = (await getPythonApi())?.environments;
        const active = environments?.getActiveEnvironmentPath(vscode.workspace.workspaceFolders?.[0]?.uri);
        return active && (await environments?.resolveEnvironment(active))?.executable.uri?.fsPath;
    });
}

/** Call the listener whenever another interpreter is selected. */
export async function onInterpreterChange(listener: () => void): Promise<vscode.Disposable | undefined> {
    const environments = await withTimeout(async () => (await getPythonApi())?.environments);
    return environments?.onDidChangeActiveEnvironmentPath(listener);
}

async function getPythonApi(): Promise<PythonApi | undefined> {
    return vscode.extensions.getExtension<PythonApi>('ms-python.python')?.activate();
}

/** Return undefined if the request fails or takes too long. */
async function withTimeout<T>(request: () => Promise<T | undefined>): Promise<T | undefined> {
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<undefined>((resolve) => {
        timer = setTimeout(() => resolve(undefined), TIMEOUT_MS);
    });
    try {
        return await Promise.race([request(), timeout]);
    } catch {
        return undefined;
    } finally {
        clearTimeout(timer);
    }
}
