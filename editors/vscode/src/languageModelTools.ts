/** Tools for the editor's agents: search, similar code, "does this exist already?", and the MCP server with the rest. */

import * as vscode from 'vscode';
import { getIsolatedOptions } from './isolation';
import { getDisplayPath } from './navigation';
import { ALREADY_EXISTS, type Answer, type ExistenceAnswer, FIND_SIMILAR, SEARCH } from './protocol';
import type { Server } from './server';
import { formatAnswerText, formatExistenceText } from './toolText';

export const MCP_PROVIDER = 'codekin.mcp';

interface SearchInput {
    query: string;
    language?: string;
    limit?: number;
}

interface SimilarInput {
    path?: string;
    line?: number; // from 1
    code?: string;
    language?: string;
    limit?: number;
}

interface ExistenceInput {
    code?: string;
    description?: string;
    language?: string;
}

type Call<T> = (server: Server, input: T, token: vscode.CancellationToken) => Promise<string>;

/** An MCP server that the editor starts; VS Code has the class since 1.101. */
export interface McpServerDefinition {
    label: string;
    command: string;
    args: string[];
    cwd?: vscode.Uri;
    env: Record<string, string | number | null>;
    version?: string;
}

interface McpApi {
    lm: {
        registerMcpServerDefinitionProvider(
            id: string,
            provider: { provideMcpServerDefinitions(): Promise<McpServerDefinition[]> },
        ): vscode.Disposable;
    };
    McpStdioServerDefinition: new (
        label: string,
        command: string,
        args: string[],
        env: McpServerDefinition['env'],
        version: string,
    ) => McpServerDefinition;
}

/** Register the tools and the MCP server, as far as this editor has the interfaces: forks and older ones may not. */
export function registerLanguageModelTools(server: Server): vscode.Disposable {
    const registrations: vscode.Disposable[] = [];
    if (typeof vscode.lm?.registerTool === 'function') {
        registrations.push(
            vscode.lm.registerTool('codekin_search', createTool(server, search)),
            vscode.lm.registerTool('codekin_findSimilar', createTool(server, findSimilar)),
            vscode.lm.registerTool('codekin_alreadyExists', createTool(server, findExisting)),
        );
    }
    const api = vscode as unknown as Partial<McpApi>;
    if (api.McpStdioServerDefinition && typeof api.lm?.registerMcpServerDefinitionProvider === 'function') {
        try {
            const provider = { provideMcpServerDefinitions: () => listMcpServers(server) };
            registrations.push(api.lm.registerMcpServerDefinitionProvider(MCP_PROVIDER, provider));
        } catch (error) {
            server.log.info(`The editor has no MCP servers of extensions yet: ${String(error)}`); // 1.100
        }
    }
    return vscode.Disposable.from(...registrations);
}

/** Errors reach the model as they are: they name the remedy. */
function createTool<T>(server: Server, call: Call<T>): vscode.LanguageModelTool<T> {
    return {
        invoke: async ({ input }, token) => {
            const text = await call(server, input, token);
            return new vscode.LanguageModelToolResult([new vscode.LanguageModelTextPart(text)]);
        },
    };
}

async function search(server: Server, input: SearchInput, token: vscode.CancellationToken): Promise<string> {
    return formatAnswerText(await server.request<Answer>(SEARCH, input, token), getDisplayPath);
}

async function findSimilar(server: Server, input: SimilarInput, token: vscode.CancellationToken): Promise<string> {
    const { path, line, code, language, limit } = input;
    if (code === undefined && (path === undefined || line === undefined)) {
        throw new Error('Pass path and line, or code.');
    }
    const query =
        code === undefined
            ? { textDocument: { uri: toUri(path ?? '').toString() }, position: { line: (line ?? 1) - 1, character: 0 } }
            : { text: code, language };
    return formatAnswerText(await server.request<Answer>(FIND_SIMILAR, { ...query, limit }, token), getDisplayPath);
}

async function findExisting(server: Server, input: ExistenceInput, token: vscode.CancellationToken): Promise<string> {
    return formatExistenceText(await server.request<ExistenceAnswer>(ALREADY_EXISTS, input, token), getDisplayPath);
}

/** Return the file of a path that is relative to a workspace folder, whose name may come first. */
function toUri(path: string): vscode.Uri {
    const folders = vscode.workspace.workspaceFolders ?? [];
    const [first] = folders;
    if (!first || /^([A-Za-z]:)?[\\/]/.test(path)) {
        return vscode.Uri.file(path);
    }
    const named = folders.find(({ name }) => folders.length > 1 && path.startsWith(`${name}/`));
    return named
        ? vscode.Uri.joinPath(named.uri, path.slice(named.name.length + 1))
        : vscode.Uri.joinPath(first.uri, path);
}

/** Return the MCP server of the program that is also the language server; nothing where there is none. */
export async function listMcpServers(server: Server): Promise<McpServerDefinition[]> {
    const location = await server.findProgram();
    const folders = vscode.workspace.workspaceFolders ?? [];
    const { McpStdioServerDefinition } = vscode as unknown as Partial<McpApi>;
    if (!location || !McpStdioServerDefinition) {
        return [];
    }
    const { program, options } = location;
    const { cwd, env } = getIsolatedOptions(program);
    const changes = Object.entries(env).filter(([name, value]) => value !== process.env[name]);
    const removals = Object.fromEntries(changes.map(([name, value]) => [name, value ?? null]));
    const [only] = folders.length === 1 ? folders : [];
    const root = only ? ['--root', only.uri.fsPath] : []; // else the editor names its folders when asked
    const args = [...options, 'mcp', ...root];
    const definition = new McpStdioServerDefinition('codekin', program, args, removals, server.version);
    definition.cwd = vscode.Uri.file(cwd);
    return [definition];
}
