/** What real VS Code runs inside its extension host: the suite, with mocha. */

import Mocha from 'mocha';
import * as vscode from 'vscode';
import { folders } from './folders';
import { suite } from './suite';

export async function run(): Promise<void> {
    const mocha = new Mocha({ ui: 'bdd', timeout: 200_000, color: false, reporter: 'spec' });
    mocha.suite.emit(Mocha.Suite.constants.EVENT_FILE_PRE_REQUIRE, globalThis, '', mocha);
    (vscode.workspace.workspaceFile ? folders : suite)();
    await new Promise<void>((resolve, reject) => {
        mocha.run((failures) => (failures ? reject(new Error(`${failures} failed`)) : resolve()));
    });
}
