/** Formats answers for language models: plain text, paths below the workspace, lines from 1. Pure. */

import { escapeInvisible, getHitName } from './format';
import type { Answer, Existence, ExistenceAnswer, Hit } from './protocol';

const VERDICTS: Record<string, string> = {
    yes: 'exists already',
    likely: 'probably exists already',
    possible: 'may exist already; look at',
    no: 'does not exist here',
};

/** Return the path of a URI as the model is to see it. */
export type ToPath = (uri: string) => string;

/** Return the hits, best first, and how much of the workspace was searched. */
export function formatAnswerText(answer: Answer, toPath: ToPath): string {
    const hits = answer.hits.map((hit) => formatHit(hit, toPath));
    return [...(hits.length ? hits : ['Nothing here is likely to be that.']), ...formatCoverage(answer)].join('\n');
}

/** Return a verdict for each function, with the places that it rests on. */
export function formatExistenceText(answer: ExistenceAnswer, toPath: ToPath): string {
    const verdicts = answer.functions.map((existence) => formatExistence(existence, toPath));
    return [...verdicts, ...formatCoverage(answer)].join('\n');
}

function formatExistence({ name, verdict, probability, matches }: Existence, toPath: ToPath): string {
    const subject = name ? `${escapeInvisible(name)}: ` : '';
    const nearest = verdict === 'no' && matches.length ? ' Nearest:' : '';
    const summary = `${subject}${VERDICTS[verdict] ?? verdict} (${toPercent(probability)})${nearest}`;
    return [summary, ...matches.map((hit) => formatHit(hit, toPath))].join('\n');
}

function formatHit(hit: Hit, toPath: ToPath): string {
    const { start, end } = (hit.cell ?? hit.location).range;
    const cell = hit.cell ? `#${hit.cell.index + 1}` : '';
    const place = `${toPath(hit.location.uri)}${cell}:${start.line + 1}-${Math.max(end.line, start.line + 1)}`;
    const kinship = hit.kinship ? `${hit.kinship}: ` : '';
    const reason = escapeInvisible(`${kinship}${hit.why}`);
    return `${place}  ${hit.kind} ${getHitName(hit)}  ${toPercent(hit.score)}  (${reason})`;
}

function formatCoverage({ coverage }: { coverage: number }): string[] {
    return coverage < 1 ? [`Only ${toPercent(coverage)} of the workspace is indexed so far.`] : [];
}

/** Format a share in English, whatever language people read. */
function toPercent(share: number): string {
    return `${Math.round(share * 100)}%`;
}
