/** The steps that install the server into the extension's own virtual environment. Pure, except for running them. */

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { getIsolatedOptions } from './isolation';
import * as l10n from './l10n';
import { getScriptsFolder } from './serverLocation';

export interface InstallStep {
    title: string;
    command: string[];
    listArguments?: string[]; // a command that prints further arguments, one a line; without any, the step is left out
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

const HAS_GROUPS = process.platform !== 'win32'; // of processes, of which one is the leader
// Prints what an extra of the installed codekin needs. Python does not run pip itself: a cancelled one would go on.
const LIST_EXTRA = `
import re, sys
from importlib.metadata import requires
marker = re.compile("[ ]*(;|and)[ ]*extra == ." + sys.argv[1] + ".")
print(*[marker.sub("", text) for text in requires("codekin") or () if marker.search(text)], sep="\\n")
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

/**
 * Plan the installation of each extra for itself, into an environment that has codekin: ONNX Runtime and others have no
 * wheels for some platforms.
 */
function planExtras(python: string[], pip: string[]): InstallStep[] {
    return [
        {
            title: l10n.t('Installing the MCP server'),
            part: l10n.t('the MCP server for agents'),
            command: pip,
            listArguments: [...python, LIST_EXTRA, 'mcp'],
        },
        {
            title: l10n.t('Installing the small model'),
            part: l10n.t('the small model (ONNX Runtime)'),
            command: pip,
            listArguments: [...python, LIST_EXTRA, 'small'],
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

async function runStep(step: InstallStep, reporter: InstallReporter, signal: AbortSignal): Promise<void> {
    const { title, command, listArguments } = step;
    const furtherArguments = listArguments ? await runCommand(title, listArguments, reporter, signal) : [];
    if (!listArguments || furtherArguments.length) {
        await runCommand(title, [...command, ...furtherArguments], reporter, signal);
    }
}

/** Run a command and return the lines of its output. If it is aborted, the error comes after its end. */
function runCommand(
    title: string,
    command: string[],
    reporter: InstallReporter,
    signal: AbortSignal,
): Promise<string[]> {
    const [program = '', ...commandArguments] = command;
    signal.throwIfAborted();
    reporter.log(command.join(' '));
    return new Promise((resolve, reject) => {
        const stdio: ['ignore', 'pipe', 'pipe'] = ['ignore', 'pipe', 'pipe'];
        const options = { ...getIsolatedOptions(program), stdio, detached: HAS_GROUPS };
        const child = spawn(program, commandArguments, options);
        const abort = (): void => killTree(child);
        signal.addEventListener('abort', abort);
        const outputs: Buffer[] = [];
        const lastLines: string[] = [];
        const onOutput = (data: Buffer): void => {
            for (const line of splitLines(data)) {
                reporter.log(line);
                lastLines.push(line);
                lastLines.splice(0, lastLines.length - 3);
                const progress = parseProgress(line);
                if (progress) {
                    reporter.report(`${title}: ${progress}`);
                }
            }
        };
        child.stdout.on('data', (data: Buffer) => {
            outputs.push(data);
            onOutput(data);
        });
        child.stderr.on('data', onOutput);
        child.on('error', (error) =>
            reject(new InstallError(l10n.t('Cannot run {0} ({1}).', program, error.message), error.message)),
        );
        child.on('close', (exitCode) => {
            signal.removeEventListener('abort', abort);
            if (exitCode === 0) {
                resolve(splitLines(Buffer.concat(outputs)));
            } else {
                const errors = lastLines.filter((line) => /\berror\b|no (matching|solution)/i.test(line));
                const reason = (errors.length ? errors : lastLines).join(' ');
                reject(new InstallError(l10n.t('{0} failed: {1}', title, reason), reason));
            }
        });
    });
}

function splitLines(output: Buffer): string[] {
    return output
        .toString('utf8')
        .split('\n')
        .map((text) => text.trim())
        .filter(Boolean);
}

/** Kill a process and those that it has started: `python -m venv` runs pip in another. */
function killTree(child: ChildProcess): void {
    const { pid } = child;
    if (pid === undefined) {
        return; // it could not be run
    }
    if (HAS_GROUPS) {
        try {
            process.kill(-pid, 'SIGKILL');
        } catch {
            // all of them have ended
        }
    } else if (child.exitCode === null) {
        // Windows finds the children by their parent, which must still run then.
        const [program, ...killArguments] = planTreeKill(pid, process.env['SystemRoot']);
        execFile(program, killArguments, () => child.kill('SIGKILL')); // without effect where taskkill has killed it
    }
}

/** Return the command that kills a process of Windows and its children. It is Windows' own program, by its whole path. */
export function planTreeKill(pid: number, systemRoot = 'C:\\Windows'): [program: string, ...killArguments: string[]] {
    return [path.win32.join(systemRoot, 'System32', 'taskkill.exe'), '/pid', String(pid), '/t', '/f'];
}
