/** Tests how the server is found, started, paused and restarted. */

import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import * as vscode from 'vscode';
import { isAlive } from '../processes';
import { api, findSimilarHit, openAt, root, waitFor } from './window';

export function defineServerTests(): void {
    it('starts the server in the setting', () => {
        assert.equal(api.server.state, 'running');
        assert.equal(api.server.location?.source, 'codekin.path');
    });

    it('uses no key of VS Code’s default key bindings', async () => {
        const defaults = await vscode.workspace.openTextDocument(
            vscode.Uri.parse('vscode://defaultsettings/keybindings.json'),
        );
        for (const key of ['ctrl+k g', 'ctrl+k ctrl+g', 'ctrl+k shift+g', 'ctrl+k ctrl+shift+g']) {
            const bound = [
                ...defaults
                    .getText()
                    .matchAll(new RegExp(`"key": "${key.replaceAll('+', '\\+')}",\\s*"command": "([^"]+)"`, 'g')),
            ];
            assert.deepEqual(
                bound.map(([, command]) => command?.split('.')[0]),
                ['codekin'],
                key,
            );
        }
    });

    it('shows the status page', async () => {
        await vscode.commands.executeCommand('codekin.showStatus');
        await waitFor(
            'the status page',
            () => vscode.window.tabGroups.activeTabGroup.activeTab?.label === 'codekin: Status',
        );
    });

    it('uses a server in the workspace’s virtual environment', async () => {
        const configuration = vscode.workspace.getConfiguration('codekin');
        const original = configuration.get<string>('path', '');
        const scripts = path.join(root.fsPath, '.venv', 'bin');
        fs.mkdirSync(scripts, { recursive: true });
        fs.symlinkSync(original, path.join(scripts, 'codekin'));
        await vscode.commands.executeCommand('codekin.useWorkspaceEnvironment');
        await waitFor(
            'the server',
            () => api.server.state === 'running' && api.server.location?.program === path.join(scripts, 'codekin'),
        );
        await configuration.update('path', original, vscode.ConfigurationTarget.Global);
        await waitFor(
            'the original server',
            () =>
                api.server.state === 'running' &&
                api.server.location?.program === original &&
                api.server.status?.state === 'ready',
        );
        fs.rmSync(path.join(root.fsPath, '.venv'), { recursive: true });
    });

    it('pauses and resumes', async () => {
        await vscode.commands.executeCommand('codekin.pause');
        await waitFor('paused', () => api.server.status?.state === 'paused');
        await vscode.commands.executeCommand('codekin.resume');
        await waitFor('ready', () => api.server.status?.state === 'ready');
    });

    it('restarts a crashed server', async () => {
        const pids = listServerProcesses(process.pid);
        assert.equal(pids.length, 1, 'one server');
        const states: string[] = [];
        const listener = api.server.onChange(() => states.push(api.server.state));
        process.kill(pids[0] as number, 'SIGKILL');
        await waitFor('the crash', () => states.includes('crashed'));
        listener.dispose();
        await waitFor('the restart', () => api.server.state === 'running' && api.server.status?.state === 'ready');
        await openAt('shop/orders.py', 8);
        await findSimilarHit('invoice_total');
    });

    it('gives up the start of a server that never answers, as soon as another is asked for', async () => {
        const configuration = vscode.workspace.getConfiguration('codekin');
        const original = configuration.get<string>('path', '');
        const mute = path.join(root.fsPath, '.mute');
        fs.writeFileSync(mute, '#!/bin/sh\ncat >/dev/null\ntrue\n', { mode: 0o755 });
        const states: string[] = [];
        const listener = api.server.onChange(() => states.push(api.server.state));
        await configuration.update('path', mute, vscode.ConfigurationTarget.Global);
        await waitFor('the start', () => api.server.state === 'starting' && api.server.location?.program === mute);
        await configuration.update('path', original, vscode.ConfigurationTarget.Global);
        await waitFor('ready', () => api.server.location?.program === original && api.server.status?.state === 'ready');
        listener.dispose();
        assert.ok(!states.includes('crashed'), states.join());
        fs.rmSync(mute);
    });

    it('ends a server that refuses to start, and takes its end for no crash of the next one', async () => {
        const configuration = vscode.workspace.getConfiguration('codekin');
        const original = configuration.get<string>('path', '');
        const refusing = path.join(root.fsPath, '.refusing');
        const pidFile = path.join(root.fsPath, '.refusing-pid');
        const refusal = '{"jsonrpc":"2.0","id":0,"error":{"code":-32603,"message":"no"}}';
        const lines = [
            '#!/bin/sh',
            `[ -e '${pidFile}' ] && exec '${original}' "$@"`, // the second start succeeds
            `echo $$ > '${pidFile}'`,
            'head -c 20 >/dev/null',
            `printf 'Content-Length: ${refusal.length}\\r\\n\\r\\n%s' '${refusal}'`,
            'exec sleep 600',
        ];
        fs.writeFileSync(refusing, lines.join('\n'), { mode: 0o755 });
        const states: string[] = [];
        const listener = api.server.onChange(() => states.push(api.server.state));
        await configuration.update('path', refusing, vscode.ConfigurationTarget.Global);
        await waitFor('the next start', () => states.includes('crashed') && api.server.status?.state === 'ready');
        await waitFor('the end', () => !isAlive(Number(fs.readFileSync(pidFile, 'utf8'))));
        assert.equal(listServerProcesses(process.pid).length, 1);
        const next = states.indexOf('running', states.indexOf('crashed')); // before it, the former server's
        assert.ok(!states.slice(next).includes('crashed'), states.join());
        await configuration.update('path', original, vscode.ConfigurationTarget.Global);
        await waitFor('ready', () => api.server.location?.program === original && api.server.status?.state === 'ready');
        listener.dispose();
        fs.rmSync(refusing);
        fs.rmSync(pidFile);
    });

    it('gives up a start while it looks for the program, if a stop is asked for', async () => {
        const states: string[] = [];
        const { server } = api;
        const listener = server.onChange(() => states.push(server.state));
        let stopped: Promise<void> | undefined;
        server.findProgram = async () => {
            stopped ??= server.stop();
            return Object.getPrototypeOf(server).findProgram.call(server);
        };
        await server.restart();
        await stopped;
        assert.deepEqual([...new Set(states)], ['stopped']);
        server.findProgram = () => Promise.reject(new Error('no program can be looked for'));
        await server.restart();
        assert.equal(server.state, 'crashed'); // and nothing says for good that it is being started
        Reflect.deleteProperty(server, 'findProgram');
        listener.dispose();
        await server.restart();
        await waitFor('ready', () => server.status?.state === 'ready');
    });

    it('says that the server is not running where a restart has cancelled a request', async () => {
        const requests = Array.from({ length: 20 }, (_, index) =>
            api.server.request('codekin/search', { query: `the price of order ${index}` }).then(
                () => 'answered',
                (error: Error) => error.message,
            ),
        );
        await vscode.commands.executeCommand('codekin.restart');
        for (const outcome of await Promise.all(requests)) {
            assert.match(outcome, /^answered$|server is not running/);
        }
        await waitFor('ready', () => api.server.status?.state === 'ready');
    });

    it('serialises restarts, and leaves one server', async () => {
        await Promise.all([1, 2, 3].map(() => vscode.commands.executeCommand('codekin.restart')));
        await waitFor('ready', () => api.server.status?.state === 'ready');
        await waitFor('one server', () => listServerProcesses(process.pid).length === 1);
    });
}

/** List the server processes started by this process. */
function listServerProcesses(parent: number): number[] {
    const servers: number[] = [];
    for (const pid of fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
        try {
            const [, rest = ''] = fs.readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ');
            const command = fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8');
            if (Number(rest.split(' ')[1]) === parent && command.includes('codekin\0serve')) {
                servers.push(Number(pid));
            }
        } catch {
            // the process has ended meanwhile
        }
    }
    return servers;
}
