/** The steps that install the server into the extension's own virtual environment. Pure, except for running them. */

import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { getIsolatedOptions } from './isolation';
import * as l10n from './l10n';
import { getScriptsFolder } from './serverLocation';

export interface InstallStep {
    title: string;
    command: string[];
    fallback?: InstallStep[]; // run in place of this and all later steps if it fails
}

export interface InstallTools {
    uv: string | undefined;
    python: string | undefined; // 3.11 or newer
}

export class InstallError extends Error {}

/** Plan the installation of a package: a requirement specifier, or a folder with codekin's source. */
export function planInstall(tools: InstallTools, environment: string, packageSpec: string): InstallStep[] {
    const executable = process.platform === 'win32' ? 'python.exe' : 'python';
    const environmentPython = path.join(getScriptsFolder(environment), executable);
    const pip = tools.uv
        ? [tools.uv, 'pip', 'install', '--python', environmentPython]
        : [environmentPython, '-I', '-m', 'pip', 'install', '--disable-pip-version-check'];
    const createCommand = tools.uv
        ? [tools.uv, 'venv', '--python', tools.python ?? '>=3.11', environment]
        : [tools.python ?? '', '-I', '-m', 'venv', environment];
    const plainStep: InstallStep = {
        title: l10n.t('Installing codekin without the small model'),
        command: [...pip, packageSpec],
    };
    const requirements = path.join(packageSpec, 'server', 'requirements-no-compiler.txt');
    if (path.isAbsolute(packageSpec) && fs.existsSync(requirements)) {
        const title = l10n.t('Installing codekin without a C++ compiler (exact search)');
        plainStep.fallback = [
            { title, command: [...pip, '-r', requirements] },
            { title, command: [...pip, '--no-deps', packageSpec] },
        ];
    }
    return [
        { title: l10n.t('Creating a virtual environment'), command: createCommand },
        { title: l10n.t('Installing codekin'), command: [...pip, addExtras(packageSpec)], fallback: [plainStep] },
    ];
}

/**
 * Add the extras that make the server complete: ONNX Runtime, which not every platform has, and the MCP server. What is
 * neither a folder nor begins with a package's name, such as an address, stays as it is.
 */
function addExtras(packageSpec: string): string {
    const [packageName] = path.isAbsolute(packageSpec)
        ? [packageSpec]
        : (/^[\w.-]+(?=$|[ <>=!~;])/.exec(packageSpec) ?? []);
    return packageName ? `${packageName}[mcp,small]${packageSpec.slice(packageName.length)}` : packageSpec;
}

/** Extract what to show of a line of pip's or uv's output; undefined for lines not worth showing. */
export function parseProgress(line: string): string | undefined {
    const [, packageName] = /^Collecting ([^ (]+)/.exec(line) ?? [];
    return packageName ?? /^(?:Building|Processing|Downloading|Installing|Prepared|Resolved) .{0,60}/.exec(line)?.[0];
}

export interface InstallReporter {
    report(message: string): void;
    log(line: string): void;
}

/** Run the steps in order. Throws InstallError, whose message says which step failed and why. */
export async function runSteps(steps: InstallStep[], reporter: InstallReporter, signal: AbortSignal): Promise<void> {
    for (const step of steps) {
        reporter.report(step.title);
        try {
            await runStep(step, reporter, signal);
        } catch (error) {
            if (!step.fallback || signal.aborted) {
                throw error;
            }
            reporter.log(String(error));
            return runSteps(step.fallback, reporter, signal);
        }
    }
}

function runStep({ title, command }: InstallStep, reporter: InstallReporter, signal: AbortSignal): Promise<void> {
    const [program = '', ...commandArguments] = command;
    reporter.log(command.join(' '));
    return new Promise((resolve, reject) => {
        const stdio: ['ignore', 'pipe', 'pipe'] = ['ignore', 'pipe', 'pipe'];
        const child = spawn(program, commandArguments, { ...getIsolatedOptions(program), signal, stdio });
        const lastLines: string[] = [];
        const onOutput = (data: Buffer): void => {
            for (const line of data
                .toString('utf8')
                .split('\n')
                .map((text) => text.trim())
                .filter(Boolean)) {
                reporter.log(line);
                lastLines.push(line);
                lastLines.splice(0, lastLines.length - 3);
                const progress = parseProgress(line);
                if (progress) {
                    reporter.report(`${title}: ${progress}`);
                }
            }
        };
        child.stdout.on('data', onOutput);
        child.stderr.on('data', onOutput);
        child.on('error', (error) => reject(new InstallError(l10n.t('Cannot run {0} ({1}).', program, error.message))));
        child.on('close', (exitCode) => {
            if (exitCode === 0) {
                resolve();
            } else {
                reject(new InstallError(l10n.t('{0} failed: {1}', title, lastLines.join(' '))));
            }
        });
    });
}
