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
    part?: string; // of codekin, which is missing if this step fails; without a fallback, the later steps are run then
    fallback?: InstallStep[]; // run in place of this and all later steps if it fails
}

/** A part of codekin that could not be installed, and the last lines that pip or uv printed. */
export interface MissingPart {
    part: string;
    reason: string;
}

export interface InstallTools {
    uv: string | undefined;
    python: string | undefined; // 3.11 or newer
}

export class InstallError extends Error {
    constructor(
        message: string,
        readonly reason: string,
    ) {
        super(message);
    }
}

// Installs what an extra of the installed codekin needs: ONNX Runtime and others have no wheels for some platforms.
const INSTALL_EXTRA = `
import re, subprocess, sys
from importlib.metadata import requires
extra, *pip = sys.argv[1:]
marker = re.compile("[ ]*(;|and)[ ]*extra == ." + extra + ".")
needed = [marker.sub("", text) for text in requires("codekin") or () if marker.search(text)]
sys.exit(subprocess.run([*pip, *needed]).returncode if needed else 0)
`;

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
    const createStep = { title: l10n.t('Creating a virtual environment'), command: createCommand };
    const plainStep: InstallStep = { title: l10n.t('Installing codekin'), command: [...pip, packageSpec] };
    const completeSpec = addExtras(packageSpec);
    const extraSteps = completeSpec === packageSpec ? [] : planExtras([environmentPython, '-I', '-c'], pip);
    const requirements = path.join(packageSpec, 'server', 'requirements-no-compiler.txt');
    if (path.isAbsolute(packageSpec) && fs.existsSync(requirements)) {
        const title = l10n.t('Installing codekin without a C++ compiler (exact search)');
        plainStep.part = l10n.t('the graph for quick search in large workspaces (hnswlib)');
        plainStep.fallback = [
            { title, command: [...pip, '-r', requirements] },
            { title, command: [...pip, '--no-deps', packageSpec] },
            ...extraSteps,
        ];
    }
    const completeStep = { ...plainStep, command: [...pip, completeSpec], fallback: [plainStep, ...extraSteps] };
    delete completeStep.part; // its failure does not tell which part is missing
    return [createStep, ...(extraSteps.length ? [completeStep] : [plainStep])];
}

/** Plan the installation of each extra for itself, into an environment that has codekin. */
function planExtras(python: string[], pip: string[]): InstallStep[] {
    return [
        {
            title: l10n.t('Installing the MCP server'),
            part: l10n.t('the MCP server for agents'),
            command: [...python, INSTALL_EXTRA, 'mcp', ...pip],
        },
        {
            title: l10n.t('Installing the small model'),
            part: l10n.t('the small model (ONNX Runtime)'),
            command: [...python, INSTALL_EXTRA, 'small', ...pip],
        },
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

/**
 * Run the steps in order, and return the parts that could not be installed. Throws InstallError, whose message says which
 * step failed and why, if codekin itself could not.
 */
export async function runSteps(
    steps: InstallStep[],
    reporter: InstallReporter,
    signal: AbortSignal,
): Promise<MissingPart[]> {
    const missingParts: MissingPart[] = [];
    for (const step of steps) {
        reporter.report(step.title);
        try {
            await runStep(step, reporter, signal);
        } catch (error) {
            if (signal.aborted || !(error instanceof InstallError && (step.part || step.fallback))) {
                throw error;
            }
            reporter.log(String(error));
            missingParts.push(...(step.part ? [{ part: step.part, reason: error.reason }] : []));
            if (step.fallback) {
                return [...missingParts, ...(await runSteps(step.fallback, reporter, signal))];
            }
        }
    }
    return missingParts;
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
        child.on('error', (error) =>
            reject(new InstallError(l10n.t('Cannot run {0} ({1}).', program, error.message), error.message)),
        );
        child.on('close', (exitCode) => {
            if (exitCode === 0) {
                resolve();
            } else {
                const errors = lastLines.filter((line) => /\berror\b|no (matching|solution)/i.test(line));
                const reason = (errors.length ? errors : lastLines).join(' ');
                reject(new InstallError(l10n.t('{0} failed: {1}', title, reason), reason));
            }
        });
    });
}
