/** Runs the suite with mocha inside the extension host of a real VS Code. */

import Mocha from 'mocha';
import * as vscode from 'vscode';
import { defineFoldersSuite } from './folders';
import { defineSuite } from './suite';

export async function run(): Promise<void> {
    const mocha = new Mocha({ ui: 'bdd', timeout: 200_000, color: false, reporter: 'spec' });
    mocha.suite.emit(Mocha.Suite.constants.EVENT_FILE_PRE_REQUIRE, globalThis, '', mocha);
    (vscode.workspace.workspaceFile ? defineFoldersSuite : defineSuite)();
    await new Promise<void>((resolve, reject) => {
        mocha.run((failures) => (failures ? reject(new Error(`${failures} tests failed`)) : resolve()));
    });
}
