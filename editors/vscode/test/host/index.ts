/** What real VS Code runs inside its extension host: the suite, with mocha. */

import Mocha from 'mocha';
import { suite } from './suite';

export async function run(): Promise<void> {
    const mocha = new Mocha({ ui: 'bdd', timeout: 60_000, color: false, reporter: 'spec' });
    mocha.suite.emit(Mocha.Suite.constants.EVENT_FILE_PRE_REQUIRE, globalThis, '', mocha);
    suite();
    await new Promise<void>((resolve, reject) => {
        mocha.run((failures) => (failures ? reject(new Error(`${failures} failed`)) : resolve()));
    });
}
