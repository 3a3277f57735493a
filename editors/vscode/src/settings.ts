/** Settings: the extension's own, and those that are passed on to the server. */

import * as vscode from 'vscode';

export type Groups = Record<string, Record<string, unknown>>;

/** Whatever names a path, a model or spends what all workspaces share: told once, and only as the user has it. */
const USERS_OWN: readonly string[] = ['cache', 'model'];

/** The keys in package.json that the server has: its first section is the extension's own. */
export function serverKeys(packageJson: { contributes: { configuration: { properties: object }[] } }): string[] {
    const sections = packageJson.contributes.configuration.slice(1);
    return sections.flatMap(({ properties }) => Object.keys(properties).map((key) => key.replace(/^codekin\./, '')));
}

export class Settings {
    constructor(private readonly keys: readonly string[]) {}

    /** What somebody set, to answer the server with: what nobody set may stand in the user's config.toml. */
    chosen(): Groups {
        const groups = this.read(false);
        // Whether code is suggested differs by language, which the server does not know: it is held back here instead.
        groups['completion'] = { ...groups['completion'], enabled: true };
        return groups;
    }

    /** What only the user can say. */
    usersOwn(): Groups {
        return this.read(true);
    }

    private read(own: boolean): Groups {
        const configuration = vscode.workspace.getConfiguration('codekin');
        const groups: Groups = {};
        for (const key of this.keys) {
            const [group = '', leaf = ''] = key.split('.');
            const seen = configuration.inspect(key);
            const value = own ? seen?.globalValue : (seen?.workspaceFolderValue ?? seen?.workspaceValue ?? seen?.globalValue);
            if (USERS_OWN.includes(group) === own && value !== undefined) {
                (groups[group] ??= {})[leaf] = value;
            }
        }
        return groups;
    }
}

/** Whether another server, or the same one started anew, is needed. */
export function needsRestart(event: vscode.ConfigurationChangeEvent): boolean {
    return ['path', ...USERS_OWN].some((key) => event.affectsConfiguration(`codekin.${key}`));
}

/** Those that name a program, a path or a model are the machine's: of a remote one, the user's own page has none. */
export async function openSettings(query: string): Promise<void> {
    const page = vscode.env.remoteName ? 'openRemoteSettings' : 'openSettings';
    await vscode.commands.executeCommand(`workbench.action.${page}`, { query });
}
