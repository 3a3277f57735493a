/** The Python that is selected for the workspace, where the Python extension is there to be asked. */

import * as vscode from 'vscode';

interface PythonApi {
    environments?: {
        getActiveEnvironmentPath(resource?: vscode.Uri): { path: string };
        resolveEnvironment(path: { path: string }): Promise<{ executable: { uri?: vscode.Uri } } | undefined>;
        onDidChangeActiveEnvironmentPath: vscode.Event<unknown>;
    };
}

const PATIENCE_MS = 5_000;

/** Undefined where there is none, or in a workspace that is not trusted, for it may be the workspace's own program. */
export async function selectedInterpreter(): Promise<string | undefined> {
    if (!vscode.workspace.isTrusted) {
        return undefined;
    }
    return withinPatience(async () => {
        const environments = (await pythonApi())?.environments;
        const active = environments?.getActiveEnvironmentPath(vscode.workspace.workspaceFolders?.[0]?.uri);
        return active && (await environments?.resolveEnvironment(active))?.executable.uri?.fsPath;
    });
}

/** Calls back whenever another one is selected. */
export async function onInterpreterChange(changed: () => void): Promise<vscode.Disposable | undefined> {
    const environments = await withinPatience(async () => (await pythonApi())?.environments);
    return environments?.onDidChangeActiveEnvironmentPath(changed);
}

async function pythonApi(): Promise<PythonApi | undefined> {
    return vscode.extensions.getExtension<PythonApi>('ms-python.python')?.activate();
}

/** Another extension may fail or never answer; then there is no interpreter. */
async function withinPatience<T>(ask: () => Promise<T | undefined>): Promise<T | undefined> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<undefined>((resolve) => (timer = setTimeout(() => resolve(undefined), PATIENCE_MS)));
    try {
        return await Promise.race([ask(), late]);
    } catch {
        return undefined;
    } finally {
        clearTimeout(timer);
    }
}
