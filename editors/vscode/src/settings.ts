/** Settings: the extension's own, and those passed on to the server. */

import * as vscode from 'vscode';

/** Values by group and name, as in `{ search: { limit: 10 } }`. */
export type SettingGroups = Record<string, Record<string, unknown>>;

/** A setting of the server. User settings name a program, a path or a model, or cost the machine something. */
export interface ServerSetting {
    readonly name: string;
    readonly isUserSetting: boolean;
}

type Properties = Record<string, { scope?: string }>;

/** List the server's settings in package.json: all sections but the first, which is the extension's own. */
export function listServerSettings(packageJson: {
    contributes: { configuration: { properties: Properties }[] };
}): ServerSetting[] {
    const sections = packageJson.contributes.configuration.slice(1);
    return sections.flatMap(({ properties }) =>
        Object.entries(properties).map(([key, { scope }]) => ({
            name: key.replace(/^codekin\./, ''),
            isUserSetting: scope === 'machine',
        })),
    );
}

export class Settings {
    constructor(private readonly serverSettings: readonly ServerSetting[]) {}

    /** Read the settings a workspace may define, only where someone set them: config.toml may set the others. */
    readWorkspaceSettings(): SettingGroups {
        const groups = this.readGroups(false);
        // Completions can be disabled by language, which the server does not know: the extension filters them.
        groups['completion'] = { ...groups['completion'], enabled: true };
        return groups;
    }

    /** Read the settings that only the user may define. */
    readUserSettings(): SettingGroups {
        return this.readGroups(true);
    }

    /** Whether the server must be restarted: user settings are sent only when it starts. */
    needsRestart(event: vscode.ConfigurationChangeEvent): boolean {
        const userSettings = this.serverSettings.filter(({ isUserSetting }) => isUserSetting).map(({ name }) => name);
        return ['path', ...userSettings].some((name) => event.affectsConfiguration(`codekin.${name}`));
    }

    private readGroups(isUser: boolean): SettingGroups {
        const configuration = vscode.workspace.getConfiguration('codekin');
        const groups: SettingGroups = {};
        for (const { name, isUserSetting } of this.serverSettings) {
            const [group = '', leaf = ''] = name.split('.');
            const values = configuration.inspect(name);
            const workspaceValue = values?.workspaceFolderValue ?? values?.workspaceValue;
            const value = isUser ? values?.globalValue : (workspaceValue ?? values?.globalValue);
            if (isUserSetting === isUser && value !== undefined) {
                groups[group] = { ...groups[group], [leaf]: value };
            }
        }
        return groups;
    }
}

/** Open the settings editor. Machine settings of a remote machine are only on its own page. */
export async function openSettings(query: string): Promise<void> {
    const command = vscode.env.remoteName ? 'openRemoteSettings' : 'openSettings';
    await vscode.commands.executeCommand(`workbench.action.${command}`, { query });
}
