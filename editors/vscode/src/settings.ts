/** Settings: the extension's own, and those that are passed on to the server. */

import * as vscode from 'vscode';

export type Groups = Record<string, Record<string, unknown>>;

/** A setting of the server. Whatever costs the machine something, or names a path or a model, is the user's own. */
export interface Key {
    readonly name: string;
    readonly isUsersOwn: boolean;
}

type Properties = Record<string, { scope?: string }>;

/** The settings in package.json that the server has: its first section is the extension's own. */
export function serverKeys(packageJson: { contributes: { configuration: { properties: Properties }[] } }): Key[] {
    const sections = packageJson.contributes.configuration.slice(1);
    return sections.flatMap(({ properties }) =>
        Object.entries(properties).map(([key, { scope }]) => ({
            name: key.replace(/^codekin\./, ''),
            isUsersOwn: scope === 'machine',
        })),
    );
}

export class Settings {
    constructor(private readonly keys: readonly Key[]) {}

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

    /** Whether another server, or the same one started anew, is needed: the user's own settings are told once. */
    needsRestart(event: vscode.ConfigurationChangeEvent): boolean {
        const own = this.keys.filter(({ isUsersOwn }) => isUsersOwn).map(({ name }) => name);
        return ['path', ...own].some((name) => event.affectsConfiguration(`codekin.${name}`));
    }

    private read(own: boolean): Groups {
        const configuration = vscode.workspace.getConfiguration('codekin');
        const groups: Groups = {};
        for (const { name, isUsersOwn } of this.keys) {
            const [group = '', leaf = ''] = name.split('.');
            const seen = configuration.inspect(name);
            const value = own ? seen?.globalValue : (seen?.workspaceFolderValue ?? seen?.workspaceValue ?? seen?.globalValue);
            if (isUsersOwn === own && value !== undefined) {
                (groups[group] ??= {})[leaf] = value;
            }
        }
        return groups;
    }
}

/** Those that name a program, a path or a model are the machine's: of a remote one, the user's own page has none. */
export async function openSettings(query: string): Promise<void> {
    const page = vscode.env.remoteName ? 'openRemoteSettings' : 'openSettings';
    await vscode.commands.executeCommand(`workbench.action.${page}`, { query });
}
