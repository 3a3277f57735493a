/** The steps that put the server into a virtual environment of the extension's own. Pure, but for running them. */

import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { surroundings } from './isolation';
import { programsOf } from './places';

export interface Step {
    says: string;
    words: string[];
    otherwise?: Step[]; // instead of this and the rest, where it fails
}

export interface Tools {
    uv: string | undefined;
    python: string | undefined; // 3.11 or newer
}

export class StepError extends Error {}

/** What pip or uv is to install: a requirement, or a folder with codekin's source. */
export function plan(tools: Tools, environment: string, wanted: string): Step[] {
    const inside = path.join(programsOf(environment), process.platform === 'win32' ? 'python.exe' : 'python');
    const pip = tools.uv
        ? [tools.uv, 'pip', 'install', '--python', inside]
        : [inside, '-I', '-m', 'pip', 'install', '--disable-pip-version-check'];
    const make = tools.uv
        ? [tools.uv, 'venv', '--python', tools.python ?? '>=3.11', environment]
        : [tools.python ?? '', '-I', '-m', 'venv', environment];
    const whole: Step = { says: 'installing', words: [...pip, wanted] };
    const listed = path.join(wanted, 'server', 'requirements-no-compiler.txt');
    if (path.isAbsolute(wanted) && fs.existsSync(listed)) {
        const says = 'installing without a C++ compiler (exact search)';
        whole.otherwise = [
            { says, words: [...pip, '-r', listed] },
            { says, words: [...pip, '--no-deps', wanted] },
        ];
    }
    return [{ says: 'making a virtual environment', words: make }, whole];
}

/** A line of pip's or uv's, as a person wants to read it. */
export function news(line: string): string | undefined {
    const [, name] = /^Collecting ([^ (]+)/.exec(line) ?? [];
    return name ?? /^(?:Building|Processing|Downloading|Installing|Prepared|Resolved) .{0,60}/.exec(line)?.[0];
}

/** One after the other. Throws StepError, which says what failed and how. */
export async function carryOut(steps: Step[], told: (news: string) => void, log: (line: string) => void, signal: AbortSignal): Promise<void> {
    for (const step of steps) {
        told(step.says);
        try {
            await run(step, told, log, signal);
        } catch (error) {
            if (!step.otherwise || signal.aborted) {
                throw error;
            }
            log(String(error));
            return carryOut(step.otherwise, told, log, signal);
        }
    }
}

function run({ says, words }: Step, told: (news: string) => void, log: (line: string) => void, signal: AbortSignal): Promise<void> {
    const [program = '', ...rest] = words;
    log(words.join(' '));
    return new Promise((resolve, reject) => {
        const child = spawn(program, rest, { ...surroundings(program), signal, stdio: ['ignore', 'pipe', 'pipe'] });
        const last: string[] = [];
        const heard = (data: Buffer): void => {
            for (const line of data.toString('utf8').split('\n').filter((each) => each.trim())) {
                log(line);
                last.push(line.trim());
                last.splice(0, last.length - 3);
                const item = news(line.trim());
                if (item) {
                    told(`${says}: ${item}`);
                }
            }
        };
        child.stdout.on('data', heard);
        child.stderr.on('data', heard);
        child.on('error', (error) => reject(new StepError(`${program} cannot be run (${error.message}).`)));
        child.on('close', (code) => {
            if (code === 0) {
                resolve();
            } else {
                reject(new StepError(`${says} failed: ${last.join(' ')}`));
            }
        });
    });
}
