/** Tests what is shown while the index grows, as the server answers and reports its status. */

import * as assert from 'node:assert/strict';
import * as vscode from 'vscode';
import type { Status } from '../../src/protocol';
import { api, openAt, waitFor } from './window';

const QUERY = 'hand the parcel to the carrier';

/** The real server, whose answers and status tell which share of the workspace is indexed. */
class GrowingServer {
    readonly sentCoverages: number[] = []; // the reported share when a request was sent
    private readonly request = api.server.request;
    private readonly report = api.server['setStatus'];
    private readonly status = api.server.status as Status;
    private heldAnswer: Promise<void> = Promise.resolve();

    constructor(private coverage: number) {
        api.server.request = (async (...requestArguments: Parameters<typeof this.request>) => {
            const sentCoverage = this.coverage;
            this.sentCoverages.push(sentCoverage);
            const answer = await this.request.apply(api.server, requestArguments);
            await this.heldAnswer;
            return { ...(answer as object), coverage: sentCoverage };
        }) as typeof api.server.request;
        api.server['setStatus'] = () => undefined; // what the server itself reports
        this.grow(coverage);
    }

    grow(coverage: number): void {
        this.coverage = coverage;
        this.report.call(api.server, { ...this.status, coverage });
    }

    /** Hold all answers until the returned function is called. */
    holdAnswers(): () => void {
        let release = (): void => undefined;
        this.heldAnswer = new Promise((resolve) => {
            release = resolve;
        });
        return release;
    }

    async waitForRequests(...coverages: number[]): Promise<void> {
        await waitFor(`requests at ${coverages}`, () => this.listRequests().length >= coverages.length);
        assert.deepEqual(this.listRequests(), coverages);
    }

    /** Without a repetition of the first: a busy VS Code reports the words that it was given after they were asked for. */
    private listRequests(): number[] {
        const [first, ...others] = this.sentCoverages;
        return first === undefined ? [] : [first, ...others.slice(others[0] === first ? 1 : 0)];
    }

    restore(): void {
        this.grow(1);
        api.server.request = this.request;
        api.server['setStatus'] = this.report;
    }
}

export function defineGrowthTests(): void {
    let server: GrowingServer;

    afterEach(() => {
        api?.search.hide();
        server?.restore();
    });

    it('repeats a search as the index grows, but overtakes no request', async () => {
        server = new GrowingServer(0.01);
        await vscode.commands.executeCommand('codekin.search', QUERY);
        await waitFor('answers', () => api.search.items.some((item) => item.hit));
        const release = server.holdAnswers();
        for (const coverage of [0.015, 0.02, 0.04, 0.4]) {
            server.grow(coverage);
        }
        await server.waitForRequests(0.01, 0.02);
        release();
        await server.waitForRequests(0.01, 0.02, 0.4);
        server.grow(1);
        await server.waitForRequests(0.01, 0.02, 0.4, 1);
    });

    it('leaves the results alone in which the user has begun to move', async () => {
        server = new GrowingServer(0.3);
        await vscode.commands.executeCommand('codekin.search', 'the total price');
        await waitFor('two answers', () => api.search.items.filter((item) => item.hit).length > 1);
        const release = server.holdAnswers();
        server.grow(1);
        await server.waitForRequests(0.3, 1);
        await waitFor('the second item to be active', async () => {
            await vscode.commands.executeCommand('workbench.action.quickOpenSelectNext');
            return api.search['hasNavigated'];
        });
        const { items } = api.search;
        release();
        await waitFor('the answer', () => !api.search['isSearching']);
        assert.equal(api.search.items[0], items[0]);
    });

    it('repeats a search for similar code if everything was indexed before it was answered', async () => {
        await openAt('shop/orders.py', 5);
        server = new GrowingServer(0.3);
        const release = server.holdAnswers();
        const command = vscode.commands.executeCommand('codekin.findSimilar');
        await server.waitForRequests(0.3);
        server.grow(1);
        release();
        await command;
        await waitFor('the complete answer', () => api.similar.answer?.coverage === 1);
        assert.equal(api.similar.view.message, undefined);
    });

    it('completes the results of a search that were kept', async () => {
        server = new GrowingServer(0.3);
        await vscode.commands.executeCommand('codekin.search', QUERY);
        await waitFor('answers', () => api.search.items.some((item) => item.hit));
        const answer = api.search['answer'];
        assert.ok(answer);
        api.search.hide();
        api.similar.showResults(QUERY, answer);
        assert.match(api.similar.view.message ?? '', /30%/);
        server.grow(1);
        await waitFor('the complete answer', () => api.similar.answer?.coverage === 1);
        assert.equal(api.similar.view.message, undefined);
    });
}
